"""How much of what came is read before other connections have their turn. Knows no messages.

Chunks and fields cost by their number, not by their bytes: one read may bring 43,000 chunks of a byte.
"""

from __future__ import annotations


def end_of_lines(data: bytes, most: int) -> int:
    """The offset behind the first `most` lines of `data`, or its length where it has no more.

    >>> end_of_lines(b"1\\r\\nx\\r\\n1\\r\\n", 2)
    6
    """
    if len(data) <= most or data.count(b"\n") <= most:
        return len(data)
    return len(data) - len(data.split(b"\n", most)[-1])
