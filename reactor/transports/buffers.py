"""Chunks waiting to be sent, and how much of them one send takes. Pure.

A list of the very objects that were written: nothing is copied until it is sent, and a line broadcast to a thousand
peers waits a thousand times as a reference.
"""

from __future__ import annotations

from ..protocol import Bytes

SEND_MAX = 256 * 1024  # bytes joined for one send: what a socket buffer takes at once, and a copy that stays in cache
JOIN_MAX = 32 * 1024  # a larger chunk is sent alone: joining it again after each partial send would be quadratic


def gather(chunks: list[Bytes]) -> tuple[Bytes, int]:
    """The bytes for the next send and how many chunks they are: one large chunk, or small ones joined."""
    count = size = 0
    for chunk in chunks:
        size += len(chunk)
        if len(chunk) > JOIN_MAX or size > SEND_MAX:
            break
        count += 1
    return (chunks[0], 1) if count <= 1 else (b"".join(chunks[:count]), count)


def copied(data: Bytes) -> bytes:
    """What is written, apart from what the program may change. Raises TypeError for what are no bytes."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"write() takes bytes, bytearray or memoryview, not {type(data).__name__}")
    return bytes(data)
