"""What a head costs that comes byte by byte: nothing that was looked at is looked at again."""

from __future__ import annotations

import pytest

from protocols.http.errors import HeadTooLarge
from protocols.http.wire import RequestWire, ResponseWire
from tests.kit.work import is_straight

STATUS = b"HTTP/1.1 200 OK\r\n"
CHUNKED = STATUS + b"Transfer-Encoding: chunked\r\n\r\n"


def fields(size):
    return b"".join(b"X-%d: %s\r\n" % (number, b"v" * 240) for number in range(size // 256))


def by_bytes(wire, data):
    return [event for byte in data for event in wire.feed(bytes([byte]))]


HEADS = {
    "a response": (ResponseWire, lambda size: STATUS + fields(size)),
    "one long field": (ResponseWire, lambda size: STATUS + b"X: " + b"v" * size),
    "many lines": (ResponseWire, lambda size: STATUS + b"a:\r\n" * min(200, size // 8) + b"b: " + b"v" * (size // 2)),
    "a request": (RequestWire, lambda size: b"GET / HTTP/1.1\r\nHost: a\r\n" + fields(size)),
    "a target": (RequestWire, lambda size: b"GET /" + b"a" * size),
    "trailers": (ResponseWire, lambda size: CHUNKED + b"0\r\n" + fields(size)),
    "returns": (ResponseWire, lambda size: STATUS + b"X: " + b"\r" * size),
}


@pytest.mark.parametrize(("wire", "make"), HEADS.values(), ids=HEADS)
def test_a_head_that_comes_byte_by_byte_costs_what_it_has_bytes(wire, make):
    assert is_straight(lambda data: by_bytes(wire(), data), make, small=4096)


def test_it_is_the_same_head_as_at_once():
    head = STATUS + fields(20_000) + b"Content-Length: 2\r\n\r\nok"
    whole, cut = ResponseWire(), ResponseWire()
    assert repr(by_bytes(cut, head)[0]) == repr(whole.feed(head)[0])
    trailers = CHUNKED + b"1\r\na\r\n0\r\n" + fields(20_000) + b"\r\n"
    whole, cut = ResponseWire(), ResponseWire()
    assert repr(by_bytes(cut, trailers)[-1]) == repr(whole.feed(trailers)[-1])


@pytest.mark.parametrize("start", [STATUS, CHUNKED + b"0\r\n"])
@pytest.mark.parametrize("line", [b"a: b\r\n", b"a: " + b"b" * 1000 + b"\r\n"])
def test_the_bounds_are_the_same_however_it_is_cut(start, line):
    data = start + line * 100_000
    for piece in (1, 7, 4096, len(data)):
        wire, fed, events = ResponseWire(), 0, []
        while not events or not hasattr(events[-1], "error"):
            events += wire.feed(data[fed : fed + piece])
            fed += piece
            assert fed < 200_000 + piece
        assert isinstance(events[-1].error, HeadTooLarge)
