#!/usr/bin/env python3
"""The chat as an asyncio.Protocol that writes to each member's transport in turn, as people write it."""

import asyncio
import itertools
import sys

from aio import main

MEMBERS = {}  # transport by name
NUMBERS = itertools.count(1)


def broadcast(line, sender):
    """Write one line to everybody but its sender."""
    data = f"{line}\n".encode()
    for transport in MEMBERS.values():
        if transport is not sender:
            transport.write(data)


class Chat(asyncio.Protocol):
    """One member: guest names, `/nick NAME`, `NAME::text`, `/quit` and `exit`."""

    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""
        self.name = f"guest-{next(NUMBERS)}"
        MEMBERS[self.name] = transport
        transport.write(f"* welcome, you are {self.name}\n".encode())
        broadcast(f"* {self.name} joined", transport)

    def connection_lost(self, exc):
        del MEMBERS[self.name]
        broadcast(f"* {self.name} left", self.transport)

    def data_received(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.handle(line.decode("utf-8", "replace").strip())

    def handle(self, text):
        if text in ("/quit", "exit"):
            self.transport.close()
        elif text.startswith("/nick "):
            self.claim(text[6:].strip())
        elif "::" in text:
            name, _, said = text.partition("::")
            if self.claim(name.strip()) and said:
                broadcast(f"{self.name}: {said}", self.transport)
        elif text:
            broadcast(f"{self.name}: {text}", self.transport)

    def claim(self, name):
        if not name or MEMBERS.get(name, self.transport) is not self.transport:
            self.transport.write(b"* that name is not free\n")
            return False
        if name != self.name:
            del MEMBERS[self.name]
            MEMBERS[name] = self.transport
            broadcast(f"* {self.name} is now {name}", None)
            self.name = name
        return True


if __name__ == "__main__":
    sys.exit(main(Chat, "The chat on asyncio or uvloop, one write for each member."))
