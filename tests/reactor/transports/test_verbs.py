"""Every verb of a stream transport in every phase of its life: one table, and a connection for each cell.

The phases: a handshake that has not begun to be answered (OPENING), OPEN, a `start_tls` under way (UPGRADING), CLOSING
and CLOSED. The carrier is TLS where a phase needs it. What a cell says is what the peer and the protocol notice.
"""

from __future__ import annotations

import io
from concurrent.futures import Future

import pytest

from reactor import Limits, Timeouts
from reactor.testing import Recorder
from tests.kit.tls import Peer, client_context, server_context
from tests.test_public_face import STREAM

OPENING, OPEN, UPGRADING, CLOSING, CLOSED = PHASES = ["OPENING", "OPEN", "UPGRADING", "CLOSING", "CLOSED"]

SAID = "the peer has the bytes"  # in the phases of a handshake: once it is done
ENDED = "the peer has our end, and still can speak"
OVER = "the connection ends"
BUG = "RuntimeError"
FAILS = "the future has an error"
NOTHING = "nothing changes"
AGAIN = "the protocol has the bytes"
ANSWERS = "it answers"
TLS = "a handshake begins"
BEGINS = "the new protocol hears that it has a connection"
LATER = "it hears so once the handshake is done"
REFUSED = "an error comes back, and nobody hears anything"

TABLE = {
    #                           OPENING  OPEN     UPGRADING  CLOSING  CLOSED
    "write":                   [SAID,    SAID,    SAID,      NOTHING, NOTHING],
    "writelines":              [SAID,    SAID,    SAID,      NOTHING, NOTHING],
    "sendfile":                [SAID,    SAID,    SAID,      FAILS,   FAILS],
    "write_eof":               [ENDED,   ENDED,   ENDED,     NOTHING, NOTHING],
    "close":                   [OVER,    OVER,    OVER,      NOTHING, NOTHING],
    "abort":                   [OVER,    OVER,    OVER,      OVER,    NOTHING],
    "unread":                  [AGAIN,   AGAIN,   NOTHING,   NOTHING, NOTHING],
    "start_tls":               [BUG,     TLS,     BUG,       FAILS,   FAILS],
    "pause_reading":           [NOTHING, NOTHING, NOTHING,   NOTHING, NOTHING],
    "resume_reading":          [NOTHING, NOTHING, NOTHING,   NOTHING, NOTHING],
    "set_protocol":            [NOTHING, NOTHING, NOTHING,   NOTHING, NOTHING],
    "switch_protocol":         [LATER,   BEGINS,  BEGINS,    REFUSED, REFUSED],
    "set_write_buffer_limits": [NOTHING, NOTHING, NOTHING,   NOTHING, NOTHING],
    "get_write_buffer_limits": [ANSWERS] * 5,
    "get_write_buffer_size":   [ANSWERS] * 5,
    "get_extra_info":          [ANSWERS] * 5,
    "get_protocol":            [ANSWERS] * 5,
    "can_write_eof":           [ANSWERS] * 5,
    "is_closing":              [ANSWERS] * 5,
    "is_reading":              [ANSWERS] * 5,
}  # fmt: skip
"""UPGRADING, unread: what was not handled in the clear is taken for the handshake, and breaks it (RFC 3207, 6)."""

ARGUMENTS = {
    "write": lambda: (b"news",),
    "writelines": lambda: ([b"ne", b"ws"],),
    "sendfile": lambda: (io.BytesIO(b"news"),),
    "unread": lambda: (b"again",),
    "start_tls": lambda: (server_context(),),
    "set_protocol": lambda: (Recorder(keep_open=True),),
    "switch_protocol": lambda: (Recorder(keep_open=True),),
    "set_write_buffer_limits": lambda: (1000,),
    "get_extra_info": lambda: ("sockname",),
}

CELLS = [(verb, phase) for verb in TABLE for phase in PHASES]


def cell(verb, phase):
    return TABLE[verb][PHASES.index(phase)]


