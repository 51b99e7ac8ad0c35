"""Conditions and ranges: the tables of RFC 9110, 13 and 14, against the pure functions and against a served file."""

from __future__ import annotations

import pytest

from protocols.http import Headers
from protocols.http.server.files.conditions import status, wants_part
from protocols.http.server.files.ranges import Unsatisfiable, parse_range

from .scenes import OLD, F

TAG = f'"{OLD * 10**9:x}-a"'
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
BEFORE, AFTER = "Tue, 14 Nov 2023 22:13:19 GMT", "Tue, 14 Nov 2023 22:13:21 GMT"
RFC850, ASCTIME = "Tuesday, 14-Nov-23 22:13:20 GMT", "Tue Nov 14 22:13:20 2023"

CONDITIONS = [
    ([], 200),
    ([f"If-Match: {TAG}"], 200), (["If-Match: *"], 200), (['If-Match: "x"'], 412), ([f'If-Match: "x", {TAG}'], 200),
    ([f"If-Match: W/{TAG}"], 412), (["If-Match: x"], 412), (["If-Match:"], 412),
    ([f"If-None-Match: {TAG}"], 304), (["If-None-Match: *"], 304), (['If-None-Match: "x"'], 200),
    ([f"If-None-Match: W/{TAG}"], 304), ([f'If-None-Match: "x",{TAG} , "y"'], 304),
    ([f"If-None-Match: {TAG[1:-1]}"], 200),
    (["If-None-Match:"], 200),
    ([f"If-Modified-Since: {DATE}"], 304), ([f"If-Modified-Since: {AFTER}"], 304),
    ([f"If-Modified-Since: {BEFORE}"], 200),
    ([f"If-Modified-Since: {RFC850}"], 304), ([f"If-Modified-Since: {ASCTIME}"], 304), (["If-Modified-Since: x"], 200),
    ([f"If-Unmodified-Since: {DATE}"], 200), ([f"If-Unmodified-Since: {AFTER}"], 200),
    ([f"If-Unmodified-Since: {BEFORE}"], 412), (["If-Unmodified-Since: x"], 200),
    # The order of 13.2.2: If-Match before If-Unmodified-Since, then If-None-Match before If-Modified-Since.
    ([f"If-Match: {TAG}", f"If-Unmodified-Since: {BEFORE}"], 200),
    (['If-Match: "x"', f"If-None-Match: {TAG}"], 412), ([f"If-Match: {TAG}", f"If-None-Match: {TAG}"], 304),
    (['If-None-Match: "x"', f"If-Modified-Since: {DATE}"], 200),
    ([f"If-None-Match: {TAG}", f"If-Modified-Since: {BEFORE}"], 304),
    ([f"If-Unmodified-Since: {BEFORE}", f"If-None-Match: {TAG}"], 412),
    (["Range: bytes=0-1", f"If-None-Match: {TAG}"], 304), (["Range: bytes=0-1", 'If-Match: "x"'], 412),
    (["Range: bytes=99-", f"If-None-Match: {TAG}"], 304), (["Range: bytes=0-1", f"If-Match: {TAG}"], 206),
    # If-Range: exactly this version, else the whole.
    (["Range: bytes=0-1", f"If-Range: {TAG}"], 206), (["Range: bytes=0-1", f"If-Range: W/{TAG}"], 200),
    (["Range: bytes=0-1", 'If-Range: "x"'], 200), (["Range: bytes=0-1", f"If-Range: {DATE}"], 206),
    (["Range: bytes=0-1", f"If-Range: {AFTER}"], 200), (["Range: bytes=0-1", f"If-Range: {BEFORE}"], 200),
    (["Range: bytes=0-1", "If-Range: x"], 200), (["Range: bytes=99-", 'If-Range: "x"'], 200),
    ([f"If-Range: {TAG}"], 200),
]  # fmt: skip

