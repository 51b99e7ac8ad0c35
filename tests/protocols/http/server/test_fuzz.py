"""Broken requests, however they are cut: nothing raises, each answer can be read, and the outcome is the same."""

from __future__ import annotations

import random

import pytest

from .kit import Stage, answers, has_ended
from .rows import ROWS

INSERTS = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b" ",
    b":",
    b"\x80",
    b"0",
    b"a",
    b"/",
    b"%",
    b",",
    b"\r\n\r\n",
    b"Host: b\r\n",
    b";",
    b"chunked",
]
SEEDS = [row.raw for row in ROWS if len(row.raw) < 600]


def broken(draw):
    """One or two of the rows, with a few bytes changed, lost, doubled or put in."""
    raw = bytearray(draw.choice(SEEDS) + (draw.choice(SEEDS) if draw.random() < 0.5 else b""))
    for _ in range(draw.choice((0, 1, 1, 1, 2, 3, 8))):
        at = draw.randrange(len(raw)) if raw else 0
        how = draw.randrange(5)
        if how == 0 and raw:
            raw[at] = draw.randrange(256)
        elif how == 1:
            del raw[at : at + draw.choice((1, 1, 2, 10))]
        elif how == 2:
            raw[at:at] = draw.choice(INSERTS)
        elif how == 3:
            raw[at:at] = raw[at : at + draw.choice((1, 2, 20))]
        elif raw:
            raw[at] ^= 0x20
    return bytes(raw)


def outcome(stage, pieces):
    client = stage.says(*pieces)
    half = has_ended(client)
    if not half:
        client.transport.write_eof()
        stage.reactor.settle()
    client.transport.abort()
    return client.data, half, has_ended(client)


def normal(data):
    """Without what differs by the second."""
    return b"\r\n".join(line for line in data.split(b"\r\n") if not line.startswith(b"Date: "))


@pytest.fixture(scope="module")
def fuzzed():
    stage = Stage()
    yield stage
    stage.close()


@pytest.mark.parametrize("part", range(4))
def test_broken_requests(fuzzed, part, request):
    seeds = request.config.getoption("--seeds")
    for seed in range(part * seeds, (part + 1) * seeds):
        draw = random.Random(seed)
        for _ in range(4):
            raw = broken(draw)
            cuts = sorted(draw.randrange(len(raw) + 1) for _ in range(draw.choice((1, 2, 5))))
            pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
            whole = outcome(fuzzed, [raw])
            step = max(1, len(raw) // 150)
            for parts in (pieces, [raw[at : at + step] for at in range(0, len(raw), step)]):
                cut = outcome(fuzzed, [piece for piece in parts if piece])
                assert normal(cut[0]) == normal(whole[0]), (seed, raw, parts)
                assert cut[1:] == whole[1:], (seed, raw, parts)
            assert whole[2], "whoever says its end is given one"
            if b"HEAD" not in raw:
                found = answers(whole[0], ended=True)
                assert all(answer.complete for answer in found), (seed, raw)
                assert all(answer.status < 400 or answer.status in KNOWN for answer in found), (seed, raw)


KNOWN = {400, 404, 405, 413, 414, 417, 431, 501, 505}
