"""How many bytes one read asks for. Pure.

What a protocol cannot take yet is ours to hold. So a peer begins with little, and gets more once its protocol has taken
all of a full read; who is given something back begins anew.
"""

from __future__ import annotations

FIRST_READ = 16 * 1024
"""Bytes asked of one recv at first: what ten thousand strangers can have us hold is 160 MB, not 1.2 GB."""

SMALL = FIRST_READ // 2  # bytes: what is no more than this changes nothing, and most of what comes is not

MORE_READ = 64 * 1024

READ_SIZE = 120 * 1024
"""Bytes asked of one recv at most: the most that malloc takes from its heap. From 128 KiB on each read costs an mmap,
an mremap and a munmap (10 KiB echo: 14 microseconds of CPU a message become 21), and at 64 KiB a message of 100 KB
takes two reads (41 become 57)."""


def more(asked: int, size: int) -> int:
    """What is asked after a read of `size` bytes: more, where it filled over half. TLS takes some of a read away."""
    if size <= asked // 2:
        return asked
    return MORE_READ if asked == FIRST_READ else READ_SIZE
