"""The wire as its owner sees it: one response after the other, bounds, and what it keeps in memory."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest

from protocols.http.errors import HeadTooLarge, HTTPError, NoResponse, ProtocolError, Truncated
from protocols.http.wire import MAX_LEFTOVER, Data, End, Failed, Head, ResponseWire
from protocols.http.wire.chunked import FAIR, MAX_WASTE
from protocols.http.wire.states import State

OK = b"HTTP/1.1 200 OK\r\n"
FIVE = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def kinds(events: list[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


def error_of(events: list[Any]) -> HTTPError:
    assert isinstance(events[-1], Failed)
    return events[-1].error


def test_one_response_after_the_other() -> None:
    wire = ResponseWire("HEAD")
    assert kinds(wire.feed(OK + b"Content-Length: 5\r\n\r\n")) == ["Head", "End"]
    for method, raw in [("GET", FIVE), ("POST", CHUNKED + b"1\r\na\r\n0\r\n\r\n"), ("HEAD", CHUNKED), ("GET", FIVE)]:
        assert wire.keep_alive
        wire.next_request(method)
        assert (wire.received, wire.length, wire.state, wire.done) == (0, None, State.HEAD, False)
        assert kinds(wire.feed(raw))[-1] == "End"
        assert wire.done


def test_interim_heads_are_counted_for_each_response() -> None:
    wire = ResponseWire()
    for _ in range(3):
        assert kinds(wire.feed(b"HTTP/1.1 102 x\r\n\r\n" * 60 + FIVE))[-1] == "End"
        wire.next_request()


def test_what_is_known_from_the_head() -> None:
    wire = ResponseWire()
    [head] = wire.feed(FIVE[:-5])
    assert isinstance(head, Head)
    assert head == ("1.1", 200, "OK", head.headers)
    assert (wire.length, wire.body_until_eof, wire.state) == (5, False, State.SIZED)
    assert wire.feed(b"hel") == [Data(b"hel")]
    assert (wire.received, wire.keep_alive) == (3, False)
    assert kinds(wire.feed(b"lo")) == ["Data", "End"]
    assert repr(wire) == "<ResponseWire DONE received=5>"


def test_until_the_end() -> None:
    wire = ResponseWire()
    wire.feed(OK + b"\r\nhello")
    assert (wire.length, wire.body_until_eof, wire.state) == (None, True, State.UNSIZED)
    assert kinds(wire.finish()) == ["End"]
    assert not wire.keep_alive


def test_no_second_request_where_the_first_is_not_answered() -> None:
    wire = ResponseWire()
    for raw in (b"", FIVE[:10], FIVE[10:-1]):
        wire.feed(raw)
        with pytest.raises(RuntimeError, match="cannot be used again"):
            wire.next_request()
    wire.feed(b"o")
    wire.next_request()


def test_no_second_request_after_what_nobody_asked_for() -> None:
    """Else it would be taken for the answer to the next one: a response of somebody else's, perhaps."""
    wire = ResponseWire()
    wire.feed(FIVE)
    assert wire.keep_alive
    assert wire.feed(FIVE) == []
    assert wire.leftover == FIVE
    with pytest.raises(RuntimeError):
        wire.next_request()


def test_no_second_request_after_the_end() -> None:
    wire = ResponseWire()
    wire.feed(FIVE)
    assert wire.finish() == []
    assert not wire.keep_alive
    assert wire.done


def test_no_answer_at_all_is_told_from_half_an_answer() -> None:
    assert type(error_of(ResponseWire().finish())) is NoResponse
    wire = ResponseWire()
    wire.feed(FIVE)
    wire.next_request()
    assert type(error_of(wire.finish())) is NoResponse
    for beginning in (b"H", b"HTTP/1.1 100 Continue\r\n\r\n"):
        wire = ResponseWire()
        wire.feed(beginning)
        assert type(error_of(wire.finish())) is Truncated


def test_after_a_failure_there_is_nothing() -> None:
    wire = ResponseWire()
    assert kinds(wire.feed(CHUNKED + b"2\r\nhi\r\nx\r\n")) == ["Head", "Data", "Failed"]
    assert wire.feed(FIVE) == []
    assert wire.finish() == []
    assert (wire.state, wire.done, wire.keep_alive, wire.leftover) == (State.FAILED, False, False, b"")


def test_a_failure_counts_the_content_before_it() -> None:
    wire = ResponseWire()
    assert error_of(wire.feed(CHUNKED + b"2\r\nhi\r\nx\r\n")).received == 2
    wire = ResponseWire()
    wire.feed(FIVE[:-2])
    error = error_of(wire.finish())
    assert error.received == 3
    assert str(error) == "the connection ended after 3 of 5 bytes"


def test_messages_show_no_control_characters_and_not_too_much() -> None:
    escapes = b"\x1b[2J\x9b\xe9" * 50
    for raw in [escapes, b"HTTP/1.1 " + escapes + b"\r\n\r\n", OK + escapes + b"\r\n\r\n",
                OK + b"Content-Length: " + escapes + b"\r\n\r\n", CHUNKED + escapes + b"\n"]:  # fmt: skip
        message = str(error_of(ResponseWire().feed(raw)))
        assert message.isprintable()
        assert len(message) < 400


