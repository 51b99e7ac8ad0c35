"""Runs a program of a document as it stands there, but for its ports, which the kernel gives, and its end.

    python tests/kit/block.py PROGRAM PORTS [SECONDS]

A line `9000 41234` in the file PORTS says that what the program calls 9000 is 41234. After SECONDS of `reactor.run()`
the program gets SIGTERM; without them it runs until somebody sends it.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import reactor
from reactor import Reactor

PROGRAM, PORTS = sys.argv[1:3]
SECONDS = float(sys.argv[3]) if sys.argv[3:] else None
MAIN = os.getpid()
LONGER = 100  # times SECONDS, at most, for what a program waits for

given: dict[Any, int] = {}
listen_tcp, connect_tcp, open_udp, run = Reactor.listen_tcp, Reactor.connect_tcp, Reactor.open_udp, Reactor.run
prefork_sockets = reactor.prefork_sockets


def note(port: int, real: int) -> None:
    given[port] = real
    with open(PORTS, "a") as file:
        file.write(f"{port} {real}\n")


def listen_anywhere(self: Reactor, factory: Any, host: Any, port: int, **options: Any) -> Any:
    listener = listen_tcp(self, factory, host, 0, **options)
    note(port, listener.port)
    return listener


def connect_there(self: Reactor, factory: Any, host: Any, port: int, **options: Any) -> Any:
    return connect_tcp(self, factory, host, given.get(port, port), **options)


def open_anywhere(self: Reactor, factory: Any, *, local: Any = None, **options: Any) -> Any:
    transport = open_udp(self, factory, local=local and (local[0], 0), **options)
    if local:
        note(local[1], transport.get_extra_info("sockname")[1])
    return transport


def share_anywhere(host: Any, port: int, count: int, **options: Any) -> Any:
    sockets = prefork_sockets(host, 0, count, **options)
    note(port, sockets[0].getsockname()[1])
    return sockets


def run_for_a_while(self: Reactor) -> None:
    if SECONDS is not None and os.getpid() == MAIN:
        self.call_later(SECONDS, end, self, LONGER)
    run(self)


def end(self: Reactor, left: int) -> None:
    """Not while it waits for what it has begun, as a handshake: on a busy machine that takes longer."""
    if len(self._promises) and left:
        self.call_later(SECONDS, end, self, left - 1)
    else:
        os.kill(MAIN, signal.SIGTERM)


Reactor.listen_tcp, Reactor.connect_tcp, Reactor.open_udp = listen_anywhere, connect_there, open_anywhere  # type: ignore
Reactor.run = run_for_a_while  # type: ignore[method-assign]
reactor.prefork_sockets = share_anywhere

sys.argv = [PROGRAM]
sys.path.insert(0, str(Path(PROGRAM).parent))
runpy.run_path(PROGRAM, run_name="__main__")
