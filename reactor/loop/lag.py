"""How long the rounds of a loop take: a histogram of the last minute. Pure; knows no clock and no loop.

The lag of a round is the time until its end from the return of its poll, or from the end of the round before, if the
poll did not wait: how long whoever came meanwhile waited.
Most rounds are quick, and of those only the number is known, because to sort each into a bucket would cost as much as
the smallest of them. A slow one goes to a bucket; the buckets grow by a fixed factor, so one size of them is as good
for milliseconds as for minutes. Slots of a few seconds make up the minute: the oldest is dropped, never emptied.
"""

from __future__ import annotations

from collections import deque
from math import log2

from ..values import Value

QUICK = 0.0005  # seconds: half of what a poll rounds to. Below it nobody notices, and counting would cost 1 %
STEPS = 4  # buckets for each doubling: a bound is at most 19 % above what it stands for
BUCKETS = 80  # up to QUICK * 2**20, nine minutes; the last one takes all that is longer
SLOT = 5.0  # seconds
SLOTS = 13  # a minute, of which the oldest is partly over
MINUTE = 60.0  # seconds


class Lag(Value):
    """The last minute, in seconds. `p50` and `p99` are upper bounds, within 19 %; what is quick counts as QUICK.

    busy: the share of the time in which the loop did not wait in a poll, 0.0 to 1.0.
    """

    p50: float = 0.0
    p99: float = 0.0
    max: float = 0.0
    busy: float = 0.0


class Slot:
    """Some seconds: the totals when it began, without the round under way, and the slow rounds that it has seen."""

    __slots__ = ("buckets", "busy", "longest", "rounds", "start")

    def __init__(self, start: float, rounds: int, busy: float) -> None:
        self.start = start
        self.rounds = rounds
        self.busy = busy
        self.longest = 0.0
        self.buckets: dict[int, int] = {}


class LagWindow:
    """The slots of the last minute. Callers pass the time, and the totals: rounds so far, and seconds spent in them.

    >>> window = LagWindow(now=0.0)
    >>> window.record(0.2)
    >>> window.turn(10.0, rounds=100, busy=1.0)
    >>> lag = window.summary(20.0, rounds=100, busy=1.0)
    >>> lag
    Lag(p50=0.0005, p99=0.0005, max=0.2, busy=0.05)
    """

    def __init__(self, now: float) -> None:
        self._began = now
        self._slots = deque([Slot(now, 0, 0.0)], maxlen=SLOTS)

    def record(self, seconds: float) -> None:
        """A round that took longer than QUICK."""
        slot = self._slots[-1]
        number = bucket(seconds)
        slot.buckets[number] = slot.buckets.get(number, 0) + 1
        if seconds > slot.longest:
            slot.longest = seconds

    def turn(self, now: float, rounds: int, busy: float) -> None:
        """Begin the next slot if this one is over."""
        if now - self._slots[-1].start >= SLOT:
            self._slots.append(Slot(now, rounds, busy))

    def summary(self, now: float, rounds: int, busy: float) -> Lag:
        """The last minute."""
        since = max(self._began, now - MINUTE)
        slots = [slot for slot in self._slots if slot.start >= since] or [self._slots[-1]]
        first = slots[0]
        if first.start - since < 2 * SLOT:  # else the loop slept until then, and that counts as well
            since = first.start
        counts: dict[int, int] = {}
        for slot in slots:
            for number, count in slot.buckets.items():
                counts[number] = counts.get(number, 0) + count
        longest = max(slot.longest for slot in slots)
        share = (busy - first.busy) / (now - since) if now > since else 0.0
        most = longest or QUICK
        p50, p99 = (min(most, _quantile(counts, rounds - first.rounds, part)) for part in (0.5, 0.99))
        return Lag(p50=p50, p99=p99, max=longest or p99, busy=min(1.0, share))


def bucket(seconds: float) -> int:
    """The bucket of a slow round."""
    return min(int(log2(seconds / QUICK) * STEPS), BUCKETS - 1)


def bound(number: int) -> float:
    """What nothing in that bucket is longer than."""
    return float(QUICK * 2 ** ((number + 1) / STEPS))


def _quantile(slow: dict[int, int], rounds: int, part: float) -> float:
    """The bound that `part` of all rounds keep."""
    if rounds <= 0:
        return 0.0
    over = rounds * (1 - part)  # so many may be beyond it
    for number in sorted(slow, reverse=True):
        over -= slow[number]
        if over < 0:
            return bound(number)
    return QUICK
