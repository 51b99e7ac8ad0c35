"""How the work of a call grows with what it is given. In CPU time of this thread, and only as a ratio: no clock of the
wall, no speed of the machine."""

from __future__ import annotations

import time

FAIR = 3.0  # times as much as a straight line: eightfold input costs a quadratic call 64 times as much


TRIES = 7  # of the large one, which costs too much only by chance
SMALL_TRIES = 3  # of the small one: where all are disturbed more is allowed, and nothing fails that should not
LEAST = 20_000  # nanoseconds: below 20 microseconds there is only noise


def cost(call, given):
    """Nanoseconds of one call."""
    begun = time.thread_time_ns()
    call(given)
    return time.thread_time_ns() - begun


def is_straight(call, make, small=4096):
    """True where eightfold input costs about eight times as much.

    Of the small one the least disturbed of several tries counts; of the large one, a single try that is cheap enough
    says it, as nothing makes work seem cheaper than it is.
    """
    fair = 8 * FAIR * max(LEAST, min(cost(call, given) for given in [make(small)] * SMALL_TRIES))
    large = make(small * 8)
    return any(cost(call, large) <= fair for _ in range(TRIES))
