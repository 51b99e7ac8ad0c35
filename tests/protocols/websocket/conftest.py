"""A server of WebSockets in memory, and a raw client, which sends bytes as they are and reads frames with our wire."""

from __future__ import annotations

import pytest

from protocols.http.server import Server
from protocols.websocket import WebSocket, WebSocketRoute
from protocols.websocket.frames import pack
from protocols.websocket.wire import Wire
from reactor.testing import MemoryReactor, Recorder

KEY = b"\x0f\xf0\x3c\xc3"
HEAD = (
    "GET {path} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def masked(opcode, payload=b"", **options):
    """A frame as a client sends it."""
    return pack(opcode, payload, key=KEY, **options)


class Client:
    """One raw connection."""

    def __init__(self, scene):
        self.scene = scene
        self.recorder = Recorder()
        scene.reactor.run_until(scene.reactor.connect_tcp(lambda: self.recorder, "localhost", 80))
        self.wire = Wire(client=True, inflates=True, max_message=1 << 26)
        self.seen = 0

    def send(self, data):
        self.recorder.transport.write(data)
        self.scene.reactor.settle()

    def head(self):
        """The head of the answer."""
        head, end, _ = self.recorder.data.partition(b"\r\n\r\n")
        assert end, self.recorder.data
        self.seen = max(self.seen, len(head) + 4)
        return head.decode()

    def open(self, path="/", more=""):
        self.send(HEAD.format(path=path, more=more).encode())
        assert self.head().startswith("HTTP/1.1 101 "), self.recorder.data
        return self

    def raw(self):
        """The bytes of frames that have come since the last look."""
        self.scene.reactor.settle()
        data, self.seen = self.recorder.data[self.seen :], len(self.recorder.data)
        return data

    def events(self):
        """What has come since the last look."""
        self.wire.feed(self.raw())
        events = []
        while (event := self.wire.next_event()) is not None or self.wire.busy:
            events += [] if event is None else [event]
        return events

    @property
    def ended(self):
        return "eof_received" in self.recorder.events or "connection_lost" in self.recorder.events


class Echo(WebSocket):
    """Sends back what it hears, and writes it down."""

    def __init__(self):
        self.heard = []

    def text_received(self, text):
        self.heard.append(text)
        self.send(text)

    def binary_received(self, data):
        self.heard.append(data)
        self.send(data)

    def pong_received(self, payload):
        self.heard.append(("pong", payload))


class Scene:
    """A site whose "/" is a WebSocket of `kind`."""

    def __init__(self):
        self.reactor = MemoryReactor()
        self.sockets = []

    def serve(self, kind=Echo, **settings):
        def make():
            socket = kind()
            for name, value in settings.items():
                setattr(socket, name, value)
            self.sockets.append(socket)
            return socket

        self.site = Server(self.reactor)
        self.site.route("GET", "/*", WebSocketRoute(make))
        self.listener = self.site.listen("localhost", 80)
        return self

    def client(self):
        return Client(self)

    def open(self, more=""):
        """A client, open, and the socket that serves it."""
        client = self.client().open(more=more)
        return client, self.sockets[-1]


@pytest.fixture
def scene():
    scene = Scene()
    yield scene
    scene.reactor.close()
