#!/usr/bin/env python3
"""The tutorial's greeting server: each message X gets `Hello, X!`, `exit` ends. Try it with `nc 127.0.0.1 9999`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

from _kit.cli import listen, log_to_stderr, serve, server_parser
from _kit.view import add_metrics_option
from protocols import Greeting
from reactor import Reactor


def main() -> int:
    parser = server_parser("Greet whoever says a name.", 9999)
    add_metrics_option(parser)
    options = parser.parse_args()
    log_to_stderr()
    with Reactor() as reactor:
        return serve(reactor, lambda: listen(reactor, lambda: Greeting(reactor), options), options.metrics)


if __name__ == "__main__":
    sys.exit(main())