class Scene:
    """A connection in one phase, its peer, and ways to see what a verb did."""

    def __init__(self, stage, phase):
        self.stage, self.phase = stage, phase
        self.protocol = Recorder(keep_open=True)
        self.timeouts = Timeouts(handshake=1000, close=1000)
        tls = {"tls": server_context()} if phase == OPENING else {}
        listener = stage.serve(lambda: self.protocol, timeouts=self.timeouts, **tls)
        self.sock = stage.dial(listener)
        (self.transport,) = listener.connections
        self.peer = None
        if phase == UPGRADING:
            self.future = self.transport.start_tls(server_context(), server_side=True)
        elif phase == CLOSING:
            self.transport.close()
        elif phase == CLOSED:
            self.transport.abort()
        stage.reactor.settle()
        self.before = self.look()

    def look(self):
        return [event for event in self.protocol.events if event != "connection_made"], self.transport.is_closing()

    def call(self, verb):
        given = ARGUMENTS.get(verb, tuple)()
        options = {"server_side": True} if verb == "start_tls" else {}
        result = getattr(self.transport, verb)(*given, **options)
        self.stage.reactor.settle()
        return result

    def shake_hands(self):
        if self.peer is None and self.phase in (OPENING, UPGRADING):
            self.peer = Peer(self.stage, self.sock, client_context()).shake()
            self.peer.flush()
            made = self.transport.get_protocol() if self.phase == OPENING else self.protocol
            assert "connection_made" in made.events

    def hear(self):
        """What the peer hears: bytes, and None at our end."""
        if self.peer is not None:
            return self.peer.hear()
        data = self.stage.received(self.sock)
        return (data, None) if not self.transport or self.shut() else data

    def shut(self):
        self.sock.setblocking(False)
        try:
            return self.sock.recv(1) == b""
        except BlockingIOError:
            return False

    def say(self, data):
        if self.peer is not None:
            self.peer.say(data)
        else:
            self.sock.sendall(data)
            self.stage.reactor.settle()

    def still_works(self):
        """Both ways, as if nothing had been called."""
        self.shake_hands()
        protocol = self.transport.get_protocol()
        self.transport.resume_reading()
        self.say(b"hello")
        assert protocol.data.endswith(b"hello")
        self.transport.write(b"answer")
        self.stage.reactor.settle()
        assert b"answer" in self.hear()


@pytest.mark.parametrize(("verb", "phase"), CELLS)
def test_a_verb_in_a_phase(stage, verb, phase):
    expected = cell(verb, phase)
    scene = Scene(stage, phase)
    if expected is BUG:
        with pytest.raises(RuntimeError, match="another handshake is under way"):
            scene.call(verb)
        return scene.still_works()
    result = scene.call(verb)
    if isinstance(result, Future) and expected is not TLS and phase not in (OPENING, UPGRADING):
        assert result.done()
    CHECKS[expected](scene, verb, result)


def said(scene, verb, result):
    scene.shake_hands()
    assert scene.hear() == b"news"
    assert not isinstance(result, Future) or result.result(0) == 4
    scene.still_works()


def ended(scene, verb, result):
    scene.shake_hands()
    assert scene.hear() == (b"", None)
    scene.say(b"still here")
    assert scene.protocol.data == b"still here"
    with pytest.raises(RuntimeError, match="after write_eof"):
        scene.transport.write(b"more")


def over(scene, verb, result):
    assert scene.transport.is_closing()
    if verb == "abort" or scene.phase == OPENING:
        assert scene.shut()
        assert "CLOSED" in repr(scene.transport)
    else:
        scene.sock.close()
        stage_settles(scene)
    made = scene.phase != OPENING
    assert scene.protocol.events[:1] == (["connection_made"] if made else [])
    assert scene.protocol.events.count("connection_lost") == made
    assert scene.protocol.lost is None


def stage_settles(scene):
    scene.stage.reactor.settle()


def fails(scene, verb, result):
    assert isinstance(result.exception(0), ConnectionAbortedError)
    nothing(scene, verb, None)


def nothing(scene, verb, result):
    assert result is None
    if verb == "unread" and scene.phase == UPGRADING:
        return  # the handshake is broken, and no protocol hears of it: see the table
    if scene.phase in (CLOSING, CLOSED):
        events, closing = scene.look()
        assert (events, closing) == (scene.before[0], True)
        return
    scene.still_works()


def again(scene, verb, result):
    assert scene.phase == OPEN or scene.protocol.events == []
    scene.shake_hands()
    assert scene.protocol.data == b"again"
    scene.still_works()