RANGES: list[tuple[str, str | type | None]] = [
    ("bytes=0-0", "0"), ("bytes=0-", "0123456789"), ("bytes=3-5", "345"), ("bytes=9-", "9"), ("bytes=9-9", "9"),
    ("bytes=5-100", "56789"),
    ("bytes=-1", "9"), ("bytes=-3", "789"), ("bytes=-10", "0123456789"), ("bytes=-99", "0123456789"),
    ("BYTES=0-1", "01"),
    ("bytes= 0-1 ", "01"), ("bytes=00-01", "01"), ("bytes=0-" + "9" * 30, "0123456789"),
    ("bytes=-" + "9" * 5000, "0123456789"),
    ("bytes=10-", Unsatisfiable), ("bytes=10-20", Unsatisfiable), ("bytes=-0", Unsatisfiable),
    ("bytes=" + "9" * 5000 + "-", Unsatisfiable),
    ("bytes=5-2", None), ("bytes=a-b", None), ("bytes=-", None), ("bytes=", None), ("bytes", None),
    ("bytes=1_0-2_0", None),
    ("bytes=+1-2", None), ("bytes=0x1-2", None), ("bytes=1-2-3", None), ("bytes=1.0-2", None), ("lines=0-1", None),
    ("bytes=0-1,3-4", None),
    ("bytes=0-,0-,0-", None), ("bytes=0 - 1", None), ("bytes=\u0661-", None), ("bytes:0-1", None), ("", None),
    ("bytes=--1", None),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), CONDITIONS, ids=lambda value: str(value))
def test_conditions(site, fields, expected):
    for _ in range(2):  # read, and kept
        answer = site.get(F, *fields)
        assert answer.status == expected
        if expected == 304:
            assert (answer.headers["etag"], answer.body) == (TAG, b"")
        if expected == 200:
            assert answer.body == b"0123456789"


@pytest.mark.parametrize(("value", "expected"), RANGES, ids=lambda value: str(value)[:30])
def test_ranges(value, expected):
    if expected is Unsatisfiable:
        with pytest.raises(Unsatisfiable):
            parse_range(value, 10)
    elif expected is None:
        assert parse_range(value, 10) is None
    else:
        part = parse_range(value, 10)
        assert "0123456789"[part.first : part.first + part.size] == expected


@pytest.mark.parametrize("large", [False, True])
def test_a_part_of_a_file(site, root, large):
    path, data = ("/files/large.bin", (root / "large.bin").read_bytes()) if large else (F, b"0123456789")
    size = len(data)
    part = site.get(path, "Range: bytes=3-5")
    assert (part.status, part.body) == (206, data[3:6])
    assert (part.headers["content-range"], part.headers["content-length"]) == (f"bytes 3-5/{size}", "3")
    none = site.get(path, f"Range: bytes={size}-")
    assert (none.status, none.headers["content-range"]) == (416, f"bytes */{size}")
    assert site.get(path, "Range: bytes=0-1,4-5").body == data
    head = site.get(path, "Range: bytes=3-5", method="HEAD")  # 14.2: of no other method
    assert (head.status, head.headers["content-length"]) == (200, str(size))


def test_a_part_of_nothing(site):
    assert site.status("/files/empty.txt", "Range: bytes=0-") == 416
    assert site.status("/files/empty.txt", "Range: bytes=-1") == 416
    assert site.status("/files/empty.txt") == 200


def test_a_date_is_weak_within_its_second():
    """What is asked for in the second of its change may have changed once more (8.8.2.2)."""
    headers = Headers({"If-Range": DATE})
    assert not wants_part(headers, TAG, OLD, OLD + 0.5)
    assert wants_part(headers, TAG, OLD, OLD + 1.0)


def test_a_list_of_very_many_tags():
    assert status(Headers({"If-None-Match": ", ".join(f'"{n}"' for n in range(10_000))}), '"9999"', 0) == 304
    assert status(Headers({"If-None-Match": '"' * 60_000}), '"x"', 0) is None
