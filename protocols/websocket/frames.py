"""Frames made, and masking. Knows no connection, and reads nothing: that is `wire`'s (RFC 6455, 5.2 and 5.3)."""

from __future__ import annotations

import os
from functools import lru_cache

Bytes = bytes | bytearray | memoryview

CONTINUATION, TEXT, BINARY = 0x0, 0x1, 0x2
CLOSE, PING, PONG = 0x8, 0x9, 0xA

FIN, RSV1 = 0x80, 0x40
MASKED = 0x80
MAX_CONTROL = 125  # bytes of a ping, a pong, a close (5.5)
JOINED = 64 * 1024  # bytes of a message up to which its head is put before it by a copy
LONG = 2048  # bytes from which masking by tables is quicker

SHORT = tuple(
    tuple(bytes((FIN | opcode, size)) for size in range(MAX_CONTROL + 1)) if opcode in (TEXT, BINARY) else ()
    for opcode in range(BINARY + 1)
)
"""The heads of whole unmasked messages up to 125 bytes, by opcode and size: made once instead of for each message."""


def head(opcode: int, size: int, *, deflated: bool = False, masked: bool = False) -> bytes:
    """What stands before the payload of a whole message, but the masking key."""
    first = FIN | opcode | (RSV1 if deflated else 0)
    mask = MASKED if masked else 0
    if size < 126:
        return bytes((first, mask | size))
    if size < 1 << 16:
        return bytes((first, mask | 126)) + size.to_bytes(2, "big")
    return bytes((first, mask | 127)) + size.to_bytes(8, "big")


def pack(opcode: int, payload: bytes, *, deflated: bool = False, key: bytes | None = None) -> bytes:
    """A whole message, or a control frame, in one frame. `key`: four random bytes, from a client (5.3).

    >>> pack(TEXT, b"hi"), pack(PING, b"", key=bytes(4))
    (b'\\x81\\x02hi', b'\\x89\\x80\\x00\\x00\\x00\\x00')
    """
    start = head(opcode, len(payload), deflated=deflated, masked=key is not None)
    return start + payload if key is None else start + key + apply_mask(payload, key)


def apply_mask(data: bytes, key: bytes) -> bytes:
    """Mask or unmask: each byte XOR the byte of `key` whose turn it is (5.3).

    Few bytes as two long numbers, at 2 ns a byte; from LONG on by tables, every fourth byte at a time, at 1 ns a byte
    and 1 us for each call (CPython 3.11 and 3.13).
    """
    size = len(data)
    if size < LONG:
        whole = (key * (size // 4 + 1))[:size]
        return (int.from_bytes(data, "little") ^ int.from_bytes(whole, "little")).to_bytes(size, "little")
    masked = bytearray(data)
    for turn, byte in enumerate(key):
        masked[turn::4] = data[turn::4].translate(_xor_table(byte))
    return bytes(masked)


@lru_cache(256)
def _xor_table(byte: int) -> bytes:
    return bytes(byte ^ other for other in range(256))


def new_key() -> bytes:
    """A masking key that nobody can foresee (5.3): of each frame its own."""
    return os.urandom(4)


def as_bytes(message: Bytes) -> bytes:
    """A binary message as bytes, copied where it may change. TypeError for what is none: an int, say."""
    if isinstance(message, bytes):
        return message
    try:
        return bytes(memoryview(message))
    except TypeError:
        raise TypeError(f"a message is str or bytes, not {type(message).__name__}") from None
