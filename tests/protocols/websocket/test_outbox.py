"""Large messages: made a slice at a time, in order with what is sent behind them, and once for a whole room."""

from __future__ import annotations

import itertools
import random
import zlib

import pytest

from protocols.websocket import broadcast, connect, outbox
from protocols.websocket.deflate import deflate
from protocols.websocket.frames import BINARY, CLOSE, PING, TEXT
from protocols.websocket.outbox import SLICE, pack_slowly
from protocols.websocket.wire import Close, Pong, Wire

from .conftest import DEFLATE, KEY, Echo, masked

LARGE = b"a long story " * (1 << 17)  # 1.7 MB
NOISE = random.Random(1).randbytes(1 << 20)


class Counted:
    """A zlib compressor that writes down how much it is given at a time."""

    def __init__(self, given, stream):
        self.given, self.stream, self.flush = given, stream, stream.flush

    def compress(self, data):
        self.given.append(len(data))
        return self.stream.compress(data)


@pytest.fixture
def worked(monkeypatch):
    """How many bytes were compressed or masked, one entry for each call."""
    given, mask, make = [], outbox.apply_mask, zlib.compressobj
    monkeypatch.setattr(outbox.zlib, "compressobj", lambda *args: Counted(given, make(*args)))
    monkeypatch.setattr(outbox, "apply_mask", lambda data, key: given.append(len(data)) or mask(data, key))
    return given


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("window", [None, 9, 15])
@pytest.mark.parametrize("payload", [LARGE, NOISE, LARGE[:SLICE] + NOISE, NOISE + LARGE])
def test_each_step_is_a_slice(payload, window, key, worked):
    steps = pack_slowly(BINARY, payload, window, key)
    while True:
        before = len(worked)
        try:
            next(steps)
        except StopIteration as done:
            frame = done.value
            break
        finally:
            assert sum(worked[before:]) <= 2 * SLICE  # two: compressing is given up, and masking begins
    wire = Wire(client=key is None, inflates=True, max_message=1 << 24)
    wire.feed(frame)
    while (event := wire.next_event()) is None:
        assert wire.busy
    assert event == payload
    assert len(frame) <= len(payload) + 14
    if window and payload is LARGE:
        assert len(frame) < len(payload) // 10


def test_what_saves_nothing_is_given_up_after_a_slice(worked):
    steps = pack_slowly(BINARY, NOISE, 15)
    with pytest.raises(StopIteration):
        next(steps)
    assert worked == [SLICE]


def test_a_large_message_gives_the_others_their_turn_and_keeps_its_place(scene):
    client, socket = scene.serve(max_message=1 << 24).open(more=DEFLATE)
    other, _ = scene.open()
    order = []
    socket._send_made = lambda frame: order.append("made") or type(socket)._send_made(socket, frame)
    scene.sockets[1].text_received = order.append
    socket.send(LARGE)
    socket.send("behind")
    socket.send("b" * 1000)
    socket.close(1000, "done")
    other.recorder.transport.write(masked(TEXT, b"me too"))
    scene.reactor.settle()
    assert order[0] == "me too"
    assert client.events() == [LARGE, "behind", "b" * 1000, Close(1000, "done")]
    client.send(masked(CLOSE, b"\x03\xe8"))
    assert client.ended


def test_pings_overtake_it_and_nothing_else_is_read_meanwhile(scene):
    client, socket = scene.serve(max_message=1 << 24).open(more=DEFLATE)
    socket.send(LARGE)
    assert not socket.transport.is_reading()
    socket.ping(b"?")
    client.send(masked(TEXT, b"heard") + masked(PING, b"!"))
    ping, *more = client.events()
    assert ping.payload == b"?"
    assert more == [LARGE, "heard", Pong(b"!")]
    assert socket.transport.is_reading()


def test_a_program_that_has_paused_stays_so(scene):
    client, socket = scene.serve().open(more=DEFLATE)
    socket.pause_reading()
    socket.send(LARGE)
    client.send(masked(TEXT, b"later"))
    assert (client.events(), socket.heard) == ([LARGE], [])
    socket.resume_reading()
    scene.reactor.settle()
    assert socket.heard == ["later"]


