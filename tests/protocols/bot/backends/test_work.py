"""What an API can make us do: no byte is looked at twice, and what costs by its number is counted."""

from __future__ import annotations

import pytest

from protocols.bot.backends.backend import NoAnswer
from protocols.bot.backends.bodies import MAX_VALUES, JsonBody, Piece, StreamBody, load
from protocols.bot.backends.streams import MAX_EVENT, LineSplitter, SseSplitter
from tests.kit.work import is_straight

FILLS = [b"a", b"data: x", b"data:\n", b":\n", b"\r", b"\xef\xbb\xef", b"\n", b"\r\n", b'{"a":1}\n', b" "]


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("splitter", [SseSplitter, LineSplitter])
def test_a_stream_that_comes_byte_by_byte_costs_what_it_has_bytes(splitter, fill):
    def feed(data):
        stream = splitter()
        for at in range(len(data)):
            stream.feed(data[at : at + 1])

    assert is_straight(feed, lambda size: fill * (size // len(fill)), small=8192)


@pytest.mark.parametrize("splitter", [SseSplitter, LineSplitter])
def test_an_event_without_an_end_is_given_up_at_the_same_size_however_it_is_cut(splitter):
    for piece in (1, 1000, 2 * MAX_EVENT):
        stream = splitter()
        for _ in range(MAX_EVENT // piece):
            assert stream.feed(b"x" * piece) == []
        with pytest.raises(NoAnswer, match="without an end"):
            stream.feed(b"x" * piece)


JSON = [
    '{"a": [' + "[]," * 300_000 + "[]]}",
    "{" + ",".join(f'"{number}": 1' for number in range(90_000)) + "}",
    '{"a": [' + "{}," * MAX_VALUES + "{}]}",
]


@pytest.mark.parametrize("text", JSON, ids=["lists", "keys", "objects"])
def test_json_is_measured_by_what_it_comes_to(text, monkeypatch):
    monkeypatch.setattr("json.loads", lambda *args, **kwargs: pytest.fail("read it"))
    with pytest.raises(NoAnswer, match="GARBLED: JSON of too many values"):
        load(text)
    body = JsonBody(lambda value: Piece("x"))
    body.feed(text[: 1 << 20].encode())
    with pytest.raises(NoAnswer):
        body.finish()


def test_a_chapter_of_a_novel_is_not_too_many_values():
    chapter = "Call me, if you will, Ishmael; some years ago, never mind how long, I went to sea. " * 9000
    assert load('{"a": "' + chapter + '"}')["a"] == chapter
    stream = StreamBody(SseSplitter(), lambda value: Piece("x"))
    assert stream.feed(b"data: {}\n\n" * 100) == ["x"] * 100
