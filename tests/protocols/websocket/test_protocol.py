"""A WebSocket on its transport, in memory, under moved time: messages, closes, silence, slow readers, drains."""

from __future__ import annotations

import sys

import pytest

from protocols.admission.rounds import ROUND_TIME
from protocols.websocket import ANY_ORIGIN, WebSocket, broadcast
from protocols.websocket.deflate import deflate
from protocols.websocket.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from protocols.websocket.limits import LATE_BATCH
from protocols.websocket.messages import Message
from protocols.websocket.wire import TURN, Close, Ping, Pong, Wire

from .conftest import DEFLATE, HEAD, KEY, Echo, masked

CLOSE_1000 = masked(CLOSE, b"\x03\xe8")


def test_messages_come_back(scene):
    client, socket = scene.serve().open()
    client.send(masked(TEXT, "héllo".encode()) + masked(BINARY, b"\0" * 300) + masked(PING, b"?"))
    assert client.events() == ["héllo", b"\0" * 300, Pong(b"?")]
    assert socket.is_open


def test_the_handshake_byte_by_byte_and_with_messages_behind_it(scene):
    scene.serve()
    client = scene.client()
    for byte in HEAD.format(path="/any/path?x=1", more="").encode():
        client.send(bytes([byte]))
    assert client.head().startswith("HTTP/1.1 101 Switching Protocols\r\n")
    client = scene.client()
    client.send(HEAD.format(path="/", more="").encode() + masked(TEXT, b"early") + masked(TEXT, b"birds"))
    client.head()
    assert client.events() == ["early", "birds"]


@pytest.mark.parametrize(
    ("more", "status"), [("Origin: http://evil.example\r\n", 403), ("Sec-WebSocket-Extensions: ;\r\n", 400)]
)
def test_refusals_are_answers(scene, more, status):
    scene.serve()
    client = scene.client()
    client.send(HEAD.format(path="/", more=more).encode())
    assert client.head().startswith(f"HTTP/1.1 {status} ")


def test_pages_of_this_site_may_connect(scene):
    scene.serve().open(more="Origin: http://here\r\n")


def test_any_origin(scene):
    scene.serve(origins=ANY_ORIGIN).open(more="Origin: http://evil.example\r\n")


def test_compression_is_agreed_and_used_for_what_is_worth_it(scene):
    client, _ = scene.serve().open(more=DEFLATE)
    assert "permessage-deflate; server_no_context_takeover; client_no_context_takeover" in client.head()
    text = "again and " * 100
    client.send(masked(TEXT, text.encode()))
    raw = client.raw()
    assert raw[0] == 0xC1
    assert len(raw) < 100
    client.wire.feed(raw)
    assert client.wire.next_event() == text
    client.send(masked(TEXT, b"short"))
    assert client.raw() == b"\x81\x05short"


def test_without_an_offer_nothing_is_compressed(scene):
    client, _ = scene.serve().open()
    client.send(masked(TEXT, b"a" * 1000))
    assert client.raw()[:4] == b"\x81\x7e\x03\xe8"


def test_a_window_that_is_asked_for_is_kept_to(scene):
    client, _ = scene.serve().open(more="Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n")
    assert "server_max_window_bits=9" in client.head()
    client.send(masked(TEXT, b"0123456789" * 1000))
    assert client.events() == ["0123456789" * 1000]


# -- closing ----------------------------------------------------------------------------------------------------


def test_a_close_is_answered_with_its_code_and_the_server_ends_first(scene):
    client, socket = scene.serve().open()
    client.send(masked(CLOSE, b"\x0f\xa1bye") + masked(TEXT, b"late"))
    assert client.raw() == b"\x88\x02\x0f\xa1"
    assert client.ended
    assert (socket.close_code, socket.close_reason) == (4001, "bye")
    assert socket.heard == []


def test_a_close_without_a_code_is_answered_without_one(scene):
    client, socket = scene.serve().open()
    client.send(masked(CLOSE))
    assert client.raw() == b"\x88\x00"
    assert socket.close_code == 1005


def test_our_close_waits_for_the_peers(scene):
    client, socket = scene.serve().open()
    socket.close(1000, "done")
    socket.send("never said")
    socket.ping()
    assert client.events() == [Close(1000, "done")]
    assert not client.ended
    client.send(masked(TEXT, b"crossing") + masked(PING))
    assert client.raw() == b"", "nothing follows a close"
    client.send(CLOSE_1000)
    assert client.ended
    assert socket.heard == []


