"""How much may wait in a connection before its writer is told. Pure."""

from __future__ import annotations

from ..limits import Limits

HIGH = 64 * 1024  # bytes, the high watermark unless set_write_buffer_limits
LOW = HIGH // 4


def chosen(high: int | None, low: int | None) -> tuple[int, int]:
    """Both watermarks, where perhaps one is given. Raises ValueError where they cannot be."""
    if high is None:
        high = HIGH if low is None else 4 * low
    if low is None:
        low = high // 4
    if not high >= low >= 0:
        raise ValueError(f"high ({high}) must not be below low ({low}), nor low below 0")
    return high, low


def least(high: int, limits: Limits) -> int:
    """What `write` compares with, the least of three bounds. Asked for each newcomer: `min` would cost more."""
    most, soft = limits.output, limits.output_soft
    if most is not None and most < high:
        high = most
    return high if soft is None or soft > high else soft
