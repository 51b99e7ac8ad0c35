"""RESP in pieces, at its bounds, and beyond them."""

from __future__ import annotations

import math
import random

import pytest

from protocols.redis import Prepared, ProtocolError, ReplyError, ReplyWire, encode
from protocols.redis.wire import MAX_DEPTH, MAX_ITEMS, MAX_LINE, MAX_REPLY, Push


class Same:
    """Equal to a ReplyError of this text."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, ReplyError) and str(other) == self.text


REPLIES = [
    (b"+OK\r\n", "OK"),
    (b"+\r\n", ""),
    (b"-ERR no\r\n", Same("ERR no")),
    (b":0\r\n", 0),
    (b":-12\r\n", -12),
    (b":+12\r\n", 12),
    (b"$0\r\n\r\n", b""),
    (b"$5\r\na\r\nb!\r\n", b"a\r\nb!"),
    (b"$-1\r\n", None),
    (b"*-1\r\n", None),
    (b"*0\r\n", []),
    (b"*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n-MOVED 1 h:1\r\n", [1, [b"a", []], Same("MOVED 1 h:1")]),
    (b"_\r\n", None),
    (b"#t\r\n", True),
    (b"#f\r\n", False),
    (b",1.5\r\n", 1.5),
    (b",-1e3\r\n", -1000.0),
    (b",inf\r\n", math.inf),
    (b",-inf\r\n", -math.inf),
    (b"(3492890328409238509324850943850943825024385\r\n", 3492890328409238509324850943850943825024385),
    (b"!5\r\nERR x\r\n", Same("ERR x")),
    (b"=8\r\ntxt:some\r\n", b"some"),
    (b"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n", {"a": 1, "b": [2]}),
    (b"%1\r\n*1\r\n:1\r\n:2\r\n", {(1,): 2}),
    (b"%0\r\n", {}),
    (b"~3\r\n:1\r\n:2\r\n:1\r\n", {1, 2}),
    (b"~1\r\n*1\r\n~1\r\n:1\r\n", {(frozenset({1}),)}),
    (b"|1\r\n+ttl\r\n:3600\r\n:7\r\n", 7),
    (b"*2\r\n|1\r\n+ttl\r\n*2\r\n:1\r\n:2\r\n:1\r\n:2\r\n", [1, 2]),
    (b"|0\r\n+x\r\n", "x"),
    (b">2\r\n+message\r\n+hi\r\n", ["message", "hi"]),
]
STREAM = b"".join(data for data, _ in REPLIES)
VALUES = [value for _, value in REPLIES]


@pytest.mark.parametrize(("data", "value"), REPLIES, ids=[repr(data)[:40] for data, _ in REPLIES])
def test_a_reply_of_each_type(data, value):
    wire = ReplyWire()
    assert wire.feed(data) == [value]
    assert wire.error is None
    kinds = {b">": Push, b"-": ReplyError, b"!": ReplyError}
    assert type(ReplyWire().feed(data)[0]) is kinds.get(data[:1], type(value))


@pytest.mark.parametrize(("data", "value"), REPLIES, ids=[repr(data)[:40] for data, _ in REPLIES])
def test_a_reply_comes_with_its_last_byte_and_no_earlier(data, value):
    for cut in range(len(data)):
        wire = ReplyWire()
        assert wire.feed(data[:cut]) == []
        assert wire.feed(data[cut:]) == [value]


def test_a_stream_of_replies_is_the_same_at_every_cut():
    for cut in range(len(STREAM) + 1):
        wire = ReplyWire()
        assert wire.feed(STREAM[:cut]) + wire.feed(STREAM[cut:]) == VALUES


def test_a_stream_of_replies_byte_by_byte_and_in_random_pieces():
    wire = ReplyWire()
    assert [reply for byte in STREAM for reply in wire.feed(bytes([byte]))] == VALUES
    dice = random.Random(1)
    for _ in range(50):
        wire, rest, found = ReplyWire(), STREAM, []
        while rest:
            size = dice.randrange(1, 20)
            found += wire.feed(rest[:size])
            rest = rest[size:]
        assert found == VALUES


@pytest.mark.parametrize(
    "noise",
    [
        b"HTTP/1.1 400 Bad Request\r\n", b"\x16\x03\x01\r\n", b"\r\n", b"$\r\n", b"$-2\r\n", b"$+1\r\n", b"$ 1\r\n",
        b"$1_0\r\n", b"$1\r\nab\r\n", b"$1\r\na\n\n", b"*-2\r\n", b"*x\r\n", b":\r\n", b":1 \r\n", b":1_0\r\n",
        b":" + b"1" * 21 + b"\r\n", b"(\r\n", b",\r\n", b",x\r\n", b",1_0\r\n", b"#x\r\n", b"_x\r\n", b"=3\r\ntxt\r\n",
        b"*1\r\n>1\r\n:1\r\n", b"$?\r\n", b"*?\r\n", b"!-1\r\n", b"%-1\r\n", b"+a\n", b"$1\na\r\n",
        b"$512000000\r\n", b"$536870912\r\n", b"$99999999999999999999\r\n", b"*1000000000\r\n",
        b"%600000\r\n", b"*2\r\n*600000\r\n" + b":1\r\n" * 600000 + b"*600000\r\n",
        b"*1\r\n" * (MAX_DEPTH + 2), b"+" + b"x" * (MAX_LINE + 1),
    ],
    ids=lambda noise: repr(noise)[:30],
)  # fmt: skip
def test_noise_is_an_error_at_once_and_for_good(noise):
    wire = ReplyWire()
    assert wire.feed(b"+before\r\n" + noise) == ["before"]
    assert isinstance(wire.error, ProtocolError)
    assert wire.feed(b"+OK\r\n") == []


def test_what_is_just_within_the_bounds_passes():
    wire = ReplyWire()
    assert wire.feed(b"+" + b"x" * (MAX_LINE - 3) + b"\r\n")
    assert wire.feed(b"*1\r\n" * MAX_DEPTH + b":1\r\n")
    assert wire.feed(b"*%d\r\n" % (MAX_ITEMS - 1)) == []
    wire = ReplyWire()
    assert wire.feed(b"$%d\r\n" % (MAX_REPLY - 20)) == []
    assert wire.error is None


def test_a_reply_is_bounded_by_the_sum_of_its_strings():
    replies = b"*20\r\n" + (b"$90\r\n" + b"x" * 90 + b"\r\n") * 20
    for cut in range(0, len(replies), 7):
        wire = ReplyWire(max_reply=1000)
        assert wire.feed(replies[:cut]) + wire.feed(replies[cut:]) == []
        assert "more than 1000 bytes" in str(wire.error)
    wire = ReplyWire(max_reply=1000)
    assert len(wire.feed((b"$90\r\n" + b"x" * 90 + b"\r\n") * 20)) == 20


def test_a_long_string_in_small_pieces_is_not_copied_for_each():
    """Copied for each piece it would be 16 GB."""
    wire, size = ReplyWire(), 8 << 20
    wire.feed(b"$%d\r\n" % size)
    piece = b"x" * 4096
    for _ in range(size // 4096):
        assert wire.feed(piece) == []
    assert wire.feed(b"\r\n") == [b"x" * size]


def test_commands():
    assert encode(("SET", b"k\r\n", "ä", 7, -1, 1.5)) == (
        b"*6\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$2\r\n\xc3\xa4\r\n$1\r\n7\r\n$2\r\n-1\r\n$3\r\n1.5\r\n"
    )
    words = [b"a", b"1180591620717411303424", b"1e+300", b"inf"]
    assert ReplyWire().feed(encode(("a", 2**70, 1e300, math.inf))) == [words]


def test_a_prepared_command_is_the_same_as_one_encoded_at_once():
    for last in (b"", b"k\r\n", b"$0\r\n\r\n"):
        assert Prepared("SET", b"", "ä")(last) == encode(("SET", b"", "ä", last))
    assert Prepared()(b"PING") == encode(("PING",))


@pytest.mark.parametrize("bad", [None, True, [b"x"], {}, object(), bytearray(b"x")])
def test_what_is_no_argument(bad):
    with pytest.raises(TypeError):
        encode(("SET", bad))


@pytest.mark.parametrize("bad", [(), ("SET", math.nan), ("SET", "\ud800")])
def test_what_cannot_be_said(bad):
    with pytest.raises(ValueError):  # noqa: PT011
        encode(bad)