def test_a_close_that_is_not_answered_ends_after_five_seconds(scene):
    client, socket = scene.serve().open()
    socket.close()
    client.raw()
    scene.reactor.advance(4.9)
    assert not client.ended
    scene.reactor.advance(0.2)
    assert client.ended
    socket.close()


@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 1015, 2000, 5000])
def test_codes_that_must_not_be_sent(scene, code):
    _, socket = scene.serve().open()
    with pytest.raises(ValueError, match="code"):
        socket.close(code)
    with pytest.raises(ValueError, match="reason"):
        socket.close(1000, "ü" * 62)
    assert socket.is_open


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"\x81\x01a", 1002), (masked(TEXT, b"\xff"), 1007), (masked(0x3), 1002), (b"\x82\xff" + bytes(8), 1002)],
)
def test_a_fault_is_told_and_ends_the_connection(scene, data, code):
    client, socket = scene.serve().open()
    client.send(masked(TEXT, b"good") + data + masked(BINARY, bytes(4)))
    good, closed = client.events()
    assert good == "good"
    assert closed.code == code
    assert client.ended
    assert socket.close_code == code


def test_a_message_that_is_too_long(scene):
    client, _ = scene.serve(max_message=1000).open()
    client.send(masked(BINARY, bytes(1001))[:20])
    assert client.events()[0].code == 1009


def test_the_end_without_a_close(scene):
    client, socket = scene.serve().open()
    client.recorder.transport.write_eof()
    scene.reactor.settle()
    assert client.ended
    assert socket.close_code == 1006
    client, socket = scene.open()
    client.recorder.transport.abort()
    scene.reactor.settle()
    assert socket.close_code == 1006
    socket.send("to nobody")
    socket.close()


def test_what_is_not_defined_is_refused(scene):
    client, _ = scene.serve(WebSocket).open()
    client.send(masked(TEXT, b"a"))
    assert client.events() == [Close(1003, "no text is taken here")]
    client, _ = scene.open()
    client.send(masked(BINARY, b"a"))
    assert client.events() == [Close(1003, "only text is taken here")]


@pytest.mark.loud
def test_an_exception_ends_one_connection(scene, caplog):
    class Broken(Echo):
        def text_received(self, text):
            raise KeyError(text)

    client, _ = scene.serve(Broken).open()
    other, _ = scene.open()
    client.send(masked(TEXT, b"a"))
    assert client.ended
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]
    other.send(masked(PING))
    assert other.events() == [Pong(b"")]


# -- silence ----------------------------------------------------------------------------------------------------


def test_a_silent_peer_is_pinged_after_20_s_and_gone_20_s_later(scene):
    client, _ = scene.serve().open()
    scene.reactor.advance(19.9)
    assert client.events() == []
    scene.reactor.advance(0.2)
    assert client.events() == [Ping(b"")]
    scene.reactor.advance(19.8)
    assert client.events() == []
    assert not client.ended
    scene.reactor.advance(0.2)
    assert client.events() == [Close(1011, "no answer to a ping")]
    assert client.ended


def test_any_byte_counts_as_life(scene):
    client, socket = scene.serve().open()
    slow = masked(TEXT, b"x" * 50)
    for n in range(30):  # a byte of a message every 15 s
        client.send(slow[n : n + 1])
        scene.reactor.advance(15)
    assert client.events() == []
    assert socket.is_open


def test_a_byte_after_the_ping_is_an_answer(scene):
    client, socket = scene.serve().open()
    for _ in range(5):
        scene.reactor.advance(20.5)
        assert client.events() == [Ping(b"")]
        client.send(masked(PONG, b"whatever"))
    assert socket.heard == [("pong", b"whatever")] * 5
    client.send(masked(TEXT, b"a"))
    scene.reactor.advance(19.9)
    assert client.events() == ["a"], "20 s from the last byte"
    scene.reactor.advance(0.2)
    assert client.events() == [Ping(b"")]


def test_two_that_ping_each_other_at_the_same_time_live_on(scene):
    client, socket = scene.serve().open()
    for _ in range(4):
        scene.reactor.advance(20)
        client.send(masked(PONG))  # in the very moment of the ping
    assert client.events() == [Ping(b"")] * 4
    assert socket.is_open


