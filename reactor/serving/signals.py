"""What an operator says to a running server by signals. Knows no protocol."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..reactor import Reactor

if TYPE_CHECKING:
    from ..processes.prefork import Supervisor


def dump_on_signal(reactor: Reactor) -> None:
    """`kill -USR1` shows the reactor's connections on stderr."""
    if hasattr(signal, "SIGUSR1"):  # Windows has none
        reactor.add_signal_handler(signal.SIGUSR1, show, reactor)


def on_hangup(reactor: Reactor, reload: Callable[[], None]) -> None:
    """`kill -HUP` calls `reload`, where the default would end the process without a drain."""
    if hasattr(signal, "SIGHUP"):
        reactor.add_signal_handler(signal.SIGHUP, reload)


def pass_on(reactor: Reactor, supervisor: Supervisor) -> None:
    """SIGUSR1 and SIGHUP of the parent are for its workers: the connections are theirs, and the certificates."""
    for name in ("SIGUSR1", "SIGHUP"):
        if (signum := getattr(signal, name, None)) is not None:
            reactor.add_signal_handler(signum, _signal_all, supervisor, signum)


def show(reactor: Reactor) -> None:
    """The dump on stderr, in one piece, and whose it is: several workers may write there at the same time."""
    try:
        sys.stderr.write(f"--- process {os.getpid()}\n{reactor.dump()}\n---\n")
        sys.stderr.flush()
    except OSError:
        pass  # nobody reads it


def _signal_all(supervisor: Supervisor, signum: int) -> None:
    for pid in supervisor.pids:
        os.kill(pid, signum)