def test_a_room_has_it_made_once(scene, worked):
    scene.serve()
    clients = [scene.open(more=DEFLATE)[0] for _ in range(3)]
    broadcast(scene.sockets, LARGE)
    broadcast(scene.sockets, "behind")
    broadcast(scene.sockets, LARGE)
    assert [client.events() for client in clients] == [[LARGE, "behind", LARGE]] * 3
    assert sum(worked) == 2 * len(LARGE)
    clients.append(scene.open()[0])
    broadcast(scene.sockets, LARGE)
    assert [client.events() for client in clients] == [[LARGE]] * 4


def test_nothing_is_made_for_nobody(scene, worked):
    _, socket = scene.serve().open(more=DEFLATE)
    socket.send(LARGE)
    socket.transport.abort()
    scene.reactor.settle()
    assert sum(worked) <= 2 * SLICE


def test_a_fault_of_the_peer_does_not_wait(scene):
    client, socket = scene.serve().open(more=DEFLATE)
    socket.send(LARGE)
    socket._fail(1002, "wrong")
    assert client.events() == [Close(1002, "wrong")]
    assert client.ended


def test_more_than_can_be_made_ends_the_connection(scene, monkeypatch):
    monkeypatch.setattr("protocols.websocket.protocol.MAX_BEHIND", 5_000_000)
    _, socket = scene.serve().open(more=DEFLATE)
    for _ in range(3):
        socket.send(LARGE)
        assert socket.is_open
    socket.send(b"small")
    assert not socket.is_open
    assert socket.close_code == 1013


@pytest.mark.loud
def test_what_fails_in_the_making_ends_the_connection(scene, monkeypatch):
    def fail(*args):
        yield
        raise MemoryError

    monkeypatch.setattr(outbox, "pack_slowly", fail)
    client, socket = scene.serve().open(more=DEFLATE)
    socket.send(LARGE)
    scene.reactor.settle()
    assert client.ended
    assert socket.close_code == 1006


def test_a_client_masks_a_slice_at_a_time(scene, worked):
    scene.serve(max_message=1 << 24)
    socket = scene.reactor.run_until(connect(scene.reactor, "ws://localhost/", Echo, proxy=False))
    socket.max_message = 1 << 24
    socket._wire._max_message = 1 << 24
    socket.text_received = socket.binary_received = socket.heard.append
    socket.send(NOISE)
    socket.send("behind")
    scene.reactor.settle()
    assert scene.sockets[0].heard == [NOISE, "behind"]
    assert socket.heard == [NOISE, "behind"]
    assert max(worked) == SLICE


def test_however_many_large_messages_are_made_a_turn_has_one_slice(scene, worked):
    scene.serve()
    clients = [scene.open(more=DEFLATE) for _ in range(5)]
    turns = []

    def note():
        turns.append(sum(worked))
        if len(turns) < 200:
            scene.reactor.call_soon(note)

    for _, socket in clients:
        socket.send(LARGE)
        socket.send(LARGE)
    note()
    scene.reactor.settle()
    assert max(after - before for before, after in itertools.pairwise(turns)) == SLICE
    assert [client.events() for client, _ in clients] == [[LARGE, LARGE]] * 5


def test_large_messages_are_read_no_faster_than_their_answers_are_made(scene, monkeypatch):
    """They unpack to a thousand times what was sent: a hundred peers had the server hold more than a gigabyte."""
    monkeypatch.setattr("protocols.websocket.protocol.MAX_MAKING", 2 << 20)
    scene.serve(max_message=1 << 21)
    payload = b"a" * (1 << 20)
    clients = [scene.open(more=DEFLATE)[0] for _ in range(12)]
    held = []
    take_turn = outbox._take_turn
    monkeypatch.setattr(
        outbox, "_take_turn", lambda *args: held.append(outbox.making(scene.reactor)) or take_turn(*args)
    )
    for client in clients:
        client.recorder.transport.write(masked(TEXT, deflate(payload, 15), deflated=True))
    assert [client.events() for client in clients] == [[payload.decode()]] * 12
    assert max(held) <= (2 << 20) + len(payload)


@pytest.mark.loud
def test_one_that_fails_keeps_none_of_the_others(scene, monkeypatch):
    make, fails = zlib.compressobj, [True]
    monkeypatch.setattr(outbox.zlib, "compressobj", lambda *args: None if fails and fails.pop() else make(*args))
    scene.serve()
    (broken, first), (client, second) = (scene.open(more=DEFLATE) for _ in range(2))
    first.send(LARGE)
    second.send(LARGE)
    scene.reactor.settle()
    assert broken.ended
    assert client.events() == [LARGE]
