"""A server that answers by a script, on a reactor in memory, and what it has seen."""

from __future__ import annotations

import socket
import struct

from protocols.http.wire import Data, End, Failed, RequestHead, RequestWire
from reactor import Protocol
from reactor.testing import MemoryReactor

CLOSE, RESET, HANG = "close", "reset", "hang"


class Seen:
    """One request as the server saw it."""

    def __init__(self, head):
        self.method, self.target, self.headers = head.method, head.target, head.headers
        self.body = b""

    def __repr__(self):
        return f"<{self.method} {self.target}>"


class Peer(Protocol):
    """The server's end of one connection."""

    def __init__(self, server):
        self.server = server
        self.wire = RequestWire()
        self.lost = False
        self.raw = b""
        self.current = None

    def connection_made(self, transport):
        self.transport = transport
        self.server.peers.append(self)

    def data_received(self, data):
        self.raw += data
        for event in self.wire.feed(data):
            if isinstance(event, RequestHead):
                self.current = Seen(event)
            elif isinstance(event, Data):
                self.current.body += event.data
            elif isinstance(event, End):
                self.server.requests.append(self.current)
                if self.wire.keep_alive:
                    self.wire.next_message()
                else:
                    self.wire = RequestWire()
                self.server.answer(self)
            elif isinstance(event, Failed):
                raise AssertionError(event.error)

    def connection_lost(self, exc):
        self.lost = True

    def play(self, parts):
        """Each part in a moment of its own: bytes, CLOSE, RESET, HANG, or a function of this peer."""
        for number, part in enumerate(parts):
            self.server.reactor.call_later(number * 0.001, self.do, part)

    def do(self, part):
        if callable(part):
            part(self)
        elif part == CLOSE:
            self.transport.close()
        elif part == RESET:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        elif part != HANG:
            self.transport.write(part)


class Server:
    """Answers the n-th request with the n-th of `answers`, the last one again and again. Each is a list of parts."""

    def __init__(self, reactor, *, host="localhost", tls=None, factory=None):
        self.reactor = reactor
        self.answers = []
        self.requests = []
        self.peers = []
        self.listener = reactor.listen_tcp(factory or (lambda: Peer(self)), host, 0, tls=tls)
        self.port = self.listener.port
        self.url = f"http{'s' if tls else ''}://localhost:{self.port}"

    def answer(self, peer):
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        peer.play(answer if isinstance(answer, list) else [answer])

    def alive(self):
        """Connections that are still there."""
        return [peer for peer in self.peers if not peer.lost]


def answer(body=b"", *, status="200 OK", keep=True, **fields):
    """A whole response; `X_Name` is the header X-Name."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    if not keep:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(location, status="302 Found", **options):
    return answer(status=status, Location=location, **options)


def stage():
    """A reactor in memory that must be left clean. A fixture, once it is decorated."""
    with MemoryReactor() as reactor:
        yield reactor
        if not reactor.closed:
            reactor.advance(120)
            reactor.abort()
            reactor.settle()
    assert reactor.leftovers() == []