def test_no_pings_where_they_are_turned_off(scene):
    client, socket = scene.serve(ping_after=None).open()
    scene.reactor.advance(1000)
    assert client.events() == []
    assert socket.is_open


def test_a_loop_that_was_held_up_counts_no_silence(scene):
    client, socket = scene.serve().open()
    scene.reactor.advance(21)
    assert client.events() == [Ping(b"")]
    scene.reactor.call_soon(lambda: scene.reactor.world.clock.advance(60))
    scene.reactor.settle()
    assert socket.is_open, "what came in that minute is perhaps not read yet"
    client.send(masked(PONG))
    scene.reactor.advance(5)
    assert socket.is_open


def test_while_we_do_not_read_a_peer_cannot_be_silent(scene):
    client, socket = scene.serve().open()
    socket.pause_reading()
    client.send(masked(TEXT, b"later"))
    scene.reactor.advance(100)
    assert socket.is_open
    assert socket.heard == []
    socket.resume_reading()
    scene.reactor.settle()
    assert socket.heard == ["later"]


def test_pings_by_hand(scene):
    client, socket = scene.serve().open()
    socket.ping(b"hi")
    assert client.events() == [Ping(b"hi")]
    with pytest.raises(ValueError, match="125"):
        socket.ping(bytes(126))


# -- pressure ---------------------------------------------------------------------------------------------------


def stuff(client, data, most=200):
    """Send until the server takes no more; how many times."""
    transport = client.recorder.transport
    client.recorder.transport.pause_reading()
    for n in range(most):
        if transport.get_write_buffer_size() > 1 << 19 or transport.is_closing():
            return n
        transport.write(data)
        client.scene.reactor.settle()
    return most


def test_who_sends_and_never_reads_is_not_read_any_more(scene):
    client, socket = scene.serve().open()
    assert stuff(client, masked(BINARY, bytes(60_000))) < 60
    waiting = socket.transport.get_write_buffer_size()
    assert waiting < 300_000
    client.recorder.transport.resume_reading()
    scene.reactor.settle()
    assert all(event == bytes(60_000) for event in client.events())
    assert socket.is_open


def test_pings_without_end_are_not_answered_without_end(scene):
    client, socket = scene.serve().open()
    assert stuff(client, masked(PING, bytes(125)) * 500) < 60
    assert socket.transport.get_write_buffer_size() < 300_000


def test_a_reader_that_is_too_slow_is_evicted(scene):
    client, socket = scene.serve().open()
    fast, _ = scene.open()
    client.recorder.transport.pause_reading()
    sent = 0
    while socket.is_open and sent < 100:
        broadcast(scene.sockets, b"x" * 60_000)
        scene.reactor.settle()
        sent += 1
    assert sent < 30
    assert (socket.close_code, socket.close_reason) == (1013, "too slow")
    scene.reactor.settle()
    assert len(fast.events()) == sent


def test_one_message_may_be_longer_than_what_may_wait(scene):
    client, socket = scene.serve(max_message=1 << 22).open()
    client.send(masked(BINARY, bytes(3 << 20)))
    assert client.events() == [bytes(3 << 20)]
    assert socket.is_open


def test_a_flood_of_messages_gives_the_others_their_turn(scene):
    client, socket = scene.serve().open()
    other, _ = scene.open()
    client.recorder.transport.write(masked(PING) * 15_000)
    other.recorder.transport.write(masked(TEXT, b"me too"))
    seen = []
    scene.sockets[1].text_received = lambda text: seen.append(len(flooded))
    flooded = []
    socket._control = lambda opcode, payload: flooded.append(opcode)
    scene.reactor.settle()
    assert len(flooded) == 15_000
    assert seen[0] < 2000


