"""One coarse deadline for each of many connections, without a timer each. Knows no clock and no sockets.

A connection with an idle limit would reset its timer at every message. Here it only notes the time of the message;
the wheel looks at it when the deadline that it last gave has come, and it answers with its next deadline or with
None. So a connection is looked at about once per idle period, however busy it is.

Deadlines are rounded up to a grid of a 32nd of the wait, so that ten thousand connections share a few dozen slots:
a timeout of 300 s may come 9 s late, one of 1 s 0.03 s late, and none ever comes early.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, frexp, inf
from typing import Protocol as Interface

from .timers import Timer, TimerHeap

FINENESS = 5  # the grid is 2**-5 of the wait: 3 % late at most, some 32 slots for each doubling of the wait


class Watched(Interface):
    """What the wheel asks of a connection."""

    _slot: float | None

    def _on_deadline(self, now: float) -> float | None: ...


class DeadlineWheel:
    """Slots of connections by deadline. `wake_at` is told whenever the earliest slot changes to an earlier one."""

    def __init__(self, wake_at: Callable[[float], object]) -> None:
        self._wake_at = wake_at
        self._slots: dict[float, dict[Watched, None]] = {}  # in order, so that a simulated run can be replayed
        self._next = inf
        self.timer: Timer | None = None  # the one that it has, where it is `on` a loop's timers

    @classmethod
    def on(cls, timers: TimerHeap, now: Callable[[], float]) -> DeadlineWheel:
        """A wheel that wakes itself, by a timer among `timers`. now: the time of the tick."""

        def wake_at(when: float) -> None:
            if wheel.timer is None:
                wheel.timer = timers.arm(when, look, ())
            else:
                wheel.timer.move(when)

        def look() -> None:
            wheel.expire(now())

        look.__qualname__ = "timeouts of connections"  # what a dump shows, and the log where it is slow
        wheel = cls(wake_at)
        return wheel

    def __len__(self) -> int:
        return sum(map(len, self._slots.values()))

    def arm(self, watched: Watched, now: float, deadline: float) -> None:
        """See that `watched` is looked at when `deadline` has come. An earlier look that is already set stays.

        One that never comes (math.inf, as people spell "no limit") needs no look.
        """
        if deadline == inf:
            return
        if watched._slot is not None:
            if watched._slot <= deadline:
                return
            self.disarm(watched)
        watched._slot = slot = round_up(now, deadline)
        self._slots.setdefault(slot, {})[watched] = None
        if slot < self._next:
            self._next = slot
            self._wake_at(slot)

    def disarm(self, watched: Watched) -> None:
        """Forget `watched`; at once, so that an ended connection is not kept alive."""
        slot = self._slots.get(watched._slot) if watched._slot is not None else None
        if slot is not None:
            slot.pop(watched, None)
            if not slot:
                del self._slots[watched._slot]  # type: ignore[arg-type]
        watched._slot = None

    def expire(self, now: float) -> None:
        """Look at every connection whose slot has come, and set the next wake-up."""
        try:
            for slot in sorted(when for when in self._slots if when <= now):
                for watched in list(self._slots.get(slot, ())):  # who was looked at may have ended others
                    self.disarm(watched)
                    deadline = watched._on_deadline(now)
                    if deadline is not None:
                        self.arm(watched, now, deadline)
        finally:  # a KeyboardInterrupt must not stop the wheel for good
            self._next = min(self._slots, default=inf)
            if self._slots:
                self._wake_at(self._next)


def round_up(now: float, deadline: float) -> float:
    """The grid point at or after `deadline`; the grid is coarser the longer the wait."""
    wait = deadline - now
    if wait <= 0:
        return deadline
    grid = 2.0 ** (frexp(wait)[1] - 1 - FINENESS)
    return ceil(deadline / grid) * grid
