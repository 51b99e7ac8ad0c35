#!/usr/bin/env python3
"""Echo as an asyncio.Protocol, as its documentation writes it."""

import asyncio
import sys

from aio import main


class Echo(asyncio.Protocol):
    """Write back what arrives."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


if __name__ == "__main__":
    sys.exit(main(Echo, "Echo on asyncio or uvloop."))
