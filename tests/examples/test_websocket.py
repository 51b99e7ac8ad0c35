"""The WebSocket echo server, from outside."""

from __future__ import annotations

import signal
from typing import Any

from protocols.websocket import WebSocket, connect
from reactor import Reactor


class Heard(WebSocket):
    max_message = 1 << 25

    def __init__(self) -> None:
        self.heard: list[str | bytes] = []

    def text_received(self, text: str) -> None:
        self.heard.append(text)
        self.reactor.stop()

    def binary_received(self, data: bytes) -> None:
        self.heard.append(data)
        self.reactor.stop()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.reactor.stop()


def test_messages_of_every_size_come_back_on_any_path(theatre: Any) -> None:
    server = theatre.serve("websocket_echo_server.py")
    with Reactor() as reactor:
        socket = reactor.run_until(connect(reactor, f"ws://127.0.0.1:{server.port}/any/path?x", Heard, proxy=False), 20)
        for message in ("héllo", b"\0\xff" * 100, "日本語" * 100_000, bytes(10 << 20)):
            socket.send(message)
            reactor.run()
            assert socket.heard.pop() == message
        server.process.send_signal(signal.SIGTERM)
        reactor.run()
        assert socket.close_code == 1001
    assert server.exits() == 0


def test_its_options(theatre: Any) -> None:
    server = theatre.serve("websocket_echo_server.py", "--no-compression", "--max-message", "1000")
    with Reactor() as reactor:
        socket = reactor.run_until(connect(reactor, f"ws://127.0.0.1:{server.port}/", Heard, proxy=False), 20)
        socket.send("a" * 1000)
        reactor.run()
        assert socket.transport.bytes_in > 1000
        socket.send("a" * 1001)
        reactor.run()
        assert socket.close_code == 1009
    server.clean_exit()
