"""Protocols on a real reactor and real sockets, with a clock that stands still until a test moves it."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reactor.testing import SteppedReactor

DEADLINE = 10.0  # seconds of real time after which a scene has failed


class Peer:
    """A client's end: a plain socket, and everything received from it so far."""

    def __init__(self, scene: Scene, sock: socket.socket) -> None:
        self._scene = scene
        self.sock = sock
        self.received = b""
        self.ended = False
        sock.setblocking(False)

    def send(self, data: str | bytes) -> None:
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    @property
    def text(self) -> str:
        """All that has come."""
        try:
            while self.sock.fileno() >= 0 and (data := self.sock.recv(65536)):
                self.received += data
            self.ended = True
        except BlockingIOError:
            pass
        return self.received.decode(errors="replace")

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def gets(self, text: str) -> None:
        """Wait until `text` has come."""
        self._scene.until(lambda: text in self.text, lambda: f"{text!r} in {self.text!r}")

    def ends(self) -> None:
        """Wait until the server has ended its side."""
        self._scene.until(lambda: bool(self.text is not None and self.ended), lambda: f"an end after {self.text!r}")

    def end(self) -> None:
        """Say that no more comes."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Vanish as a killed process with unread input does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Scene:
    """A stepped reactor, and the clients of the protocol on it."""

    def __init__(self) -> None:
        self.reactor = SteppedReactor()
        self.peers: list[Peer] = []
        self._port: int | None = None

    def listen(self, factory: Callable[[], Any], **options: Any) -> None:
        self._port = self.reactor.listen_tcp(factory, "127.0.0.1", 0, **options).port

    def peer(self, *, receive_buffer: int | None = None) -> Peer:
        """A new client, connected."""
        sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.connect(("127.0.0.1", self._port))
        self.peers.append(Peer(self, sock))
        return self.peers[-1]

    def until(self, condition: Callable[[], bool], waiting_for: Callable[[], str] = lambda: "it") -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {waiting_for()}"
            self.settle()

    def settle(self) -> None:
        """Let everything happen that is under way, without moving time. Clients take what they get."""
        before = None
        while before != (before := [len(peer.text) for peer in self.peers]):
            self.reactor.settle()

    def advance(self, seconds: float) -> None:
        """Let what was sent arrive, then move time and let its timers run."""
        self.settle()
        self.reactor.advance(seconds)
        self.settle()

    def close(self) -> None:
        for peer in self.peers:
            peer.sock.close()
        self.reactor.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()
