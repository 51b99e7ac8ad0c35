#!/usr/bin/env python3
"""Step 4: backpressure. A producer faster than its reader must stop, or the server's memory is the buffer.

`write` never blocks: what the peer does not take is kept. Above a watermark the reactor calls `pause_writing`, and
`resume_writing` once the peer has caught up. A producer that heeds the two serves a thousand slow readers in little
memory. Try: `nc 127.0.0.1 9003 | pv -L 1m > /dev/null` (or `| less`), watch what the server prints, then delete the
line that makes it stop and watch its memory instead.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from reactor import Protocol, Reactor, StreamTransport
from reactor.serving import run, say

LINES = 1000  # written at once, between two looks at other connections


class Counter(Protocol):
    """Counts for as long as the peer listens."""

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.number = 0
        self.flowing = True

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport
        self.produce()

    def produce(self) -> None:
        if self.flowing and not self.transport.is_closing():
            numbers = range(self.number, self.number + LINES)
            self.number += LINES
            self.transport.write("".join(f"{number}\n" for number in numbers).encode())
            self.reactor.call_soon(self.produce)  # the next batch, after the others have had their turn

    def pause_writing(self) -> None:
        self.flowing = False  # this is the line
        say(f"pause at {self.number}")

    def resume_writing(self) -> None:
        self.flowing = True
        self.reactor.call_soon(self.produce)


if __name__ == "__main__":
    make = lambda reactor: lambda: Counter(reactor)  # noqa: E731 - a counter needs the reactor
    sys.exit(run(make, port=9003, description="Count as fast as the reader reads."))