def answers(scene, verb, result):
    assert scene.look() == scene.before
    assert not isinstance(result, Exception)


def begins(scene, verb, result):
    scene.phase = UPGRADING
    scene.shake_hands()
    assert result.result(0) is scene.transport
    scene.still_works()


def begins_anew(scene, verb, result):
    assert result is None
    made = [] if scene.phase == OPENING else ["connection_made"]
    assert scene.transport.get_protocol().events == made
    scene.still_works()
    assert scene.transport.get_protocol().events[0] == "connection_made"
    assert (scene.protocol.data, scene.protocol.lost) == (b"", None)
    assert "connection_lost" not in scene.protocol.events


def refused(scene, verb, result):
    assert isinstance(result, ConnectionAbortedError)
    nothing(scene, verb, None)


CHECKS = {
    BEGINS: begins_anew,
    LATER: begins_anew,
    REFUSED: refused,
    SAID: said,
    ENDED: ended,
    OVER: over,
    FAILS: fails,
    NOTHING: nothing,
    AGAIN: again,
    ANSWERS: answers,
    TLS: begins,
}


def test_the_table_has_every_verb():
    assert set(TABLE) == STREAM - {"bytes_in", "bytes_out", "delivery"}


# -- what is done while a connection shakes hands ---------------------------------------------------------------------


def test_what_was_written_before_a_close_in_the_handshake_leaves(stage):
    scene = Scene(stage, OPENING)
    scene.transport.write(b"the server is full")
    scene.transport.close()
    assert scene.transport.is_closing()
    scene.transport.write(b"too late")
    scene.transport.close()
    stage.reactor.settle()
    peer = Peer(stage, scene.sock, client_context()).shake()
    peer.flush()
    assert peer.hear() == (b"the server is full", None)
    scene.sock.close()
    stage.reactor.settle()
    assert scene.protocol.events == []  # it was never made, so it is not lost


def test_a_close_in_the_handshake_waits_no_longer_than_the_handshake(stage):
    scene = Scene(stage, OPENING)
    scene.transport.write(b"bye")
    scene.transport.close()
    stage.reactor.advance(1100)
    assert "CLOSED" in repr(scene.transport)


def test_what_was_written_in_the_handshake_comes_before_what_connection_made_writes(stage):
    class Greeting(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.write(b"welcome")

    listener = stage.serve(Greeting, tls=server_context())
    sock = stage.dial(listener)
    (transport,) = listener.connections
    transport.write(b"news, ")
    stage.reactor.settle()
    peer = Peer(stage, sock, client_context()).shake()
    peer.flush()
    assert peer.hear() == b"news, welcome"


def test_what_is_written_in_the_handshake_is_bounded_and_presses_back_after_it(stage):
    scene = Scene(stage, OPENING)
    for _ in range(200):
        scene.transport.write(b"x" * 1000)
    stage.reactor.settle()
    assert scene.protocol.events == []  # connection_made is the first of all
    assert stage.reactor.stats().output >= 100_000
    Peer(stage, scene.sock, client_context()).shake().flush()
    assert scene.protocol.events[0] == "connection_made"
    assert stage.reactor.stats().output == scene.transport.get_write_buffer_size()


def test_a_write_in_the_handshake_beyond_the_limit_ends_the_connection(stage):
    listener = stage.serve(Recorder, tls=server_context(), limits=Limits(output=10_000))
    sock = stage.dial(listener)
    (transport,) = listener.connections
    transport.write(b"x" * 10_001)
    stage.reactor.settle()
    assert not listener.connections
    with pytest.raises(ConnectionResetError):
        stage.received(sock)


def test_a_connect_that_is_closed_in_its_handshake_fails(stage):
    silent = stage.serve(Recorder)
    tls = {"tls": client_context(), "server_hostname": "localhost"}
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", silent.port, **tls)
    stage.reactor.settle()
    (ours,) = [each for each in stage.reactor.connections() if each not in silent.connections]
    ours.close()
    stage.reactor.settle()
    assert isinstance(future.exception(0), ConnectionAbortedError)


def test_a_drain_gives_up_handshakes(stage):
    scene = Scene(stage, OPENING)
    stage.reactor.drain(5.0)
    stage.reactor.settle()
    assert "CLOSED" in repr(scene.transport)
    assert scene.protocol.events == []
