#!/usr/bin/env python3
"""A chat server with one thread per connection: the tutorials' way, made correct. The wire is our chat server's.

A member's thread reads that member's lines and writes them to everybody else. Two kinds of lock make that safe: the
room's, held to read or change who is in it but never while sending, and one for each member, so that two threads
never mix their bytes on one socket.
"""

import itertools
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the folder bench/

from servers.threaded import hang_up, main

LONGEST_LINE = 8192  # bytes; memory stays bounded whatever a peer sends


class Member:
    """One connection as others see it: a name, and a way to write a whole line to it."""

    def __init__(self, sock: socket.socket, name: str) -> None:
        self.sock = sock
        self.name = name
        self.lock = threading.Lock()

    def tell(self, line: bytes) -> None:
        """Send one line. A peer that is dead or does not read is hung up; its own thread cleans up."""
        try:
            with self.lock:
                self.sock.sendall(line)
        except OSError:
            hang_up(self.sock)


class Room:
    """Who is here under which name, and saying something to all of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.silent = False  # then nobody's joining or leaving is announced
        self.members: dict[str, Member] = {}  # by name, casefolded
        self.numbers = itertools.count(1)

    def join(self, sock: socket.socket) -> Member:
        """Seat a newcomer under a guest name and announce it."""
        with self.lock:
            name = next(f"guest-{n}" for n in self.numbers if f"guest-{n}" not in self.members)
            member = self.members[name] = Member(sock, name)
        self.announce(f"* {name} joined", member)
        return member

    def leave(self, member: Member) -> None:
        with self.lock:
            del self.members[member.name.casefold()]
        self.announce(f"* {member.name} left", member)

    def announce(self, line: str, member: Member) -> None:
        if not self.silent:
            self.broadcast(line, member)

    def rename(self, member: Member, name: str) -> bool:
        """Give `member` the name if nobody else has it, and announce the change."""
        with self.lock:
            old, key = member.name, name.casefold()
            if not valid(name) or self.members.get(key, member) is not member:
                return False
            del self.members[old.casefold()]
            self.members[key] = member
            member.name = name
        if name != old:
            self.broadcast(f"* {old} is now {name}", None)
        return True

    def broadcast(self, line: str, sender: Member | None) -> None:
        """Send one line to everybody but its sender."""
        data = f"{line}\n".encode()
        with self.lock:
            others = [member for member in self.members.values() if member is not sender]
        for member in others:
            member.tell(data)


ROOM = Room()


def valid(name: str) -> bool:
    """Whether a person may be called that."""
    return 0 < len(name) <= 32 and name.isprintable() and not set(name) & set(":,/") and name == name.strip()


def chat(sock: socket.socket) -> None:
    """Seat one member and pass on its lines until it leaves."""
    member = ROOM.join(sock)
    try:
        member.tell(f"* welcome, you are {member.name}; /nick NAME renames you, /quit leaves\n".encode())
        with sock.makefile("rb") as lines:
            while (line := lines.readline(LONGEST_LINE)) and handle(member, line):
                pass
    finally:
        ROOM.leave(member)


def handle(member: Member, line: bytes) -> bool:
    """Act on one line of a member; false ends the connection."""
    if len(line) >= LONGEST_LINE:
        member.tell(b"* that line is too long\n")
        return False
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        member.tell(b"* that line is not UTF-8\n")
        return True
    name, colons, said = (part.strip() for part in text.partition("::"))
    if text == "/quit" or (said if colons else text).lower() == "exit":
        return False
    if text.startswith("/nick "):
        claim(member, text[6:].strip())
    elif colons:
        if claim(member, name):
            say(member, said)
    else:
        say(member, text)
    return True


def claim(member: Member, name: str) -> bool:
    granted = ROOM.rename(member, name)
    if not granted:
        member.tell(b"* that name is not free\n")
    return granted


def say(member: Member, text: str) -> None:
    if text:
        ROOM.broadcast(f"{member.name}: {text}", member)


if __name__ == "__main__":
    ROOM.silent = "--silent" in sys.argv
    sys.exit(main(chat, "Chat, one thread per connection.", default_port=2401))
