"""Running a protocol on the reactor as a server of the benchmark. Its importer has put the project on the path."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from reactor import Reactor


def serve(factory: Callable[[], Any], options: argparse.Namespace, **how: Any) -> int:
    """Listen, say where, and run until a signal. Gives the exit status. how: as for `Reactor.listen_tcp`."""
    with Reactor() as reactor:
        try:
            listener = reactor.listen_tcp(factory, options.host, options.port, **how)
        except (OSError, OverflowError) as error:
            print(f"cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
            return 1
        print(f"listening on {options.host}:{listener.port}", flush=True)
        reactor.run()
    return 0
