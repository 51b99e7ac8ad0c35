"""How many Python frames a byte costs. A call costs more than most of what is done in it, so the hot ways are counted.

Whoever tidies a hot way by one more function sees it here, and decides with a measurement.
"""

from __future__ import annotations

import sys
from pathlib import Path

from protocols import Echo
from protocols.chat import Chat
from protocols.http.server import Server
from tests.kit.tls import Peer, client_context, server_context

ROOT = Path(__file__).parents[1]
COUNTED = tuple(f"{ROOT / package}/" for package in ("reactor", "protocols"))
APART = f"{ROOT / 'reactor' / 'testing'}/"


class Frames:
    """The calls of the two packages during one tick, and how deep they went; the tick itself is the first."""

    def __init__(self, reactor):
        self.reactor, self.calls, self.deepest, self._depth = reactor, [], 0, 0

    def _on_event(self, frame, event, arg):
        name = frame.f_code.co_filename
        if event not in ("call", "return") or not name.startswith(COUNTED) or name.startswith(APART):
            return
        if event == "call":
            self._depth += 1
            self.deepest = max(self.deepest, self._depth)
            self.calls.append(frame.f_code.co_name)
        else:
            self._depth -= 1

    def tick(self):
        sys.setprofile(self._on_event)
        try:
            self.reactor._tick()
        finally:
            sys.setprofile(None)
        return self


def handling(frames):
    """The calls from the first handler on: the poll before it is shared by a whole batch, what follows is the kit's."""
    return [name for name in frames.calls[frames.calls.index("_on_ready") :] if name not in ("catch", "caught", "end")]


def test_an_echo_is_four_calls(stage):
    sock = stage.dial(stage.serve(Echo))
    sock.sendall(b"hello")
    frames = Frames(stage.reactor).tick()
    assert handling(frames) == ["_on_ready", "data_received", "write", "_on_flush"]
    assert frames.deepest <= 6  # the tick and `tell` are a whole batch's
    assert stage.received(sock) == b"hello"


def test_an_echo_over_tls_is_at_most_nine_deep(stage):
    sock = stage.dial(stage.serve(Echo, tls=server_context()))
    peer = Peer(stage, sock, client_context()).shake()
    peer.say(b"hello")
    assert peer.hear() == b"hello"
    peer.tls.write(b"again")
    sock.sendall(peer.outgoing.read())
    frames = Frames(stage.reactor).tick()
    assert "data_received" in frames.calls
    assert len(handling(frames)) <= 11
    assert frames.deepest <= 9
    assert peer.hear() == b"again"


def test_a_request_that_was_asked_before_is_at_most_thirty_two_calls(stage):
    """Of a client that keeps its connection: the head is read once, its route is found once."""
    site = Server(stage.reactor)
    site.route("GET", "/hello", lambda request: b"hello")
    sock = stage.dial(stage.serve(site.connection))
    for _ in range(3):
        sock.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        frames = Frames(stage.reactor).tick()
        assert stage.received(sock).endswith(b"\r\n\r\nhello")
    calls = handling(frames)
    assert "_on_flush" in calls
    assert len(calls) <= 32


def test_a_line_of_the_chat_is_at_most_fourteen_deep(stage):
    listener = stage.serve(Chat(stage.reactor).session)
    speaker, hearer = stage.dial(listener), stage.dial(listener)
    for name, sock in (("ann", speaker), ("bob", hearer)):
        sock.sendall(b"/nick %s\n" % name.encode())
        stage.reactor.settle()
    stage.reactor.advance(1)
    for sock in (speaker, hearer):
        stage.received(sock)
    speaker.sendall(b"hello\n")
    frames = Frames(stage.reactor).tick()
    assert b"hello" in stage.received(hearer)
    assert "data_received" in frames.calls
    assert frames.deepest <= 14
