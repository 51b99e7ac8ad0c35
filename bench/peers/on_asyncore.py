#!/usr/bin/env python3
"""Echo, lines and the chat on pyasyncore (the standard library's asyncore until 3.11): `dispatcher_with_send`, poll."""

import socket
import sys
import warnings

from command import BACKLOG, READ, leave_on_signals, listening, missing, parse, reply
from room import Room

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # before 3.12 the standard library has it, and says so
    try:
        import asyncore
    except ImportError:
        sys.exit(missing("pyasyncore"))

OPTIONS = parse(__doc__)
ROOM = Room(OPTIONS.silent)


class Echo(asyncore.dispatcher_with_send):
    """Send back what arrives."""

    def handle_read(self):
        if data := self.recv(READ):
            self.send(data)


class Lines(asyncore.dispatcher_with_send):
    """Answers each line."""

    rest = b""

    def handle_read(self):
        *lines, self.rest = (self.rest + self.recv(READ)).split(b"\n")
        for line in lines:
            self.send(reply(line))


class Chat(asyncore.dispatcher_with_send):
    """One member."""

    def __init__(self, sock):
        super().__init__(sock)
        self.write, self.hang_up = self.send, self.handle_close
        ROOM.join(self)

    def handle_read(self):
        ROOM.feed(self, self.recv(READ))

    def handle_close(self):
        ROOM.leave(self)
        self.close()


KIND = {"echo": Echo, "lines": Lines, "chat": Chat}[OPTIONS.service]


class Listener(asyncore.dispatcher):
    def __init__(self):
        super().__init__()
        self.create_socket(socket.AF_INET, socket.SOCK_STREAM)
        self.set_reuse_addr()
        self.bind((OPTIONS.host, OPTIONS.port))
        self.listen(BACKLOG)

    def handle_accepted(self, sock, address):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        KIND(sock)


leave_on_signals()
listener = Listener()
listening(listener.socket.getsockname())
asyncore.loop(use_poll=True)
