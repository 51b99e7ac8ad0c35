#!/usr/bin/env python3
"""Step 2: your first protocol. A class with three methods is a server for as many people as come.

The reactor makes one `Shout` for each connection and calls it when something happens: here there, then data, then
gone. Nothing in it waits, so one thread serves everybody. Try: `nc 127.0.0.1 9001` from two terminals at once.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from reactor import Protocol, StreamTransport
from reactor.serving import run


class Shout(Protocol):
    """Sends back what it gets, louder."""

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport  # keep it: it is how you answer
        transport.write(b"say something\n")

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())

    def connection_lost(self, exc: Exception | None) -> None:
        print("somebody left", "in good order" if exc is None else f"because of {exc!r}", flush=True)


if __name__ == "__main__":
    sys.exit(run(lambda reactor: Shout, port=9001, description="Shout back."))