def test_many_that_send_what_unpacks_to_much_share_one_round(scene, monkeypatch):
    """Each has a slice of its own, and so a short message would wait for as many slices as there are connections."""
    scene.serve(max_message=1 << 22)
    size, unpacked, take = 1 << 21, [0], Message._take

    def slow(message, part, final):
        unpacked[0] += len(part)
        scene.reactor.world.clock.advance(len(part) * 1e-9)  # a MB in a millisecond
        return take(message, part, final)

    bomb = masked(BINARY, deflate(b"a" * size, 15), deflated=True)
    crowd = [scene.open(more=DEFLATE)[0] for _ in range(30)]
    other, socket = scene.open()
    monkeypatch.setattr(Message, "_take", slow)
    seen = []
    socket.text_received = lambda text: seen.append(unpacked[0])
    for client in crowd:
        client.recorder.transport.write(bomb)
    other.recorder.transport.write(masked(TEXT, b"me too"))
    assert [client.events() for client in crowd] == [[b"a" * size]] * 30
    assert seen[0] <= ROUND_TIME * 1e9 + TURN * 1024 + 30 * (2 * LATE_BATCH + 1) * 1024


def test_many_floods_of_messages_share_one_round(scene):
    scene.serve()
    crowd = [scene.open()[0] for _ in range(30)]
    other, socket = scene.open()
    flooded, seen = [], []

    def slow(opcode, payload):
        flooded.append(opcode)
        scene.reactor.world.clock.advance(ROUND_TIME / 500)

    for one in scene.sockets[:-1]:
        one._control = slow
    socket.text_received = lambda text: seen.append(len(flooded))
    for client in crowd:
        client.recorder.transport.write(masked(PING) * 1000)
    other.recorder.transport.write(masked(TEXT, b"me too"))
    scene.reactor.settle()
    assert len(flooded) == 30_000
    assert seen[0] <= 500 + 256 + 2 * 30 * LATE_BATCH  # what is put back comes once more in the same round


@pytest.mark.parametrize("between", [b"", masked(PING)])
def test_a_flood_of_empty_pieces_gives_the_others_their_turn(scene, between):
    client, _ = scene.serve().open()
    other, _ = scene.open()
    flood = b"\x01\x80" + KEY + ((b"\x00\x80" + KEY) * 400 + between) * 30
    client.recorder.transport.write(flood)
    other.recorder.transport.write(masked(TEXT, b"me too"))
    read = []
    scene.sockets[1].text_received = lambda text: read.append(text)
    begin = Wire._begin
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Wire, "_begin", lambda *args: read.append(None) or begin(*args))
        scene.reactor.settle()
    assert len(read) == 12_002
    assert read.index("me too") <= 2 * TURN + 1
    client.send(masked(CONTINUATION, b"at last"))
    assert client.events()[-1] == "at last"


def test_messages_cost_what_they_are_once_they_are_unpacked(scene):
    """A kilobyte of each comes to a megabyte: a single read of them held the loop for a second."""
    client, socket = scene.serve().open(more=DEFLATE)
    other, _ = scene.open()
    large = "a" * 1_000_000
    client.recorder.transport.write(masked(TEXT, deflate(large.encode(), 15), deflated=True) * 20)
    other.recorder.transport.write(masked(TEXT, b"me too"))
    read = []
    socket.text_received = read.append
    scene.sockets[1].text_received = read.append
    scene.reactor.settle()
    assert (len(read), read.count(large)) == (21, 20)
    assert read.index("me too") <= 4  # two turns in the first tick


def test_pausing_inside_a_batch_holds_back_its_rest(scene):
    class Stops(Echo):
        def text_received(self, text):
            super().text_received(text)
            if text == "stop":
                self.pause_reading()

    client, socket = scene.serve(Stops).open()
    client.send(masked(TEXT, b"a") + masked(TEXT, b"stop") + masked(TEXT, b"b") + masked(TEXT, b"c")[:3])
    assert socket.heard == ["a", "stop"]
    socket.resume_reading()
    assert socket.heard == ["a", "stop"], "never from inside the call"
    client.send(masked(TEXT, b"c")[3:])
    assert socket.heard == ["a", "stop", "b", "c"]


# -- many -------------------------------------------------------------------------------------------------------


def test_a_broadcast_writes_the_same_bytes_to_all(scene, monkeypatch):
    scene.serve()
    plain = [scene.open() for _ in range(3)]
    small = [scene.open(more=DEFLATE) for _ in range(3)]
    _, socket = scene.open()
    socket.close()
    written = []
    for socket in scene.sockets:
        monkeypatch.setattr(type(socket.transport), "write", lambda self, data: written.append(data))
    broadcast(scene.sockets, "hello " * 100)
    assert len(written) == 6
    assert len({id(data) for data in written}) == 2
    assert len(plain) == len(small)


