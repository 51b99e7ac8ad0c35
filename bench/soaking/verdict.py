"""Whether figures of a long run stay flat, and which losses are the peers' own doing. Pure."""

import statistics
from collections.abc import Sequence

WARM = 0.1  # of the run: caches, free lists and the heap find their size
PART = 0.2  # of what is left: its first and its last part are compared, by their medians
MEMORY_SHARE, MEMORY_MORE = 0.05, 1 << 20  # a leak of 1 KiB a visitor is more than that in an hour
LAG_TIMES, LAG_MORE = 3.0, 0.020  # seconds: rounds of the loop wait for a core where other programs run
PEERS_DOING = frozenset(
    ("BrokenPipeError", "ConnectionResetError", "ConnectionAbortedError", "CloseTimeout", "FramingError",
     "HandshakeTimeout", "IdleTimeout", "LimitExceeded", "PeerError", "WriteTimeout", "SSLError", "SSLEOFError")
)  # fmt: skip
"""Names of exceptions with which a connection ends because of who is at the other side."""


def ends(values: Sequence[float]) -> tuple[float, float]:
    """The medians of the first and the last part of what comes after the warm-up.

    >>> ends([100.0] + [1.0] * 9), ends([9.0, 1, 1, 1, 2, 2, 2, 2, 3, 3])
    ((1.0, 1.0), (1.0, 3.0))
    """
    kept = values[int(WARM * len(values)) :] or values
    size = max(1, round(PART * len(kept)))
    return statistics.median(kept[:size]), statistics.median(kept[-size:])


def memory_is_flat(values: Sequence[float]) -> bool:
    """Bytes of a process.

    >>> memory_is_flat([20e6] * 10), memory_is_flat([20e6 + 1e6 * n for n in range(10)])
    (True, False)
    """
    first, last = ends(values)
    return last <= first * (1 + MEMORY_SHARE) + MEMORY_MORE


def lag_is_flat(values: Sequence[float]) -> bool:
    """Seconds, the 99th percentile of the rounds of a loop.

    >>> lag_is_flat([0.001] * 9 + [0.02]), lag_is_flat([0.001] * 5 + [0.2] * 5)
    (True, False)
    """
    first, last = ends(values)
    return last <= first * LAG_TIMES + LAG_MORE


def our_doing(losses: dict[str, float]) -> dict[str, float]:
    """The losses for which no peer is to blame.

    >>> our_doing({"ConnectionResetError": 4, "KeyError": 1})
    {'KeyError': 1}
    """
    return {reason: count for reason, count in losses.items() if reason not in PEERS_DOING}
