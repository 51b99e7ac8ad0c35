"""Server-sent events and NDJSON, fed at every cut; JSON that is none."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from protocols.bot import Fault, NoAnswer
from protocols.bot.backends import bodies
from protocols.bot.backends.bodies import MAX_JSON, JsonBody, Piece, SniffedBody, StreamBody, load
from protocols.bot.backends.streams import MAX_EVENT, LineSplitter, SseSplitter

BOM = b"\xef\xbb\xbf"


def all_of(make: Callable[[], Any], *parts: bytes) -> list[str]:
    splitter = make()
    events = [event for part in parts for event in splitter.feed(part)]
    return events + splitter.finish()


def at_every_cut(make: Callable[[], Any], data: bytes, expected: list[str]) -> None:
    assert all_of(make, data) == expected
    assert all_of(make, *(data[at : at + 1] for at in range(len(data)))) == expected
    for cut in range(len(data) + 1):
        assert all_of(make, data[:cut], data[cut:]) == expected, cut


def pour(reader: Any, data: bytes, times: int) -> None:
    for _ in range(times):
        reader.feed(data)


SSE = [
    (b"data: one\n\ndata: two\n\n", ["one", "two"]),
    (b"data: one\r\n\r\ndata: two\r\n\r\n", ["one", "two"]),
    (b"data: one\r\rdata: two\r\r", ["one", "two"]),
    (b"data: one\r\n\ndata: two\n\r\n", ["one", "two"]),
    (BOM + b"data: one\n\n", ["one"]),
    (BOM + BOM + b"data: one\n\n", []),
    (b"data:" + BOM + b"one\n\n", ["\ufeffone"]),
    (b": comment\n:\ndata: one\n: another\n\n", ["one"]),
    (b"data: one\ndata: two\ndata:\ndata: three\n\n", ["one\ntwo\n\nthree"]),
    (b"data:one\n\ndata:  two\n\n", ["one", " two"]),
    (b"event: x\nid: 1\nretry: 5\ndata: one\nextra\n\n", ["one"]),
    (b"data\n\n", [""]),
    (b"event: x\n\n\n\n", []),
    ("data: 你好😀\r\n\r\n".encode(), ["你好😀"]),
    (b"data: [DONE]", ["[DONE]"]),
    (b"data: one\n", ["one"]),
    (b"data: one\r", ["one"]),
    (b"datax: one\n\n data: two\n\n", []),
    (b"", []),
]


@pytest.mark.parametrize(("data", "expected"), SSE)
def test_server_sent_events(data: bytes, expected: list[str]) -> None:
    at_every_cut(SseSplitter, data, expected)


LINES = [
    (b"one\ntwo\n", ["one", "two"]),
    (b"one\r\n\r\n\n  \ntwo", ["one\r", "two"]),
    ("你好\n😀".encode(), ["你好", "😀"]),
    (b"", []),
]


@pytest.mark.parametrize(("data", "expected"), LINES)
def test_lines(data: bytes, expected: list[str]) -> None:
    at_every_cut(LineSplitter, data, expected)


def test_a_piece_of_nothing_changes_nothing() -> None:
    assert all_of(SseSplitter, b"data: a\r", b"", b"\ndata: b\n\n") == ["a\nb"]


def test_any_stream_cut_anywhere(request: Any) -> None:
    rng = random.Random(5)
    for _ in range(4 * request.config.getoption("--seeds")):
        data = b"".join(rng.choices([b"data: a", b"\r", b"\n", b"\r\n", b": c", "é".encode(), b"x", BOM], k=30))
        whole = all_of(SseSplitter, data)
        cuts = sorted(rng.choices(range(len(data) + 1), k=5))
        parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert all_of(SseSplitter, *parts) == whole, data


@pytest.mark.parametrize(
    ("make", "data"),
    [
        (SseSplitter, b"x" * 5000),
        (SseSplitter, b"data: " + b"x" * 5000 + b"\n"),
        (SseSplitter, b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n" * 110),
        (LineSplitter, b"x" * 5000),
    ],
)
def test_an_event_without_an_end_is_refused(make: Callable[[], Any], data: bytes) -> None:
    with pytest.raises(NoAnswer, match="without an end"):
        pour(make(), data, 2 * MAX_EVENT // 5000)


@pytest.mark.parametrize("make", [SseSplitter, LineSplitter])
def test_many_small_events_are_no_large_one(make: Callable[[], Any]) -> None:
    pour(make(), b"data: " + b"x" * 4990 + b"\n\n", 3 * MAX_EVENT // 5000)


def test_lines_with_nothing_in_them_are_an_event_without_an_end_too() -> None:
    splitter = SseSplitter()
    with pytest.raises(NoAnswer, match="TOO_LARGE"):
        pour(splitter, b"data:\n" * 100, MAX_EVENT // 100 + 1)


@pytest.mark.parametrize("make", [SseSplitter, LineSplitter])
def test_another_charset_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(NoAnswer, match="not UTF-8"):
        all_of(make, b"data: " + "你好".encode("gbk") + b"\n\n")


# -- JSON -------------------------------------------------------------------------------------------------------------

NOT_OURS = {
    "html": "<html>502</html>",
    "nothing": "",
    "null": "null",
    "list": "[1]",
    "number": "5",
    "text": '"hello"',
    "cut": '{"a": "b',
    "two": "{} {}",
    "nan": '{"a": NaN}',
    "infinity": '{"a": -Infinity}',
    "deep lists": "[" * 100_000,
    "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a number of 10,000 digits": '{"a": ' + "9" * 10_000 + "}",
    "single quotes": "{'a': 1}",
}


@pytest.mark.parametrize("text", NOT_OURS.values(), ids=NOT_OURS)
def test_what_is_no_json_object(text: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        load(text)
    assert caught.value.fault is Fault.GARBLED
    assert len(str(caught.value)) < 100, "the body is not in the message"


def read(answer: dict[str, Any]) -> Piece:
    return Piece(answer.get("t", ""), bool(answer.get("end")))


def feed(body: Any, data: bytes, size: int) -> str:
    pieces: list[str] = []
    for at in range(0, len(data), size):
        pieces += body.feed(data[at : at + size])
    return "".join(pieces + body.finish())


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_json_in_one_piece(size: int) -> None:
    assert feed(JsonBody(read), BOM + json.dumps({"t": "你"}, ensure_ascii=False).encode(), size) == "你"


@pytest.mark.parametrize("data", [b'{"t": "\xc4\xe3"}', '{"t": "a"}'.encode("utf-16")])
def test_json_in_another_charset(data: bytes) -> None:
    with pytest.raises(NoAnswer, match="not UTF-8"):
        feed(JsonBody(read), data, 1000)


@pytest.mark.parametrize(
    ("body", "data", "limit"),
    [
        (JsonBody(read), b" ", MAX_JSON),
        (StreamBody(LineSplitter(), read), b"\n", MAX_JSON),
        (StreamBody(SseSplitter(), read), b": keep-alive\n\n", MAX_JSON),
        (SniffedBody(lambda: JsonBody(read), lambda: JsonBody(read)), b" ", MAX_JSON),
    ],
)
def test_bodies_without_an_end_are_refused(monkeypatch: Any, body: Any, data: bytes, limit: int) -> None:
    monkeypatch.setattr(bodies, "MAX_STREAM", MAX_JSON)  # eight times less, so that the test is quick
    chunk = data * (65536 // len(data))
    with pytest.raises(NoAnswer) as caught:
        pour(body, chunk, limit // len(chunk) + 2)
    assert caught.value.fault is Fault.TOO_LARGE


def sniffed() -> SniffedBody:
    return SniffedBody(lambda: JsonBody(read), lambda: StreamBody(SseSplitter(), read))


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize(
    "data",
    [
        b'{"t": "hi"}',
        b' \r\n{"t": "hi"}\n',
        BOM + b'{"t": "hi"}',
        b'data: {"t": "h"}\n\ndata: {"t": "i"}\n\ndata: [DONE]\n\n',
        b': hello\n\ndata: {"t": "hi", "end": 1}\n\n',
        BOM + b'data: {"t": "hi", "end": 1}\n\ndata: {"t": "never shown"}\n\n',
    ],
)
def test_whatever_it_turns_out_to_be(data: bytes, size: int) -> None:
    body = sniffed()
    assert feed(body, data, size) == "hi"
    assert body.done


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", Fault.GARBLED),
        (b" \n", Fault.GARBLED),
        (b"null", Fault.GARBLED),
        (b"<html>", Fault.GARBLED),
        (b"Internal Server Error", Fault.GARBLED),
        (b"data: null\n\n", Fault.GARBLED),
        (b'data: {"t": "h"}\n\n', Fault.LOST),
        (b'data: {"t": "h"}\n\ndata: {"t": "', Fault.GARBLED),
    ],
)
def test_what_is_neither(data: bytes, fault: Fault) -> None:
    for size in (1, 1000):
        with pytest.raises(NoAnswer) as caught:
            feed(sniffed(), data, size)
        assert caught.value.fault is fault
