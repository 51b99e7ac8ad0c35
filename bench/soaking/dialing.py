"""Connections of the load: made with or without TLS, and ended in the ways that peers end them. Knows no protocol."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

from soaking.services import CERTIFICATES

HOST = "127.0.0.1"
ANSWER = 60.0  # seconds until what should come is a fault: servers here answer within one, unless they pace a flood
RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() resets


class Fault(Exception):
    """A server did not do what it promises; the message is for the report."""


@dataclass
class Line:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def reset(self) -> None:
        """End it as a program does that is killed: the peer gets a reset."""
        sock = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()

    async def to_end(self) -> bytes:
        """What comes until the server ends; nothing more where it resets."""
        try:
            async with asyncio.timeout(ANSWER):
                return await self.reader.read()
        except ConnectionError:
            return b""


def trusting() -> ssl.SSLContext:
    """A client that trusts the certificates of the tests."""
    return ssl.create_default_context(cafile=str(CERTIFICATES / "ca.pem"))


@contextlib.asynccontextmanager
async def dial(port: int, tls: ssl.SSLContext | None = None, *, window: int | None = None) -> AsyncIterator[Line]:
    """A connection while the block runs. window: bytes that the kernel takes while nobody reads, the usual if None."""
    sock = socket.socket()
    if window:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    sock.setblocking(False)
    try:
        async with asyncio.timeout(ANSWER):
            await asyncio.get_running_loop().sock_connect(sock, (HOST, port))
            name = "localhost" if tls else None
            reader, writer = await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=name)
    except BaseException:
        sock.close()
        raise
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort() if tls else writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            async with asyncio.timeout(5.0):
                await writer.wait_closed()


async def open_websocket(line: Line, path: str, more: str = "") -> None:
    """The handshake of a client. Fault where the server refuses."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
    line.writer.write(request.encode())
    async with asyncio.timeout(ANSWER):
        head = await line.reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 "):
        raise Fault(f"no WebSocket: {head[:60]!r}")