# -- bounds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 1000, 1 << 20])
def test_the_largest_head_and_one_byte_more(step: int) -> None:
    for size, expected in [(1024, ["Head", "End"]), (1025, ["Failed"])]:
        head = OK + b"Content-Length: 0\r\nX: "
        raw = head + b"x" * (size - len(head) - 4) + b"\r\n\r\n"
        wire = ResponseWire(max_head=1024)
        assert kinds([e for at in range(0, size, step) for e in wire.feed(raw[at : at + step])]) == expected


def test_a_head_without_end_costs_its_bound() -> None:
    tracemalloc.start()
    wire = ResponseWire()
    events: list[Any] = []
    fed = 0
    while not events:
        events = wire.feed(OK + b"X: " + b"x" * 4096 if not fed else b"x" * 4096)
        fed += 4096
    for _ in range(1000):
        wire.feed(b"x" * 4096)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(error_of(events), HeadTooLarge)
    assert fed <= 64 * 1024 + 4096
    assert peak < 4 * 64 * 1024


SLOW = {
    "a head in single bytes": (OK + b"X: " + b"x" * 20000, 1),
    "blanks": (OK + b"X: " + b" \t" * 30000 + b"\0\r\n\r\n", 1 << 20),
    "folded blanks": (OK + b"X: a" + b"\r\n " * 200 + b" " * 50000 + b"\0\r\n\r\n", 1 << 20),
    "a name": (OK + b"x" * 60000 + b"\r\n\r\n", 1 << 20),
    "CR": (OK + b"X: " + b"\r" * 60000 + b"\r\n\r\n", 1 << 20),
    "a list of lengths": (OK + b"Content-Length: " + b"5," * 30000 + b"5\r\n\r\n", 1 << 20),
    "trailers in single bytes": (CHUNKED + b"0\r\nX: " + b"x" * 20000, 1),
    "empty lines that are none": (OK + b"X: a" + b"\r\n\r" * 20000, 1 << 20),
}


@pytest.mark.parametrize("name", SLOW)
def test_nothing_takes_long(name: str) -> None:
    """Each is some milliseconds; what is quadratic in Python would be minutes. The bound is for that alone."""
    raw, step = SLOW[name]
    wire = ResponseWire()
    before = time.process_time()
    for at in range(0, len(raw), step):
        wire.feed(raw[at : at + step])
    wire.finish()
    assert time.process_time() - before < 20


def test_extensions_are_paid_for_by_content() -> None:
    fair = b"100;" + b"a" * 250 + b"\r\n" + b"x" * 256 + b"\r\n"
    wire = ResponseWire()
    wire.feed(CHUNKED)
    for _ in range(2000):
        assert kinds(wire.feed(fair)) == ["Data"]
    assert kinds(wire.feed(b"0\r\n\r\n")) == ["End"]


def test_extensions_that_nothing_pays_for_are_bounded_over_the_whole_content() -> None:
    greedy = b"1;" + b"a" * 1000 + b"\r\nx\r\n"
    wire = ResponseWire()
    wire.feed(CHUNKED)
    taken = 0
    while not isinstance((events := wire.feed(greedy))[-1], Failed):
        taken += 1
        assert taken < 1000
    assert isinstance(error_of(events), HeadTooLarge)
    assert taken == MAX_WASTE // (1004 - FAIR - 1)
    assert error_of(events).received == taken


def test_tiny_chunks_are_no_waste_and_one_event() -> None:
    wire = ResponseWire()
    events = wire.feed(CHUNKED + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")
    assert kinds(events) == ["Head", "Data", "End"]
    assert events[1] == Data(b"x" * 50_000)


def test_what_nobody_asked_for_is_not_kept_without_end() -> None:
    wire = ResponseWire()
    wire.feed(FIVE)
    for _ in range(100):
        wire.feed(b"x" * 10_000)
    assert wire.leftover == b"x" * MAX_LEFTOVER


@pytest.mark.parametrize("framing", ["sized", "chunked", "unsized"])
def test_large_content_passes_through(framing: str) -> None:
    size = 1 << 26
    head = {"sized": OK + b"Content-Length: %d\r\n\r\n" % size, "chunked": CHUNKED + b"%x\r\n" % size,
            "unsized": OK + b"\r\n"}[framing]  # fmt: skip
    block = bytes(1 << 18)
    tracemalloc.start()
    wire = ResponseWire()
    wire.feed(head)
    got = sum(len(event.data) for _ in range(size >> 18) for event in wire.feed(block) if isinstance(event, Data))
    events = wire.feed(b"\r\n0\r\n\r\n" if framing == "chunked" else b"")
    events += wire.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert got == wire.received == size
    assert peak < 1 << 20
    assert not [event for event in events if isinstance(event, Failed)]


def test_sized_content_is_not_copied() -> None:
    wire = ResponseWire()
    wire.feed(OK + b"Content-Length: 100000\r\n\r\n")
    block = bytes(50_000)
    for _ in range(2):
        data = wire.feed(block)[0]
        assert isinstance(data, Data)
        assert data.data is block


def test_the_end_has_its_trailers_apart() -> None:
    wire = ResponseWire()
    head, end = wire.feed(CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n")
    assert isinstance(head, Head)
    assert isinstance(end, End)
    assert "content-length" not in head.headers
    assert end.trailers["content-length"] == "5"
    assert wire.keep_alive


def test_an_error_is_the_protocols() -> None:
    assert issubclass(NoResponse, Truncated)
    assert issubclass(Truncated, ProtocolError)
    error = HTTPError("x", partial=b"ab", received=2)
    assert (str(error), error.partial, error.received) == ("x", b"ab", 2)
    assert (HTTPError("x").partial, HTTPError("x").received) == (b"", 0)
