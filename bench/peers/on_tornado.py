#!/usr/bin/env python3
"""Echo, lines and the chat on Tornado: its `TCPServer`, one coroutine for each connection."""

import asyncio
import sys

from command import BACKLOG, READ, leave_on_signals, listening, missing, parse, reply
from room import Room

try:
    from tornado.iostream import StreamClosedError
    from tornado.tcpserver import TCPServer
except ImportError:
    sys.exit(missing("tornado"))

OPTIONS = parse(__doc__)
ROOM = Room(OPTIONS.silent)


async def echo(stream):
    while True:
        await stream.write(await stream.read_bytes(READ, partial=True))


async def lines(stream):
    while True:
        line = await stream.read_until(b"\n")
        await stream.write(reply(line[:-1]))


class Member:
    """A stream; what is written to it is not waited for."""

    def __init__(self, stream):
        self.stream, self.hang_up = stream, stream.close

    def write(self, data):
        try:
            self.stream.write(data)
        except StreamClosedError:
            pass  # gone; its own coroutine sees the end


async def chat(stream):
    member = Member(stream)
    ROOM.join(member)
    try:
        while True:
            ROOM.feed(member, await stream.read_bytes(READ, partial=True))
    finally:
        ROOM.leave(member)


SERVE = {"echo": echo, "lines": lines, "chat": chat}[OPTIONS.service]


class Server(TCPServer):
    async def handle_stream(self, stream, address):
        stream.set_nodelay(True)
        try:
            await SERVE(stream)
        except StreamClosedError:
            pass  # the peer is gone


async def main():
    server = Server()
    server.listen(OPTIONS.port, OPTIONS.host, backlog=BACKLOG)
    listening(next(iter(server._sockets.values())).getsockname())
    await asyncio.Event().wait()


leave_on_signals()
asyncio.run(main())
