"""A text protocol inside a WebSocket, which must notice no difference."""

from __future__ import annotations

import asyncio

import pytest

from protocols.text.protocol import TextProtocol
from protocols.websocket import lines_over
from protocols.websocket.frames import BINARY, CLOSE, TEXT
from protocols.websocket.lines import MAX_PARTIAL, LineSocket, LineTransport
from protocols.websocket.wire import Close
from reactor import LineProtocol
from tests.kit.guards import instances

from .conftest import DEFLATE, masked


class Room(LineProtocol):
    """Says every line to all members; `pause` pauses, `bye` closes."""

    def __init__(self, room):
        self.room = room
        self.heard = []
        self.lost = 0

    def connection_made(self, transport):
        super().connection_made(transport)
        self.room.append(self)
        self.send_line(b"welcome")

    def line_received(self, line):
        self.heard.append(line)
        if line == b"pause":
            self.transport.pause_reading()
        if line == b"bye":
            self.transport.write(b"* goodbye")
            return self.transport.close()
        said = line + b"\n"
        for member in self.room:
            member.transport.write(said)

    def connection_lost(self, exc):
        self.lost += 1
        self.room.remove(self)


@pytest.fixture
def room():
    return []


@pytest.fixture
def rooms(scene, room):
    return scene.serve(lines_over(lambda: Room(room)))


def test_lines_are_messages(rooms, room):
    a, _ = rooms.open()
    b, _ = rooms.open(more=DEFLATE)
    a.send(masked(TEXT, "hello 日本".encode()))
    assert a.events() == ["welcome", "hello 日本"]
    assert b.events() == ["welcome", "hello 日本"]


def test_the_protocol_inside_may_write_after_the_end_and_nothing_waits_for_the_garbage_collector(no_gc, rooms, room):
    a = rooms.client().open()
    member = room[0]
    a.recorder.transport.abort()
    rooms.reactor.settle()
    assert member.lost == 1
    member.transport.write(b"to nobody\n")
    member.transport.close()
    assert member.transport.get_protocol() is None
    del member
    rooms.sockets.clear()
    assert instances(Room, LineSocket, LineTransport) == []


@pytest.mark.parametrize("text", ["a\nb\nc", "a\r\nb\r\nc", "a\u2028b\u2029c", "a\vb\fc", "a\x85b\x1cc\n"])
def test_a_message_with_line_breaks_is_several_lines_of_its_sender(rooms, room, text):
    a, _ = rooms.open()
    a.send(masked(TEXT, text.encode()))
    assert room[0].heard == [b"a", b"b", b"c"]


def test_an_empty_message_is_an_empty_line(rooms, room):
    a, _ = rooms.open()
    a.send(masked(TEXT))
    assert room[0].heard == [b""]


def test_lines_written_in_pieces_are_whole_messages(rooms, room):
    a, _ = rooms.open()
    a.raw()
    for piece in (b"one", b" line\ntwo\r\nth", b"", b"ree"):
        room[0].transport.write(piece)
    assert a.events() == ["one line", "two"]
    room[0].transport.writelines([b"!\n", b"\xff\n"])
    assert a.events() == ["three!", "\ufffd"]


def test_a_line_without_end_is_refused_beyond_its_bound_and_bytes_are_counted(rooms, room):
    a, _ = rooms.open()
    a.raw()
    transport = room[0].transport
    before = transport.bytes_out
    transport.write(bytes(MAX_PARTIAL))
    with pytest.raises(ValueError, match="without its end"):
        transport.write(b"x")
    transport.write(b"\n")
    a.raw()
    assert transport.bytes_out - before > MAX_PARTIAL
    assert transport.bytes_in > 0


def test_the_protocols_close_is_a_close(rooms, room):
    a, _ = rooms.open()
    member = room[0]
    a.send(masked(TEXT, b"bye") + masked(TEXT, b"late"))
    assert a.events() == ["welcome", "* goodbye", Close(1000, "")]
    a.send(masked(CLOSE, b"\x03\xe8"))
    assert a.ended
    assert member.lost == 1
    assert member.heard == [b"bye"]


def test_the_peers_close_is_the_end(rooms, room):
    a, _ = rooms.open()
    member = room[0]
    a.send(masked(CLOSE, b"\x03\xe9"))
    assert a.ended
    assert member.lost == 1
    member.transport.write(b"to nobody\n")


def test_binary_messages_are_refused(rooms, room):
    a, _ = rooms.open()
    a.raw()
    a.send(masked(BINARY, b"a"))
    assert a.events() == [Close(1003, "only text is taken here")]


def test_pausing_holds_back_the_rest_of_a_message_and_of_the_batch(rooms, room):
    a, socket = rooms.open()
    member = room[0]
    a.send(masked(TEXT, b"one\npause\ntwo") + masked(TEXT, b"three"))
    assert member.heard == [b"one", b"pause"]
    assert not socket.transport.is_reading()
    member.transport.resume_reading()
    a.send(masked(TEXT, b"four"))
    assert member.heard == [b"one", b"pause", b"two", b"three", b"four"]


def test_a_text_protocol_works_too(scene):
    class Says(TextProtocol):
        def message_received(self, text):
            self.send_line(f"> {text}")
            if text == "pause":
                self.transport.pause_reading()

    made = []

    def make():
        made.append(Says(scene.reactor))
        return made[-1]

    client, _ = scene.serve(lines_over(make)).open()
    client.send(masked(TEXT, b"a\npause\nb") + masked(TEXT, b"c"))
    assert client.events() == ["> a", "> pause"]
    made[0].transport.resume_reading()
    assert client.events() == ["> b", "> c"]
    client.send(masked(TEXT, b"x" * 3000))
    assert "longer than 2,048 bytes" in client.events()[0]


