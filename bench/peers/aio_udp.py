#!/usr/bin/env python3
"""UDP echo as an asyncio.DatagramProtocol, as its documentation writes it."""

import asyncio
import sys

from aio import main


class Echo(asyncio.DatagramProtocol):
    """Send back what arrives."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


if __name__ == "__main__":
    sys.exit(main(Echo, "UDP echo on asyncio or uvloop.", datagrams=True))
