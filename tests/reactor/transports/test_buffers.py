"""What one send takes of what waits. Pure."""

from __future__ import annotations

import random

import pytest

from reactor.transports.buffers import JOIN_MAX, SEND_MAX, gather

SMALL, LARGE = b"s" * 100, b"L" * (JOIN_MAX + 1)


@pytest.mark.parametrize(
    ("chunks", "taken"),
    [
        ([SMALL], 1),
        ([LARGE], 1),
        ([SMALL, SMALL, SMALL], 3),
        ([SMALL, SMALL, LARGE], 2),
        ([LARGE, SMALL], 1),
        ([SMALL, LARGE], 1),
        ([b"x" * JOIN_MAX] * 20, SEND_MAX // JOIN_MAX),
        ([b""], 1),
        ([b"", b"a"], 2),
        ([b"a", b"", b"b"], 3),
    ],
)
def test_what_one_send_takes(chunks, taken):
    data, count = gather(list(chunks))
    assert (data, count) == (b"".join(chunks[:taken]), taken)


def test_a_lone_chunk_is_not_copied():
    for chunk in (SMALL, LARGE, memoryview(LARGE)):
        assert gather([chunk])[0] is chunk
    assert gather([LARGE, SMALL])[0] is LARGE


def test_small_views_are_joined_with_bytes():
    assert gather([memoryview(b"xab")[1:], b"cd"]) == (b"abcd", 2)


@pytest.mark.parametrize("seed", range(20))
def test_any_list_leaves_in_order_in_bounded_pieces(seed):
    rng = random.Random(seed)
    chunks = [bytes([rng.randrange(256)]) * rng.choice([0, 1, 100, 5000, JOIN_MAX, JOIN_MAX + 1]) for _ in range(100)]
    whole, waiting, sent = b"".join(chunks), list(chunks), b""
    while waiting:
        data, count = gather(waiting)
        assert count >= 1
        assert count == 1 or len(data) <= SEND_MAX
        sent += bytes(data)
        del waiting[:count]
    assert sent == whole
