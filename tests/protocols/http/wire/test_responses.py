"""The table of responses, each fed whole, byte by byte, at every cut and at random cuts: the outcome is one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from protocols.http.wire import Data, End, Failed, Head, Informational, ResponseWire
from tests.protocols.http.wire.responses import ROWS, Row

SECTIONS = sorted({row.section for row in ROWS})
EVERY_CUT = 250  # bytes; of longer responses, that many cuts are tried


def read(row: Row, *segments: bytes) -> dict[str, Any]:
    """What a reader finds out from `segments`, in the words of a row."""
    wire = ResponseWire(row.method)
    events = [event for segment in segments for event in wire.feed(segment)]
    found: dict[str, Any] = {"at_eof": not wire.done and not any(isinstance(event, Failed) for event in events)}
    found |= {"reuse": wire.keep_alive, "leftover": wire.leftover}
    events += wire.finish()
    assert not wire.finish()
    assert not wire.keep_alive
    heads = [event for event in events if isinstance(event, Head)]
    failures = [event.error for event in events if isinstance(event, Failed)]
    found["status"] = heads[0].status if heads else None
    found["head"] = heads[0] if heads else None
    found["body"] = b"".join(event.data for event in events if isinstance(event, Data))
    found["interims"] = [event.head.status for event in events if isinstance(event, Informational)]
    found["trailers"] = [pair for event in events if isinstance(event, End) for pair in event.trailers.raw]
    found["error"] = type(failures[0]) if failures else None
    found["message"] = str(failures[0]).partition(" begins with ")[0] if failures else None
    check_grammar(events)
    assert wire.received == len(found["body"])
    assert not failures or failures[0].received == wire.received
    return found


def check_grammar(events: list[Any]) -> None:
    """Informational*, Head, Data*, and End or Failed: one way or the other, it ends."""
    letters = "".join(type(event).__name__[0] for event in events)
    assert letters.count("E") + letters.count("F") == 1
    assert letters[-1] in "EF"
    body = letters.lstrip("I")[:-1]
    assert body in ("", "H") or (body[0] == "H" and set(body[1:]) == {"D"})
    assert "E" not in letters or "H" in letters
    assert all(event.data for event in events if isinstance(event, Data))


def outcome(row: Row, *segments: bytes) -> dict[str, Any]:
    return {key: value for key, value in read(row, *segments).items() if key != "head"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section}: {row.name}")
def test_the_outcome(row: Row) -> None:
    found = read(row, row.raw)
    for key in ("status", "body", "error", "reuse", "leftover", "interims", "trailers", "at_eof"):
        assert found[key] == getattr(row, key), key
    for name, value in row.fields.items():
        assert found["head"].headers[name] == value
    assert row.reason is None or found["head"].reason == row.reason


@pytest.mark.parametrize("section", SECTIONS)
def test_the_cuts_change_nothing(section: str) -> None:
    for row in (row for row in ROWS if row.section == section):
        expected = outcome(row, row.raw)
        for parts in cuts(row.raw, random.Random(row.name)):
            assert outcome(row, *parts) == expected, (row.name, parts)


def cuts(raw: bytes, rng: random.Random) -> Iterator[list[bytes]]:
    """Byte by byte, in pairs with nothing before and behind, in two at every place, and at random."""
    yield [raw[at : at + 1] for at in range(len(raw))]
    yield [b"", *(raw[at : at + 2] for at in range(0, len(raw), 2)), b""]
    for cut in range(1, len(raw), max(1, len(raw) // EVERY_CUT)):
        yield [raw[:cut], raw[cut:]]
    for _ in range(20):
        places = sorted(rng.sample(range(len(raw) + 1), min(len(raw), rng.randint(1, 8))))
        yield [raw[start:end] for start, end in zip([0, *places], [*places, len(raw)], strict=True)]


def test_the_table_is_one() -> None:
    assert len(ROWS) >= 150
    assert len({(row.section, row.name) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("section", SECTIONS)
def test_cut_short_it_is_never_a_success(section: str) -> None:
    """But where the end of the connection is the end of the content: then it cannot be told."""
    for row in (row for row in ROWS if row.section == section and row.error is None):
        end = len(row.raw) - len(row.leftover)
        for length in range(max(0, end - EVERY_CUT), end):
            found = read(row, row.raw[:length])
            assert row.body.startswith(found["body"]), row.name
            assert found["error"] or row.at_eof, row.name
