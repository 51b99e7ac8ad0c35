#!/usr/bin/env python3
"""The chat as an asyncio.Protocol that writes to each member's transport in turn, as people write it."""

import asyncio
import sys

from aio import main
from room import Room

ROOM = Room(silent="--silent" in sys.argv)


class Chat(asyncio.Protocol):
    """One member."""

    def connection_made(self, transport):
        self.write, self.hang_up = transport.write, transport.close
        ROOM.join(self)

    def connection_lost(self, exc):
        ROOM.leave(self)

    def data_received(self, data):
        ROOM.feed(self, data)


if __name__ == "__main__":
    sys.exit(main(Chat, "The chat on asyncio's loop or another, one write for each member."))
