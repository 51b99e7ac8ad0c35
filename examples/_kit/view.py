"""What an operator sees of a running example: a dump on stderr at SIGUSR1, and --metrics for Prometheus."""

from __future__ import annotations

import argparse
import functools
import os
import signal
import sys

from reactor import Listener, Reactor, Supervisor

METRICS_HELP = "tell Prometheus, on this port of 127.0.0.1, as http://127.0.0.1:PORT/metrics; 0 is any free one (none)"


def dump_on_signal(reactor: Reactor) -> None:
    """`kill -USR1` shows the reactor's connections on stderr."""
    if hasattr(signal, "SIGUSR1"):  # Windows has none
        reactor.add_signal_handler(signal.SIGUSR1, show, reactor)


def dump_workers_on_signal(reactor: Reactor, supervisor: Supervisor) -> None:
    """`kill -USR1` of the parent is for all its workers: the connections are theirs."""
    if hasattr(signal, "SIGUSR1"):
        reactor.add_signal_handler(signal.SIGUSR1, functools.partial(signal_all, supervisor))


def signal_all(supervisor: Supervisor) -> None:
    for pid in supervisor.pids:
        os.kill(pid, signal.SIGUSR1)


def show(reactor: Reactor) -> None:
    """The dump on stderr, in one piece, and whose it is: several workers may write there at the same time."""
    try:
        sys.stderr.write(f"--- process {os.getpid()}\n{reactor.dump()}\n---\n")
        sys.stderr.flush()
    except OSError:
        pass  # nobody reads it


def port_number(text: str) -> int:
    """A port, as argparse asks for it."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"a port is 0 to 65535, not {text}")
    return port


def add_metrics_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--metrics", type=port_number, metavar="PORT", help=METRICS_HELP)


def listen_for_scrapes(reactor: Reactor, port: int | None) -> Listener | None:
    """The metrics on their own port; nothing without one. Raises ListenError."""
    if port is None:
        return None
    from protocols.metrics import LIMITS, TIMEOUTS, Metrics  # who is not asked for metrics need not load http

    return reactor.listen_tcp(lambda: Metrics(reactor), "127.0.0.1", port, limits=LIMITS, timeouts=TIMEOUTS)
