"""Programs as asyncio's documentation writes them, to be run unchanged."""

from __future__ import annotations

import asyncio


class EchoServerProtocol(asyncio.Protocol):
    """From the asyncio documentation, "TCP Echo Server"."""

    def connection_made(self, transport):
        peername = transport.get_extra_info("peername")
        print(f"Connection from {peername}")
        self.transport = transport

    def data_received(self, data):
        message = data.decode()
        print(f"Data received: {message!r}")

        print(f"Send: {message!r}")
        self.transport.write(data)

        print("Close the client socket")
        self.transport.close()


class EchoClientProtocol(asyncio.Protocol):
    """From the asyncio documentation, "TCP Echo Client"."""

    def __init__(self, message, on_con_lost):
        self.message = message
        self.on_con_lost = on_con_lost

    def connection_made(self, transport):
        transport.write(self.message.encode())
        print(f"Data sent: {self.message!r}")

    def data_received(self, data):
        print(f"Data received: {data.decode()!r}")

    def connection_lost(self, exc):
        print("The server closed the connection")
        self.on_con_lost.set_result(True)
