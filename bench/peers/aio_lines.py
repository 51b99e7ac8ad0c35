#!/usr/bin/env python3
"""A reply to every line as an asyncio.Protocol: one write for each reply, as people write it."""

import asyncio
import sys

from aio import main


class Lines(asyncio.Protocol):
    """Answers each line X with `Hello, X!`."""

    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""

    def data_received(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.transport.write(b"Hello, %b!\n" % line)


if __name__ == "__main__":
    sys.exit(main(Lines, "A reply to every line, on asyncio or uvloop."))
