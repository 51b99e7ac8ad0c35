"""Requests, for a server: what it takes, and what it refuses because two readers could differ about it."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.http.errors import HeadTooLarge, HTTPError, NoRequest, ProtocolError, Truncated, UnknownVersion
from protocols.http.wire import Data, End, Failed, RequestHead, RequestWire

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
LAST = b"0\r\n\r\n"

GOOD: dict[str, tuple[bytes, str, str, bytes, bool, bytes]] = {
    "GET": (GET, "GET", "/", b"", True, b""),
    "a query": (b"GET /a?b=%20c HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/a?b=%20c", b"", True, b""),
    "an absolute target": (b"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "http://a/b", b"", True, b""),
    "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "CONNECT", "a:443", b"", True, b""),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*", b"", True, b""),
    "an empty Host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/", b"", True, b""),
    "a method of its own": (b"M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH", "/", b"", True, b""),
    "HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", "GET", "/", b"", False, b""),
    "HTTP/1.0 with Host": (b"GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET", "/", b"", False, b""),
    "HTTP/1.0, keep-alive": (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/", b"", True, b""),
    "close": (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET", "/", b"", False, b""),
    "content": (POST + b"Content-Length: 2\r\n\r\nhi", "POST", "/", b"hi", True, b""),
    "chunked": (POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n" + LAST, "POST", "/", b"hi", True, b""),
    "no content": (POST + b"\r\n", "POST", "/", b"", True, b""),
    "a method of 32 letters": (b"G" * 29 + GET, "G" * 29 + "GET", "/", b"", True, b""),
    "an empty line before": (b"\r\n" + GET, "GET", "/", b"", True, b""),
    "two at once": (POST + b"Content-Length: 2\r\n\r\nhi" + GET, "POST", "/", b"hi", True, GET),
}

BAD: dict[str, tuple[bytes, type[HTTPError]]] = {
    "nothing": (b"", NoRequest),
    "an empty line alone": (b"\r\n", NoRequest),
    "half a line": (b"GET / HT", Truncated),
    "no blank line": (GET[:-2], Truncated),
    "half the content": (POST + b"Content-Length: 3\r\n\r\nhi", Truncated),
    "two empty lines before": (b"\r\n\r\n" + GET, ProtocolError),
    "bare LF before": (b"\n" + GET, ProtocolError),
    "bare CR before": (b"\r" + GET, ProtocolError),
    "TLS": (b"\x16\x03\x01\x02\0\x01", ProtocolError),
    "a method without end": (b"G" * 33, ProtocolError),
    "a method of more than 32 letters, which would be refused in pieces": (b"G" * 30 + GET, ProtocolError),
    "and its framing is not looked at": (b"G" * 30 + POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", ProtocolError),
    "HTTP/0.9": (b"GET /\r\n\r\n", ProtocolError),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\n", UnknownVersion),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", ProtocolError),
    "a space in the target": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", ProtocolError),
    "a tab": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", ProtocolError),
    "a space behind the version": (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", ProtocolError),
    "a target that is not ASCII": (b"GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n", ProtocolError),
    "bare LF": (GET.replace(b"\r", b""), ProtocolError),
    "bare LF in one line": (b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", ProtocolError),
    "bare LF as the blank line": (b"GET / HTTP/1.1\r\nHost: a\r\n\n", ProtocolError),
    "bare LF before the blank line": (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\n\r\n", ProtocolError),
    "obs-fold": (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", ProtocolError),
    "chunked, folded": (POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + LAST, ProtocolError),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", ProtocolError),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", ProtocolError),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", ProtocolError),
    "both lengths": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST, ProtocolError),
    "chunked in HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST, ProtocolError),
    "chunked, identity": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + LAST, ProtocolError),
    "lengths that differ": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", ProtocolError),
    "a signed length": (POST + b"Content-Length: +5\r\n\r\nhello", ProtocolError),
    "too many lines": (GET[:-2] + b"A: b\r\n" * 255 + b"\r\n", HeadTooLarge),
    "a head without end": (GET[:-2] + b"A: " + b"b" * 70000, HeadTooLarge),
}


def cuts(raw: bytes) -> list[list[bytes]]:
    step = len(raw) // 2000 + 1
    pieces = [[raw], [raw[at : at + step] for at in range(0, len(raw), step)]]
    return pieces + [[raw[:cut], raw[cut:]] for cut in range(1, len(raw), max(1, len(raw) // 100))]


@pytest.mark.parametrize("name", GOOD)
def test_a_request(name: str) -> None:
    raw, method, target, body, keep_alive, leftover = GOOD[name]
    for parts in cuts(raw):
        wire = RequestWire()
        head, *content, end = [event for part in parts for event in wire.feed(part)]
        assert isinstance(head, RequestHead)
        assert isinstance(end, End)
        assert (head.method, head.target) == (method, target)
        assert b"".join(event.data for event in content if isinstance(event, Data)) == body
        assert (wire.keep_alive, wire.leftover) == (keep_alive, leftover)


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str) -> None:
    raw, error = BAD[name]
    for parts in cuts(raw):
        wire = RequestWire()
        events: list[Any] = [event for part in parts for event in wire.feed(part)]
        assert bool(events and isinstance(events[-1], Failed)) is not issubclass(error, Truncated), parts
        events += wire.finish()
        assert type(events[-1].error) is error, parts


def test_requests_in_a_row() -> None:
    wire = RequestWire()
    events = wire.feed(GET * 3 + b"x y\r\n\r\n")
    for _ in range(2):
        assert [type(event).__name__ for event in events] == ["RequestHead", "End"]
        events = wire.next_message()
    events = wire.next_message()
    assert isinstance(events[-1], Failed)
    with pytest.raises(RuntimeError):
        wire.next_message()


@pytest.mark.parametrize("first", [GET, POST + b"Content-Length: 2\r\n\r\nhi"], ids=["plain", "with a body"])
def test_an_empty_line_that_comes_alone_after_an_answer_is_skipped_once(first: bytes) -> None:
    for lines, kinds in ((b"\r\n", ["RequestHead", "End"]), (b"\r\n\r\n", ["Failed"])):
        wire = RequestWire()
        wire.feed(first)
        assert wire.next_message() == []
        assert not wire.persistent
        assert wire.feed(lines[:2]) == []
        assert [type(event).__name__ for event in wire.feed(lines[2:] + GET)] == kinds


def test_nothing_of_one_request_is_left_for_the_next() -> None:
    wire = RequestWire()
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n" + LAST
    for raw, received in ((POST + b"Content-Length: 2\r\n\r\nhi", 2), (chunked, 2), (GET, 0), (chunked, 2)):
        wire.feed(raw)
        assert (wire.received, wire.keep_alive) == (received, True)
        assert wire.next_message() == []
        assert (wire.received, wire.length, wire.keep_alive, wire.begun) == (0, None, False, b"")
