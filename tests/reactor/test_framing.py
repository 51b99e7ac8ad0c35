"""Framers: cut anywhere, held back exactly, bounded in work and memory. Pure but for the last scene, over TCP."""

from __future__ import annotations

import itertools
import random
import struct

import pytest

from reactor import FramingError, LengthPrefixedProtocol, LimitExceeded, LineProtocol, NetstringProtocol
from reactor.framing import BATCH
from reactor.testing import Recorder


class Hand:
    """What a framer knows of a transport. What is given back waits here; `feed` delivers it as the real one does."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.delivery = 0
        self.reading = True
        self.closed = False
        self.waiting = b""
        self.written = b""
        protocol.connection_made(self)

    def is_reading(self):
        return self.reading and not self.closed

    def get_protocol(self):
        return self.protocol

    def set_protocol(self, protocol):
        self.delivery += 1
        self.protocol = protocol

    def pause_reading(self):
        self.delivery += 1
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def close(self):
        self.delivery += 1
        self.closed = True

    def unread(self, data):
        self.waiting = data + self.waiting

    def write(self, data):
        self.written += data

    def deliver_once(self):
        data, self.waiting = self.waiting, b""
        self.protocol.data_received(data)

    def feed(self, data):
        self.waiting += data
        while self.waiting and self.is_reading():
            self.deliver_once()

    def feed_all(self, pieces):
        for piece in pieces:
            self.feed(piece)

    def resume(self):
        self.resume_reading()
        self.feed(b"")


def played(rng, protocol, data):
    """The frames that come of `data` in pieces, while the protocol pauses as it likes and somebody resumes it."""
    hand = Hand(protocol)
    while data:
        size = rng.choice([1, 2, 7, 100])
        hand.feed(data[:size])
        data = data[size:]
        while not hand.reading and (rng.random() < 0.7 or not data):
            hand.resume()
    hand.resume()
    hand.protocol.eof_received()
    return hand.protocol.frames


class Lines(LineProtocol):
    def __init__(self, max_line=1000):
        self.frames = []
        self.max_line = max_line

    def line_received(self, line):
        self.frames.append(line)


class Strings(NetstringProtocol):
    def __init__(self, max_string=1000):
        self.frames = []
        self.max_string = max_string

    def string_received(self, string):
        self.frames.append(string)


class Messages(LengthPrefixedProtocol):
    def __init__(self, max_message=1000, prefix="!I"):
        self.frames = []
        self.max_message = max_message
        self.prefix = prefix

    def message_received(self, message):
        self.frames.append(message)


def reference_lines(data):
    """Independent of the framer: what a person would call the lines of this."""
    *lines, last = data.split(b"\n")
    lines = [line.removesuffix(b"\r") for line in lines]
    return [*lines, last] if last else lines


def netstrings(frames):
    return b"".join(b"%d:%b," % (len(frame), frame) for frame in frames)


def messages(frames, prefix="!I"):
    return b"".join(struct.pack(prefix, len(frame)) + frame for frame in frames)


def run(make, pieces, end=True):
    """The frames that come of these pieces."""
    hand = Hand(make())
    for piece in pieces:
        hand.feed(piece)
    if end:
        hand.protocol.eof_received()
    return hand.protocol.frames


FRAMES = [b"", b"a", b"hello, world", b"\x00\xff:,\r", b"", b"12:34,"]
STREAMS = [
    (Lines, b"one\ntwo\r\n\n\r\nthree\r\r\nfour\rstill four\n\r\r\n", None),
    (Lines, b"unended", None),
    (Lines, b"a\nunended\r", None),
    (Lines, b"\r\n\r\n\n\n", None),
    (Strings, netstrings(FRAMES), FRAMES),
    (Messages, messages(FRAMES), FRAMES),
]
IDS = ["lines", "unended line", "unended CR", "empty lines", "netstrings", "messages"]


@pytest.mark.parametrize(("make", "data", "expected"), STREAMS, ids=IDS)
class TestCutAnywhere:
    def frames(self, data, expected):
        return reference_lines(data) if expected is None else expected

    def test_whole(self, make, data, expected):
        assert run(make, [data]) == self.frames(data, expected)

    def test_byte_by_byte(self, make, data, expected):
        assert run(make, [data[i : i + 1] for i in range(len(data))]) == self.frames(data, expected)

    def test_at_every_pair_of_cuts(self, make, data, expected):
        for first, second in itertools.combinations_with_replacement(range(len(data) + 1), 2):
            pieces = data[:first], data[first:second], data[second:]
            assert run(make, [piece for piece in pieces if piece]) == self.frames(data, expected), (first, second)

    def test_pausing_after_every_frame(self, make, data, expected):
        """However it is cut, one frame comes for each resume, and none twice."""

        for size in (1, 2, 3, 5, len(data)):
            hand = Hand(sipping(make)())
            for i in range(0, len(data), size):
                hand.feed(data[i : i + size])
                while not hand.reading:
                    before = len(hand.protocol.frames)
                    hand.resume()
                    assert len(hand.protocol.frames) <= before + 1
            hand.protocol.eof_received()
            assert hand.protocol.frames == self.frames(data, expected)


def sipping(make):
    """A subclass that pauses after each frame."""

    class Sipping(make):
        def _sip(self, frame):
            self.frames.append(frame)
            self.transport.pause_reading()

        line_received = string_received = message_received = _sip

    return Sipping


def random_frames(rng, alphabet):
    return [bytes(rng.choices(alphabet, k=rng.choice([0, 1, 3, 20, 200]))) for _ in range(rng.randrange(12))]


@pytest.mark.parametrize("seed", range(60))
def test_random_streams_cut_at_random_with_random_pauses(seed):
    """Replay a failure by its seed."""
    rng = random.Random(seed)
    if seed % 3 == 0:
        make, data = Lines, bytes(rng.choices(b"ab\r\r\n\n", k=rng.randrange(400)))
        expected = reference_lines(data)
    elif seed % 3 == 1:
        make, expected = Strings, random_frames(rng, b"0123:,\n")
        data = netstrings(expected)
    else:
        make, expected = Messages, random_frames(rng, bytes(range(256)))
        data = messages(expected)

    class Moody(make):
        def _mood(self, frame):
            self.frames.append(frame)
            if rng.random() < 0.3:
                self.transport.pause_reading()
            if rng.random() < 0.1:
                self.transport.resume_reading()

        line_received = string_received = message_received = _mood

    assert played(rng, Moody(), data) == expected


# -- held back exactly -------------------------------------------------------------------------------------------

BATCHES = [
    (Lines, b"one\r\ntwo\r\r\n\r\nthree\nfo", [b"one"], b"two\r\r\n\r\nthree\nfo"),
    (Strings, b"3:one,3:two,\r\n", [b"one"], b"3:two,\r\n"),
    (Messages, b"\0\0\0\3one\0\0\0\3two\r\n", [b"one"], b"\0\0\0\3two\r\n"),
]


@pytest.mark.parametrize(("make", "data", "frames", "rest"), BATCHES, ids=["lines", "netstrings", "messages"])
@pytest.mark.parametrize("cut", [0, 1, 4])
@pytest.mark.parametrize("how", ["pause_reading", "close", "set_protocol"])
def test_a_batch_stops_and_gives_back_the_very_bytes(make, data, frames, rest, cut, how):
    class Stops(make):
        def _stop(self, frame):
            self.frames.append(frame)
            getattr(self.transport, how)(*[Recorder()] * (how == "set_protocol"))

        line_received = string_received = message_received = _stop

    protocol = Stops()
    hand = Hand(protocol)
    if cut:
        protocol.data_received(data[:cut])
    protocol.data_received(data[cut:])
    assert protocol.frames == frames
    assert hand.waiting == rest


@pytest.mark.parametrize(("make", "data", "frames", "rest"), BATCHES, ids=["lines", "netstrings", "messages"])
def test_pausing_and_resuming_within_a_frame_holds_nothing_back(make, data, frames, rest):
    class Blinks(make):
        def _blink(self, frame):
            self.frames.append(frame)
            self.transport.pause_reading()
            self.transport.resume_reading()

        line_received = string_received = message_received = _blink

    protocol = Blinks()
    hand = Hand(protocol)
    protocol.data_received(data[: -len(b"\r\n")])
    assert len(protocol.frames) >= 2
    assert hand.waiting == b""


@pytest.mark.parametrize(
    ("make", "one"),
    [(Lines, b"x\n"), (Strings, b"1:x,"), (Messages, b"\0\0\0\1x")],
    ids=["lines", "netstrings", "messages"],
)
@pytest.mark.parametrize("extra", [b"", b"1"])
def test_one_call_handles_a_bounded_number_of_frames(make, one, extra):
    protocol = make()
    hand = Hand(protocol)
    protocol.data_received(one * BATCH * 3 + extra)
    assert len(protocol.frames) == BATCH
    assert len(hand.waiting) >= len(one) * BATCH * 2
    hand.deliver_once()
    assert len(protocol.frames) == BATCH * 2
    hand.feed(b"")
    assert protocol.frames == [b"x"] * BATCH * 3
    protocol = make()
    hand = Hand(protocol)
    protocol.data_received(one * BATCH)
    assert (len(protocol.frames), hand.waiting) == (BATCH, b"")


# -- lines in batches --------------------------------------------------------------------------------------------


class Batches(LineProtocol):
    """Takes lines by the batch."""

    max_line = 10

    def __init__(self):
        self.batches = []
        self.frames = []

    def lines_received(self, lines):
        self.batches.append(lines)
        self.frames += lines

    def line_too_long(self, size):
        self.frames.append(size)


def test_the_lines_that_came_together_come_together_without_their_endings():
    hand = Hand(Batches())
    hand.feed(b"one\ntwo\r\n\nthr")
    hand.feed(b"ee\r\nfour\n")
    assert hand.protocol.batches == [[b"one", b"two", b""], [b"three", b"four"]]


def test_a_line_too_long_stands_between_two_batches_and_where_it_came():
    hand = Hand(Batches())
    hand.feed(b"one\ntwo\n" + b"x" * 11 + b"\nthree\n" + b"y" * 30 + b"\nfour\n")
    assert hand.protocol.frames == [b"one", b"two", 11, b"three", 30, b"four"]
    assert hand.protocol.batches == [[b"one", b"two"], [b"three"], [b"four"]]


@pytest.mark.parametrize("how", ["nothing", "pause_reading", "close", "set_protocol"])
@pytest.mark.parametrize("handled", [0, 1, 2])
def test_lines_that_were_not_handled_are_given_back_as_they_came(how, handled):
    class Stops(Batches):
        def lines_received(self, lines):
            self.frames += lines[:handled]
            if how != "nothing":
                getattr(self.transport, how)(*[Recorder()] * (how == "set_protocol"))
            return handled

    hand = Hand(Stops())
    protocol = hand.protocol
    protocol.data_received(b"one\r\r\ntwo\r\nfo")
    assert protocol.frames == [b"one\r", b"two"][:handled]
    assert hand.waiting == [b"one\r\r\ntwo\r\nfo", b"two\r\nfo", b"fo"][handled]


@pytest.mark.parametrize("how", ["pause_reading", "set_protocol"])
def test_who_handles_all_and_stops_gives_back_only_what_is_no_line_yet(how):
    class Stops(Batches):
        def lines_received(self, lines):
            super().lines_received(lines)
            getattr(self.transport, how)(*[Recorder()] * (how == "set_protocol"))

    hand = Hand(Stops())
    protocol = hand.protocol
    protocol.data_received(b"one\n" + b"x" * 20 + b"\ntwo\nfo")
    assert protocol.frames == [b"one"]
    assert hand.waiting == b"x" * 20 + b"\ntwo\nfo"


def test_a_batch_is_bounded():
    hand = Hand(Batches())
    hand.feed(b"x\n" * (2 * BATCH + 5) + b"y")
    assert [len(batch) for batch in hand.protocol.batches] == [BATCH, BATCH, 5]
    hand.protocol.eof_received()


@pytest.mark.parametrize("seed", range(40))
def test_random_lines_cut_at_random_and_taken_by_random_numbers(seed):
    rng = random.Random(seed)
    data = bytes(rng.choices(b"abcd\r\n\n", k=rng.randrange(600)))
    expected = [line if len(line) <= 10 else "long" for line in reference_lines(data)]

    class Moody(Batches):
        def lines_received(self, lines):
            count = rng.choice([0, 1, len(lines) // 2, len(lines), None])
            self.frames += lines[:count]
            if rng.random() < 0.3:
                self.transport.pause_reading()
            if rng.random() < 0.1:
                self.transport.resume_reading()
            return count

        def line_received(self, line):
            self.frames.append(line)

        def line_too_long(self, size):
            self.frames.append("long")
            if rng.random() < 0.3:
                self.transport.pause_reading()

    assert played(rng, Moody(), data) == expected


# -- lines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_longest_line_passes_and_one_byte_more_does_not(ending, size):
    longest = b"x" * 100
    for data, fine in [(longest, True), (longest + b"x", False)]:
        hand = Hand(Lines(max_line=100))
        pieces = [(b"a\n" + data + ending)[i : i + size] for i in range(0, 110, size)]
        if fine:
            hand.feed_all(pieces)
            assert hand.protocol.frames == [b"a", longest]
        else:
            with pytest.raises(LimitExceeded, match="limit of 100"):
                hand.feed_all(pieces)
            assert hand.protocol.frames == [b"a"]


def test_an_endless_line_is_refused_before_it_fills_memory():
    hand = Hand(Lines(max_line=100))
    hand.feed(b"x" * 101)
    with pytest.raises(LimitExceeded):
        hand.feed(b"x")


def test_an_unended_line_at_the_end_is_measured_too():
    hand = Hand(Lines(max_line=100))
    hand.feed(b"x" * 101)
    with pytest.raises(LimitExceeded):
        hand.protocol.eof_received()
    assert hand.protocol.frames == []
    hand = Hand(Lines(max_line=100))
    hand.feed(b"x" * 100)
    hand.protocol.eof_received()
    assert hand.protocol.frames == [b"x" * 100]


@pytest.mark.parametrize("size", [1, 7, 90, 5000])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_forgiving_protocol_skips_the_rest_of_a_long_line(size, ending):
    class Forgiving(Lines):
        def line_too_long(self, size):
            self.frames.append("long")

    data = ending.join([b"before", b"x" * 1000, b"between", b"y" * 101, b"z" * 100, b""])
    hand = Hand(Forgiving(max_line=100))
    for i in range(0, len(data), size):
        hand.feed(data[i : i + size])
    hand.protocol.eof_received()
    assert hand.protocol.frames == [b"before", "long", b"between", "long", b"z" * 100]


def test_an_endless_line_that_is_skipped_takes_no_memory():
    class Forgiving(Lines):
        def line_too_long(self, size):
            self.frames.append("long")

    hand = Hand(Forgiving(max_line=100))
    for _ in range(1000):
        hand.feed(b"x" * 1000)
    held = sum(len(value) for value in vars(hand.protocol).values() if isinstance(value, (bytes, bytearray)))
    assert held <= 102
    assert hand.waiting == b""
    hand.feed(b"\nnext\n")
    assert hand.protocol.frames == ["long", b"next"]


def test_skipping_goes_on_after_a_long_batch():
    class Forgiving(Lines):
        def line_too_long(self, size):
            self.frames.append("long")

    hand = Hand(Forgiving(max_line=100))
    hand.feed(b"x" * 200)
    hand.feed(b"x\n" + b"y\n" * BATCH)
    assert hand.protocol.frames == ["long"] + [b"y"] * BATCH


def test_sending_lines_strings_and_messages():
    for protocol, send, expected in [
        (Lines(), "send_line", b"hi\n"),
        (Strings(), "send_string", b"2:hi,"),
        (Messages(), "send_message", b"\0\0\0\2hi"),
        (Messages(prefix="<H"), "send_message", b"\2\0hi"),
    ]:
        hand = Hand(protocol)
        getattr(protocol, send)(b"hi")
        assert hand.written == expected
    short = Messages(prefix="B")
    hand = Hand(short)
    with pytest.raises(struct.error):
        short.send_message(b"x" * 256)
    assert hand.written == b""


# -- netstrings and messages: bad input, cut anywhere ------------------------------------------------------------

BAD = [
    (Strings, b"x:", FramingError),
    (Strings, b"-1:x,", FramingError),
    (Strings, b" 1:x,", FramingError),
    (Strings, b"01:x,", FramingError),
    (Strings, b"+1:x,", FramingError),
    (Strings, b"1_0:x,", FramingError),
    (Strings, b":x,", FramingError),
    (Strings, b",", FramingError),
    (Strings, b"1:xy", FramingError),
    (Strings, b"0:x", FramingError),
    (Strings, b"3:ab,\n", FramingError),
    (Strings, b"\xb2:xx,", FramingError),
    (Strings, b"1001:", LimitExceeded),
    (Strings, b"99999", LimitExceeded),
    (Strings, b"9999999999999999999:", LimitExceeded),
    (Messages, b"\0\0\x03\xe9", LimitExceeded),
    (Messages, b"\xff\xff\xff\xff", LimitExceeded),
    (lambda: Messages(prefix="!i"), b"\xff\xff\xff\xff", LimitExceeded),
]


@pytest.mark.parametrize(
    ("make", "data", "error"), BAD, ids=lambda value: repr(value) if isinstance(value, bytes) else ""
)
def test_what_is_no_frame_is_refused_however_it_is_cut(make, data, error):
    good = {Strings: b"2:ok,"}.get(make) or struct.pack(make().prefix, 2) + b"ok"
    for size in range(1, len(good + data) + 1):
        hand = Hand(make())
        pieces = [(good + data)[i : i + size] for i in range(0, len(good + data), size)]
        with pytest.raises(error) as caught:
            hand.feed_all(pieces)
        assert type(caught.value) is error
        assert hand.protocol.frames == [b"ok"]


@pytest.mark.parametrize("make", [Strings, Messages])
def test_the_longest_frame_passes(make):
    data = {Strings: netstrings, Messages: messages}[make]([b"x" * 1000])
    assert run(make, [data]) == [b"x" * 1000]
    assert run(make, [data[i : i + 1] for i in range(len(data))]) == [b"x" * 1000]


@pytest.mark.parametrize(
    ("make", "data"), [(Strings, b"1:x,5:hel"), (Messages, b"\0\0\0\1x\0\0\0\5hel"), (Strings, b"5")]
)
def test_the_end_within_a_frame_is_an_error(make, data):
    hand = Hand(make())
    hand.feed(data)
    with pytest.raises(FramingError, match="ended within a frame"):
        hand.protocol.eof_received()


@pytest.mark.parametrize("prefix", ["B", "!H", "<I", ">Q", "!xH"])
def test_any_struct_format_is_a_prefix(prefix):
    frames = [b"", b"a", b"x" * 200]
    data = messages(frames, prefix)
    for size in (1, 3, len(data)):
        pieces = [data[i : i + size] for i in range(0, len(data), size)]
        assert run(lambda: Messages(prefix=prefix), pieces) == frames


def test_a_frame_is_bytes_whatever_it_came_in():
    for make, data in [(Strings, b"5:hello,"), (Messages, b"\0\0\0\5hello"), (Lines, b"hello\n")]:
        for pieces in ([data], [data[:3], data[3:5], data[5:]]):
            (frame,) = run(make, pieces)
            assert type(frame) is bytes


def test_a_large_message_in_many_pieces_costs_no_more_than_its_size():
    """Each piece is appended: recopying would be a thousand times as much work."""
    counted = []

    class Counting(Messages):
        def cut(self, data, start):
            counted.append(id(data))
            return super().cut(data, start)

    hand = Hand(Counting(max_message=1 << 20))
    data = messages([b"x" * (1 << 20)])
    for i in range(0, len(data), 1000):
        hand.protocol.data_received(data[i : i + 1000])
    assert len(hand.protocol.frames[0]) == 1 << 20
    assert len(set(counted[2:])) <= 2  # one growing buffer


# -- over TCP ----------------------------------------------------------------------------------------------------


def test_a_flood_of_lines_over_tcp_with_pauses(stage):
    class Slow(LineProtocol):
        def __init__(self):
            self.lines = []

        def line_received(self, line):
            self.lines.append(int(line))
            if len(self.lines) % 5000 == 0:
                self.transport.pause_reading()
                at = len(self.lines)
                timer.append(stage.reactor.call_later(1, self.go_on, at))

        def go_on(self, at):
            assert len(self.lines) == at
            self.transport.resume_reading()

        def connection_lost(self, exc):
            self.lines.append(exc)

    timer = []
    protocol = Slow()
    peer, _transport = stage.connect(protocol)
    peer.sendall(b"".join(b"%d\r\n" % number for number in range(20_002)) + b"20002")
    peer.shutdown(1)
    stage.reactor.settle()
    assert len(protocol.lines) == 5000
    stage.reactor.advance(10)
    assert protocol.lines == [*range(20_003), None]


def test_a_neighbour_has_its_turn_between_batches(stage):
    order = []

    class Named(LineProtocol):
        def line_received(self, line):
            order.append(line[:1])

    listener = stage.serve(Named)
    greedy, modest = stage.dial(listener), stage.dial(listener)
    greedy.sendall(b"g\n" * 20_000)
    stage.reactor._tick()
    modest.sendall(b"m\n")
    stage.reactor._tick()
    stage.reactor._tick()
    assert order.index(b"m") <= 6 * BATCH
    stage.reactor.settle()
    assert order.count(b"g") == 20_000


def test_a_framing_error_over_tcp_is_quiet_and_ends_the_connection(stage, caplog):
    class Strict(NetstringProtocol):
        lost = None

        def string_received(self, string):
            """Nothing is done with it here."""

        def connection_lost(self, exc):
            self.lost = exc

    protocol = Strict()
    peer, _ = stage.connect(protocol)
    peer.sendall(b"5:hello,nonsense")
    stage.reactor.settle()
    assert isinstance(protocol.lost, FramingError)
    assert peer.recv(10) == b""
    assert [record for record in caplog.records if "nonsense" in record.getMessage()]


def test_a_line_protocol_hands_over_to_a_binary_one_exactly(stage):
    binary = Recorder()

    class Upgrade(LineProtocol):
        def line_received(self, line):
            if line == b"UPGRADE":
                binary.transport = self.transport
                self.transport.set_protocol(binary)

    payload = bytes(range(256)) * 3 + b"\r\n\r\r\n\n"
    peer, _ = stage.connect(Upgrade())
    peer.sendall(b"hello\r\nUPGRADE\r\n" + payload)
    stage.reactor.settle()
    assert binary.data == payload


@pytest.mark.parametrize("rest", [b"unended", b"x" * 200])
def test_a_framer_that_begins_again_knows_nothing_of_its_last_connection(rest):
    class Lines(LineProtocol):
        max_line = 100

        def __init__(self):
            self.heard = []

        def line_received(self, line):
            self.heard.append(line)

        def line_too_long(self, size):
            """The rest of it is skipped."""

    class Strings(NetstringProtocol):
        def __init__(self):
            self.heard = []

        def string_received(self, string):
            self.heard.append(string)

    for protocol, begun, sent in (Lines(), rest, b"one\n"), (Strings(), b"200:" + rest[:100], b"3:one,"):
        Hand(protocol)
        protocol.data_received(begun)
        Hand(protocol)
        protocol.data_received(sent)
        assert protocol.heard == [b"one"]
