#!/usr/bin/env python3
"""Step 5: a small chat. What all connections share is made once and handed to each of them.

`make` is called with the reactor and gives the factory; the set of members is between the two. No lock is needed:
callbacks run one at a time, so nobody comes or goes while `say` walks through the set. Try: `nc 127.0.0.1 2400` from
three terminals. Then let `/who` list who is there, and read `protocols/chat/` for all that a real one has to think of.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from collections.abc import Callable

from reactor import LineProtocol, Reactor, StreamTransport
from reactor.serving import run


class Member(LineProtocol):
    def __init__(self, room: set[Member]) -> None:
        self.room = room  # the same set for everybody
        self.name: bytes | None = None

    def connection_made(self, transport: StreamTransport) -> None:
        super().connection_made(transport)  # a framer keeps the transport for you
        self.send_line(b"your name?")

    def line_received(self, line: bytes) -> None:
        if self.name is not None:
            return self.say(self.name + b": " + line)
        self.name = line
        self.room.add(self)
        self.say(b"* " + line + b" joined")

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self.room:  # somebody who never said a name was not in it
            self.room.remove(self)
            self.say(b"* %b left" % self.name)

    def say(self, text: bytes) -> None:
        for member in self.room:
            member.send_line(text)


def make(reactor: Reactor) -> Callable[[], Member]:
    room: set[Member] = set()
    return lambda: Member(room)  # the reactor calls this for each connection


if __name__ == "__main__":
    sys.exit(run(make, port=2400, description="A small chat."))
