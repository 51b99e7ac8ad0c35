#!/usr/bin/env python3
"""Echo, lines and the chat on gevent: its `StreamServer`, one greenlet for each connection."""

import os
import signal
import socket
import sys

from command import BACKLOG, READ, listening, missing, parse, reply
from room import Room

try:
    import gevent
    from gevent.lock import RLock
    from gevent.server import StreamServer
except ImportError:
    sys.exit(missing("gevent"))

OPTIONS = parse(__doc__)
ROOM = Room(OPTIONS.silent)


class Member:
    """A socket that several greenlets write to, one at a time."""

    def __init__(self, sock):
        self.sock, self.lock = sock, RLock()

    def write(self, data):
        try:
            with self.lock:
                self.sock.sendall(data)
        except OSError:
            pass  # gone; its own greenlet sees the end

    def hang_up(self):
        self.sock.shutdown(socket.SHUT_RDWR)


def echo(sock):
    while data := sock.recv(READ):
        sock.sendall(data)


def lines(sock):
    with sock.makefile("rb") as file:
        for line in file:
            sock.sendall(reply(line[:-1]))


def chat(sock):
    member = Member(sock)
    ROOM.join(member)
    try:
        while data := sock.recv(READ):
            ROOM.feed(member, data)
    finally:
        ROOM.leave(member)


SERVE = {"echo": echo, "lines": lines, "chat": chat}[OPTIONS.service]


def handle(sock, _address):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        SERVE(sock)
    except OSError:
        pass  # the peer is gone
    finally:
        sock.close()


for signum in (signal.SIGINT, signal.SIGTERM):
    gevent.signal_handler(signum, os._exit, 0)
server = StreamServer((OPTIONS.host, OPTIONS.port), handle, backlog=BACKLOG)
server.start()
listening((server.server_host, server.server_port))
server.serve_forever()
