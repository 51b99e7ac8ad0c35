"""How the work of a call grows with what it is given. In CPU time of this thread, and only as a ratio: no clock of the
wall, no speed of the machine."""

from __future__ import annotations

import time

FAIR = 3.0  # times as much as a straight line: eightfold input costs a quadratic call 64 times as much


def growth(call, make, small=4096, times=8):
    """How many times as much it costs to be given `times` as much; the least disturbed of several tries."""
    cost = {}
    for size in (small, small * times):
        given = make(size)
        tries = []
        for _ in range(7):
            begun = time.thread_time_ns()
            call(given)
            tries.append(time.thread_time_ns() - begun)
        cost[size] = max(min(tries), 20_000)  # below 20 microseconds there is only noise
    return cost[small * times] / cost[small]


def is_straight(call, make, small=4096):
    """True where eightfold input costs about eight times as much."""
    return growth(call, make, small) <= 8 * FAIR