def test_a_broadcast_is_heard(scene):
    scene.serve()
    clients = [scene.open()[0], scene.open(more=DEFLATE)[0]]
    broadcast(scene.sockets, "hello " * 100)
    broadcast(scene.sockets, b"\0")
    assert [client.events() for client in clients] == [["hello " * 100, b"\0"]] * 2


def test_a_drain_says_goodbye_and_waits_for_the_answer(scene):
    client, _ = scene.serve().open()
    deaf, _ = scene.open()
    scene.listener.drain(4.0)
    scene.reactor.settle()
    assert client.events() == [Close(1001, "")]
    client.send(masked(CLOSE, b"\x03\xe9"))
    assert client.ended
    assert not deaf.ended
    scene.reactor.advance(4.5)
    assert deaf.ended


def test_what_is_sent_is_a_str_or_bytes(scene):
    client, socket = scene.serve().open()
    for message in ("a", b"b", bytearray(b"c"), memoryview(b"d")):
        socket.send(message)
    assert client.events() == ["a", b"b", b"c", b"d"]
    for wrong in (5, None, ["a"]):
        with pytest.raises(TypeError):
            socket.send(wrong)


def test_pieces_of_a_message_are_one(scene):
    client, socket = scene.serve().open()
    first, last = bytearray(masked(TEXT, b"hel")), masked(CONTINUATION, b"lo")
    first[0] = TEXT
    client.send(bytes(first) + masked(PING) + last)
    assert socket.heard == ["hello"]


def test_an_idle_connection_is_small(scene):
    scene.serve()
    _, socket = scene.open(more=DEFLATE)
    wire = socket._wire
    size = sys.getsizeof(socket) + sys.getsizeof(socket.__dict__) + sys.getsizeof(wire) + sys.getsizeof(socket._timer)
    assert size < 1200


@pytest.mark.parametrize("before", ["", "GET / HTTP/1.1\r\nHost: here\r\n\r\n" * 40], ids=["first", "pipelined"])
def test_one_that_begins_paused_stays_so(scene, before):
    class Paused(Echo):
        def connection_made(self, transport):
            self.pause_reading()

    scene.serve(Paused)
    client = scene.client()
    client.send((before + HEAD.format(path="/", more="")).encode() + masked(TEXT, b"early"))
    client.send(masked(TEXT, b"later"))
    (socket,) = scene.sockets
    assert socket.heard == []
    socket.resume_reading()
    scene.reactor.settle()
    assert socket.heard == ["early", "later"]


def test_what_is_sent_in_pause_writing_comes_behind_the_message_that_was_too_much(scene):
    class Warns(WebSocket):
        def binary_received(self, data):
            while not self.transport.get_write_buffer_size():
                self.send(b"f" * 70_000)
                self.transport._on_flush()
            self.transport.set_write_buffer_limits(high=self.transport.get_write_buffer_size() + 5)
            self.send(b"m" * 200_000)

        def pause_writing(self):
            super().pause_writing()
            self.send("slower, please")

    client, _ = scene.serve(Warns).open()
    client.recorder.transport.pause_reading()
    client.send(masked(BINARY, b"go"))
    client.recorder.transport.resume_reading()
    assert client.events()[-2:] == [b"m" * 200_000, "slower, please"]


@pytest.mark.parametrize("says", [masked(TEXT, b"hello"), masked(PONG), masked(TEXT)[:1]])
def test_who_has_said_nothing_since_the_handshake_gives_way(scene, says):
    client, socket = scene.serve().open()
    socket.send("news")
    scene.reactor.advance(5)
    assert socket.giving_way() == 1, "what it is told is no word of its own"
    client.send(says)
    assert socket.giving_way() == 0


def test_who_speaks_right_behind_the_handshake_does_not_give_way(scene):
    client = scene.serve().client()
    client.send(HEAD.format(path="/", more="").encode() + masked(TEXT, b"early"))
    assert scene.sockets[-1].giving_way() == 0


def test_what_is_no_message_is_told_by_its_type(scene):
    _, socket = scene.serve().open()
    with pytest.raises(TypeError, match="a message is str or bytes, not int"):
        socket.send(5)
    with pytest.raises(TypeError, match="a message is str or bytes, not NoneType"):
        broadcast([socket], None)
