#!/usr/bin/env python3
"""Echo, lines and the chat on trio: one task for each connection; a chat member has a second one that writes."""

import math
import sys

from command import BACKLOG, READ, leave_on_signals, listening, missing, parse, reply
from room import Room

try:
    import trio
except ImportError:
    sys.exit(missing("trio"))

OPTIONS = parse(__doc__)
ROOM = Room(OPTIONS.silent)


async def echo(stream):
    while data := await stream.receive_some(READ):
        await stream.send_all(data)


async def lines(stream):
    rest = b""
    while data := await stream.receive_some(READ):
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            await stream.send_all(reply(line))


class Member:
    """An outbox, and the task that empties it: in trio nobody writes to a stream of another task."""

    def __init__(self, stream, scope):
        self.stream, self.hang_up = stream, scope.cancel
        self.outbox, self.posted = trio.open_memory_channel(math.inf)
        self.write = self.outbox.send_nowait

    async def deliver(self):
        async for data in self.posted:
            await self.stream.send_all(data)


async def chat(stream):
    async with trio.open_nursery() as nursery:
        member = Member(stream, nursery.cancel_scope)
        ROOM.join(member)
        nursery.start_soon(member.deliver)
        try:
            while data := await stream.receive_some(READ):
                ROOM.feed(member, data)
        finally:
            ROOM.leave(member)
        nursery.cancel_scope.cancel()


SERVE = {"echo": echo, "lines": lines, "chat": chat}[OPTIONS.service]


async def handle(stream):
    """A SocketStream has set TCP_NODELAY by itself."""
    try:
        await SERVE(stream)
    except (OSError, trio.BrokenResourceError):
        pass  # the peer is gone
    except BaseExceptionGroup as group:
        if group.split((OSError, trio.BrokenResourceError))[1]:
            raise


async def main():
    listeners = await trio.open_tcp_listeners(OPTIONS.port, host=OPTIONS.host, backlog=BACKLOG)
    listening(listeners[0].socket.getsockname())
    await trio.serve_listeners(handle, listeners)


leave_on_signals()
trio.run(main)