@pytest.mark.loud
def test_what_the_protocol_raises_ends_its_connection_once(scene, caplog):
    class Broken(LineProtocol):
        lost = 0

        def line_received(self, line):
            raise KeyError(line)

        def connection_lost(self, exc):
            Broken.lost += 1

    client, _ = scene.serve(lines_over(Broken)).open()
    client.send(masked(TEXT, b"a"))
    assert client.ended
    assert Broken.lost == 1


@pytest.mark.loud
@pytest.mark.parametrize("error", [KeyError, asyncio.CancelledError])
def test_so_it_does_where_a_rest_that_it_gave_back_comes_again(scene, error):
    made = []

    class Broken(LineProtocol):
        lost = 0

        def connection_made(self, transport):
            super().connection_made(transport)
            made.append(self)

        def line_received(self, line):
            if line == b"bad":
                raise error
            self.transport.pause_reading()

        def connection_lost(self, exc):
            Broken.lost += 1

    client, _ = scene.serve(lines_over(Broken)).open()
    client.send(masked(TEXT, b"pause\nbad"))
    made[0].transport.resume_reading()
    scene.reactor.settle()
    assert client.ended
    assert Broken.lost == 1


def test_a_room_frames_once_for_all(rooms, room, monkeypatch):
    clients = [rooms.open()[0] for _ in range(4)]
    written = []
    transport = type(rooms.sockets[0].transport)
    original = transport.write
    monkeypatch.setattr(transport, "write", lambda self, data: (written.append(data), original(self, data)))
    room[0].line_received(b"hello")
    assert len({id(data) for data in written if b"hello" in data}) == 1
    assert [client.events()[-1] for client in clients] == ["hello"] * 4


class Chooser(LineProtocol):
    """Its first line says whose the connection is."""

    def __init__(self, new):
        self.new = new

    def line_received(self, line):
        self.told = self.transport.switch_protocol(self.new(), b"(begins)\n")

    def connection_lost(self, exc):
        raise AssertionError("it is not its any more")


def test_the_connection_goes_to_a_protocol_that_begins(scene, room):
    client, _ = scene.serve(lines_over(lambda: Chooser(lambda: Room(room)))).open()
    client.send(masked(TEXT, b"room"))
    client.send(masked(TEXT, b"hello"))
    assert client.events() == ["welcome", "(begins)", "hello"]
    assert room[0].heard == [b"(begins)", b"hello"]


@pytest.mark.loud
def test_what_it_raises_as_it_begins_ends_the_connection(scene, caplog):
    class Broken(LineProtocol):
        def connection_made(self, transport):
            super().connection_made(transport)
            raise asyncio.CancelledError

        line_received = None

    client, _ = scene.serve(lines_over(lambda: Chooser(Broken))).open()
    client.send(masked(TEXT, b"broken"))
    assert client.ended
    assert "exception in the protocol of" in caplog.text


@pytest.mark.parametrize("ends", ["close", "abort"])
def test_what_is_written_after_the_end_is_ignored_however_much(rooms, room, ends):
    rooms.open()
    transport = room[0].transport
    getattr(transport, ends)()
    for _ in range(3):
        transport.write(bytes(50_000))  # no line end: it would wait for one
    assert transport.get_write_buffer_size() < 50_000


class Line(LineProtocol):
    """Notes its lines; a line `wait` pauses."""

    def __init__(self):
        self.heard = []

    def line_received(self, line):
        self.heard.append(line)
        if line == b"wait":
            self.transport.pause_reading()

    def pause_writing(self):
        self.heard.append("full")


def test_what_the_former_one_gave_back_as_it_paused_comes_when_another_begins(scene):
    former, new = Line(), Line()
    client, _ = scene.serve(lines_over(lambda: former)).open()
    client.send(masked(TEXT, b"wait\nrest"))
    former.transport.switch_protocol(new)
    scene.reactor.settle()
    client.send(masked(TEXT, b"more"))
    assert new.heard == [b"rest", b"more"]


def test_who_begins_late_is_told_that_the_peer_takes_nothing_and_after_a_close_nobody_begins(scene):
    former, new, late = Line(), Line(), Line()
    client, _ = scene.serve(lines_over(lambda: former)).open()
    client.recorder.transport.pause_reading()
    former.transport.write(b"x" * 900_000 + b"\n")
    scene.reactor.settle()
    former.transport.switch_protocol(new)
    assert (former.heard, new.heard) == (["full"], ["full"])
    new.transport.close()
    assert isinstance(new.transport.switch_protocol(late), ConnectionAbortedError)
    assert late.transport is None


def test_a_protocol_inside_that_does_not_care_gives_way_as_every_websocket(rooms):
    client, socket = rooms.open()
    assert socket.giving_way() == 1
    client.send(masked(TEXT, b"hello"))
    assert socket.giving_way() == 0


def test_the_protocol_inside_says_whether_it_gives_way(scene):
    class Patient(Room):
        def giving_way(self):
            return 2 - 2 * len(self.heard)

    client, socket = scene.serve(lines_over(lambda: Patient([]))).open()
    assert socket.giving_way() == 2
    client.send(masked(TEXT, b"hello"))
    assert socket.giving_way() == 0
