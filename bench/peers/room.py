"""The chat of the peers: guest names, renames, and one write for each member, as people write it. Knows no event loop.

A member is any object with `write(bytes)` and `hang_up()`; `name` and `rest` are the room's own. The features are those
of the load: guest names, `/nick NAME`, `NAME::text`, `/quit` and `exit`.
"""

import itertools


class Room:
    """Who is here under which name. A silent one announces nobody's joining or leaving."""

    def __init__(self, silent=False):
        self.silent = silent
        self.members = {}
        self.numbers = itertools.count(1)

    def join(self, member):
        member.rest = b""
        member.name = f"guest-{next(self.numbers)}"
        self.members[member.name] = member
        member.write(f"* welcome, you are {member.name}\n".encode())
        self.announce(f"* {member.name} joined", member)

    def leave(self, member):
        if self.members.pop(member.name, None):
            self.announce(f"* {member.name} left", member)

    def announce(self, line, member):
        if not self.silent:
            self.broadcast(line, member)

    def broadcast(self, line, sender):
        """Write one line to everybody but its sender."""
        data = f"{line}\n".encode()
        for member in list(self.members.values()):  # who hangs up meanwhile is taken out of the room
            if member is not sender:
                member.write(data)

    def feed(self, member, data):
        """Act on the lines that have come, and keep the rest."""
        *lines, member.rest = (member.rest + data).split(b"\n")
        for line in lines:
            self.handle(member, line.decode("utf-8", "replace").strip())

    def handle(self, member, text):
        if text in ("/quit", "exit"):
            member.hang_up()
        elif text.startswith("/nick "):
            self.claim(member, text[6:].strip())
        elif "::" in text:
            name, _, said = text.partition("::")
            if self.claim(member, name.strip()) and said:
                self.broadcast(f"{member.name}: {said}", member)
        elif text:
            self.broadcast(f"{member.name}: {text}", member)

    def claim(self, member, name):
        if not name or self.members.get(name, member) is not member:
            member.write(b"* that name is not free\n")
            return False
        if name != member.name:
            del self.members[member.name]
            self.members[name] = member
            self.broadcast(f"* {member.name} is now {name}", None)
            member.name = name
        return True
