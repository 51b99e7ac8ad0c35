"""A site in memory with a handler of each kind, and clients of raw bytes."""

from __future__ import annotations

import socket
import struct
from concurrent.futures import Future

from protocols.http.server import Bounds, Response, Server, Upload
from protocols.http.wire import Data, End, Failed, Head, Informational, ResponseWire
from reactor.testing import MemoryReactor, Recorder

PIECE = 32 * 1024  # bytes: a ResponseWire keeps no more than twice as many of what comes behind an answer


class Count(Upload):
    """Says how long the body is; what happens to it is written down for the test."""

    def head_received(self, request):
        self.request = request
        self.size = 0
        request.reactor.uploads.append(self)
        self.lost = None

    def data_received(self, data):
        self.size += len(data)

    def end_received(self, trailers):
        return f"{self.size} bytes"

    def connection_lost(self, exc):
        self.lost = exc


class Stage:
    """A site on "localhost", port 80."""

    def __init__(self, **bounds):
        self.reactor = MemoryReactor()
        self.reactor.uploads = []
        self.futures = []
        self.site = site = Server(self.reactor, bounds=Bounds(**bounds))
        site.route("GET", "/hello", lambda request: f"hello {request.query.get('name', 'you')}")
        site.route("GET", "/user/{name}", lambda request: request.parameters["name"])
        site.route("GET", "/deep/*", lambda request: " ".join(request.rest))
        site.route("POST", "/echo", lambda request: request.body)
        site.route("POST", "/count", Count)
        site.route("GET", "/stream", lambda request: (f"piece {n}\n" for n in range(10)))
        site.route("GET", "/large", lambda request: Response(200, bytes(3 << 20)))
        site.route("GET", "/later", self.later)
        site.route("GET", "/broken", lambda request: 1 / 0)
        self.listener = site.listen("localhost", 80)

    def later(self, request):
        self.futures.append(Future())
        return self.futures[-1]

    def dial(self, *, keep_open=True, **options):
        """A client that stays open by itself, and the transport that it writes to."""
        future = self.reactor.connect_tcp(lambda: Recorder(keep_open), "localhost", 80, **options)
        transport, client = self.reactor.run_until(future)
        client.write = transport.write
        client.transport = transport
        return client

    def says(self, *pieces, advance=0.0, keep_open=True):
        """What a new client is sent for `pieces`."""
        client = self.dial(keep_open=keep_open)
        for piece in pieces:
            client.write(piece)
            self.reactor.settle()
        if advance:
            self.reactor.advance(advance)
        return client

    def close(self):
        self.reactor.close()


def reset(client):
    """Vanish, as a killed client does."""
    sock = client.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.transport.abort()


class Answer:
    """One answer as the client has it."""

    def __init__(self, head):
        self.status, self.headers = head.status, head.headers
        self.version = head.version
        self.body = b""
        self.interims = 0
        self.complete = False


def answers(data, *methods, ended=True):
    """The answers in `data`; AssertionError for what is none. The last one may be incomplete unless `ended`."""
    found, wire, interims, at = [], ResponseWire(methods[0] if methods else "GET"), 0, 0
    while at < len(data):
        piece = data[at : at + PIECE]
        at += len(piece)
        events = wire.feed(piece)
        if wire.body_until_eof and ended and at == len(data):
            events += wire.finish()
        for event in events:
            if isinstance(event, Informational):
                interims += 1
            elif isinstance(event, Head):
                found.append(Answer(event))
                found[-1].interims, interims = interims, 0
            elif isinstance(event, Data):
                found[-1].body += event.data
            elif isinstance(event, End):
                found[-1].complete = True
            elif isinstance(event, Failed):
                raise AssertionError(f"{event.error} in {piece[:300]!r}")
        if wire.done:
            at -= len(wire.leftover)
            wire = ResponseWire(methods[len(found)] if len(methods) > len(found) else "GET")
    return found


def has_ended(client):
    """The server has said its end, and not by a reset."""
    return "eof_received" in client.events and client.lost is None
