"""How many bytes one read asks for. Pure.

What a protocol cannot take yet is ours to hold. So the first reads of a connection are small. Once a protocol has taken
all of a read over SMALL, and over half full, the next one asks for more. If it gives bytes back, reads are small again.
"""

from __future__ import annotations

FIRST_READ = 16 * 1024
"""Bytes asked of one recv at first. Ten thousand strangers can make us hold 160 MB, and not 1.2 GB."""

SMALL = FIRST_READ * 3 // 4
"""Bytes up to which a read changes nothing, and most are that small. Three quarters, because a message of 10 KiB costs
2 % more in a read that has room for 64 KiB."""

MORE_READ = 64 * 1024

READ_SIZE = 120 * 1024
"""Bytes asked of one recv at most: the most that malloc takes from its heap. From 128 KiB on each read costs an mmap,
an mremap and a munmap (10 KiB echo: 14 microseconds of CPU a message become 21), and at 64 KiB a message of 100 KB
takes two reads (41 become 57)."""


def more(asked: int, size: int) -> int:
    """What to ask for after a read of `size` bytes, which is over SMALL: more, if the read was over half full.

    Over half, not full: with TLS, plain text is shorter than what was read.
    """
    if size <= asked // 2:
        return asked
    return MORE_READ if asked == FIRST_READ else READ_SIZE
