"""Each raw request whole, byte by byte, and cut in two: what it gets never depends on how its bytes came."""

from __future__ import annotations

import pytest

from .kit import Stage, answers, has_ended
from .rows import ROWS

CUTS = 8  # places where each is cut in two, and both ends
LONG = 3000  # bytes from which a row comes in pieces of a 40th instead of bytes


@pytest.fixture(scope="module")
def stage():
    stage = Stage()
    yield stage
    stage.close()


def outcome(client, row):
    found = answers(client.data, *row.methods, ended=has_ended(client))
    assert all(answer.complete for answer in found)
    return [answer.status for answer in found], has_ended(client), [answer.body for answer in found]


def pieces(raw):
    """Whole, in single bytes, and in two at some places."""
    step = 1 if len(raw) < LONG else len(raw) // 40
    yield [raw]
    yield [raw[at : at + step] for at in range(0, len(raw), step)]
    places = {1, 2, 3, len(raw) - 1, len(raw) - 2, *range(1, len(raw), max(1, len(raw) // CUTS))}
    for place in sorted(place for place in places if 0 < place < len(raw)):
        yield [raw[:place], raw[place:]]


def test_there_are_enough_of_them():
    assert len(ROWS) > 250
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_raw_request(stage, row):
    first = None
    for parts in pieces(row.raw):
        client = stage.says(*parts)
        statuses, ended, bodies = outcome(client, row)
        assert (statuses, ended) == ([*row.statuses], row.closes), parts[0][-60:]
        if row.body is not None:
            assert bodies[0] == row.body
        first = first or bodies
        assert bodies == first
        client.transport.abort()
