#!/usr/bin/env python3
"""A reply to every line as an asyncio.Protocol: one write for each reply, as people write it.

With --join the replies to one read are joined by hand: what the reactor does unasked, where all comes in one read.
"""

import asyncio
import sys

from aio import main
from command import reply


class Lines(asyncio.Protocol):
    """Answers each line X with `Hello, X!`."""

    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""

    def data_received(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.transport.write(b"Hello, %b!\n" % line)


class Joined(Lines):
    """The same, with one write for all lines of a read."""

    def data_received(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        if lines:
            self.transport.write(b"".join(map(reply, lines)))


if __name__ == "__main__":
    kind = Joined if "--join" in sys.argv else Lines
    sys.exit(main(kind, "A reply to every line, on asyncio's loop or another."))
