"""Which bytes of a file a Range asks for (RFC 9110, 14). Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_DIGITS = 19  # of a position; what has more is behind the end of every file

_RANGE = re.compile(r"(?:([0-9]+)-([0-9]*)|-([0-9]+))")


class Part(NamedTuple):
    """`size` bytes from `first` on."""

    first: int
    size: int


class Unsatisfiable(Exception):
    """The file has none of the bytes: 416."""


def parse_range(value: str, size: int) -> Part | None:
    """The one part of a file of `size` bytes; None: the whole, for it is none, of another unit, or several.

    A server may ignore Range (14.2): several parts would need a multipart body, which nobody's player asks for, and
    overlapping ones make an answer longer than the file.

    >>> parse_range("bytes=2-3", 10), parse_range("bytes=-3", 10), parse_range("bytes=8-99", 10)
    (Part(first=2, size=2), Part(first=7, size=3), Part(first=8, size=2))
    """
    unit, _, ranges = value.partition("=")
    found = _RANGE.fullmatch(ranges.strip(" \t"))
    if unit.strip(" \t").lower() != "bytes" or found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        count = min(_number(suffix), size)
        if not count:
            raise Unsatisfiable
        return Part(size - count, count)
    start = _number(first)
    end = _number(last) if last else size - 1
    if last and end < start:
        return None  # 14.1.1: invalid, so to be ignored
    if start >= size:
        raise Unsatisfiable
    return Part(start, min(end, size - 1) - start + 1)


def _number(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= MOST_DIGITS else 10**MOST_DIGITS
