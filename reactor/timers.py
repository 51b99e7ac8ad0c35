"""Deadlines in a heap. Knows no clock of its own: callers pass the time.

A heap entry is a list `[when, seq, timer]`; `seq` breaks ties in order of arrival, so timers are never compared.
Cancelling or moving a timer does not search the heap: it empties the old entry, which is skipped when it surfaces
and swept out once the empty ones outnumber the rest. So memory stays flat however often a timer is reset, and a
cancelled timer holds on to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

SWEEP_AT = 64  # with fewer empty entries than this a sweep costs more than it frees


class Timer:
    """One deadline, made by `call_later`, `call_at` or `call_every`."""

    __slots__ = ("_args", "_entry", "_fn", "_heap", "active", "interval", "when")

    active: bool
    """True until it has fired or was cancelled; a series stays active."""
    when: float
    """The deadline, in the seconds of `Reactor.time()`."""

    def __init__(
        self,
        heap: TimerHeap,
        when: float,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        interval: float | None = None,
    ) -> None:
        if when != when:
            raise ValueError("a deadline must be a number, not nan")  # it is due never and always: the heap breaks
        self._heap = heap
        self._fn = fn
        self._args = args
        self.interval = interval
        self.when = when
        self.active = True
        heap.seq = seq = heap.seq + 1
        self._entry: list[Any] | None = [when, seq, self]
        heappush(heap.entries, self._entry)

    def cancel(self) -> None:
        """Do not fire, unless `reset`. Harmless twice, after firing, and inside its own callback."""
        self.active = False
        entry = self._entry
        if entry is not None:
            self._entry = entry[2] = None
            self._heap.forget()

    def reset(self, delay: float) -> None:
        """Fire `delay` seconds from now instead. A timer that has fired or was cancelled is armed again.

        A series starts a new grid: first after `delay`, then each interval.
        """
        heap = self._heap
        heap.arm(self, heap.now() + delay)

    def __repr__(self) -> str:
        state = f"due at {self.when:.3f}" if self.active else "inactive"
        return f"<Timer {getattr(self._fn, '__qualname__', self._fn)} {state}>"


class TimerHeap:
    """The deadlines of one loop. `now` serves only `Timer.reset`, which is given a delay instead of a time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.entries: list[list[Any]] = []
        self.seq = 0
        self._empty = 0

    def __len__(self) -> int:
        return len(self.entries) - self._empty

    def next_deadline(self) -> float | None:
        """When the earliest timer is due, or None."""
        entries = self.entries
        while entries:
            if entries[0][2] is not None:
                when: float = entries[0][0]
                return when
            heappop(entries)
            self._empty -= 1
        return None

    def take_due(self, now: float) -> list[Timer]:
        """Take out what is due, by deadline, ties in order of arrival. What is armed later waits for the next call."""
        due = []
        entries = self.entries
        while entries and entries[0][0] <= now:
            timer = heappop(entries)[2]
            if timer is None:
                self._empty -= 1
            else:
                timer._entry = None
                due.append(timer)
        return due

    def fire(self, timer: Timer, now: float) -> None:
        """Run one timer that `take_due` gave, unless a callback before it in the batch cancelled or moved it.

        What the callback raises is the caller's to handle; a series goes on all the same.
        """
        if not timer.active or timer._entry is not None:
            return
        if timer.interval is None:
            timer.active = False
            timer._fn(*timer._args)
            return
        try:
            timer._fn(*timer._args)
        finally:
            if timer.active and timer._entry is None:
                # The next grid point after now: a late tick skips points instead of firing a burst.
                missed = max(0.0, (now - timer.when) // timer.interval)
                self.arm(timer, timer.when + (missed + 1) * timer.interval)

    def arm(self, timer: Timer, when: float) -> None:
        """Set a timer to `when`, wherever it was before."""
        if when != when:
            raise ValueError("a deadline must be a number, not nan")
        if timer._entry is not None:
            timer._entry[2] = None
            self.forget()
        timer.when = when
        timer.active = True
        self.seq += 1
        timer._entry = [when, self.seq, timer]
        heappush(self.entries, timer._entry)

    def forget(self) -> None:
        """An entry was emptied where it stands; sweep once the empty ones outnumber the rest."""
        self._empty += 1
        if self._empty > SWEEP_AT and self._empty * 2 > len(self.entries):
            self.entries[:] = [entry for entry in self.entries if entry[2] is not None]
            heapify(self.entries)
            self._empty = 0

    def clear(self) -> None:
        """Cancel every timer."""
        for *_, timer in self.entries:
            if timer is not None:
                timer.active = False
                timer._entry = None
        self.entries.clear()
        self._empty = 0
