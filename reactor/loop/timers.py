"""Deadlines in a heap. Knows no clock of its own: callers pass the time.

The heap holds keys `(when, seq)` and nothing else; `armed` says whose they are. `seq` goes up with every arming, so
ties come in order of arrival, and a key whose `seq` is not armed (any more) is stale: cancelling takes a timer out of
`armed` and moving it enters it anew, neither searches the heap. Stale keys are skipped when they surface and swept
out once they outnumber the rest. So a cancelled timer is let go at once, whatever it holds, and memory stays flat
however often a timer is reset.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from threading import get_ident
from typing import Any

from ..boundary import EXITS, Runner, log, name_of, not_seconds, refuse_coroutine

FOREVER = float("inf")
FULL_BATCHES = 64  # of events that timers wait for: 65,536 descriptors, after which a flood is a flood
SWEEP_AT = 64  # with fewer stale keys than this a sweep costs more than it frees

Key = tuple[float, int]


class Timer:
    """One deadline, made by `call_later`, `call_at` or `call_every`."""

    # No __init__: `TimerHeap.arm` fills them in, because a frame for each new timer is a fifth of all that it costs.
    __slots__ = ("_args", "_fn", "_heap", "_seq", "interval", "when")

    _heap: TimerHeap
    _seq: int
    _fn: Callable[..., Any]
    _args: tuple[Any, ...]
    interval: float | None
    """Seconds from one call of a series to the next; None for a timer that fires once."""
    when: float
    """The deadline, in the seconds of `Reactor.time()`. In the callback of a series, already the next one."""

    @property
    def active(self) -> bool:
        """True until it has fired or was cancelled; a series stays active."""
        return self._seq in self._heap.armed

    def cancel(self) -> None:
        """Do not fire, unless `reset`. Harmless twice, after firing, and inside its own callback."""
        self._heap.armed.pop(self._seq, None)

    def reset(self, delay: float) -> None:
        """Fire `delay` seconds from now instead. A timer that has fired or was cancelled is armed again.

        A series starts a new grid: first after `delay`, then each interval.
        """
        try:
            when = self._heap.now() + delay
        except TypeError:
            raise not_seconds("reset()", delay) from None
        self.move(when)

    def move(self, when: float) -> None:
        """As `reset`, with the time itself."""
        self._heap.arm(when, self._fn, self._args, self.interval, self)

    @property
    def name(self) -> str:
        """What it calls."""
        return name_of(self._fn)

    def __repr__(self) -> str:
        state = f"due at {self.when:.3f}" if self.active else "inactive"
        return f"<Timer {self.name} {state}>"


class TimerHeap:
    """The deadlines of one loop. `now` serves only `Timer.reset`, which is given a delay instead of a time.

    runner: the thread of the loop, the only one that may set a timer while it runs.
    """

    def __init__(self, now: Callable[[], float], runner: Runner | None = None) -> None:
        self.now = now
        self._runner = runner or Runner()
        self.entries: list[Key] = []
        self.armed: dict[int, Timer] = {}
        self.fired = 0
        self._held_up = 0  # calls in a row that left events to others
        self._seq = 0

    def __len__(self) -> int:
        return len(self.armed)

    def arm(
        self,
        when: float,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        interval: float | None = None,
        timer: Timer | None = None,
    ) -> Timer:
        """Give a new timer that calls `fn(*args)` at `when`; or set `timer` to it, wherever that was before."""
        if not callable(fn):
            raise TypeError(f"a timer calls a function, not {fn!r}: give it without parentheses")
        try:
            ordered = when < FOREVER or when == FOREVER
        except TypeError:
            raise not_seconds("call_at()", when) from None  # the other verbs have added it to a time
        if not ordered:
            raise ValueError("a deadline must be a number, not nan")  # it is due never and always: the heap breaks
        runner = self._runner
        if runner.ident and runner.ident != get_ident():  # as `check` looks: spares each timer a call
            runner.check()
        entries, armed = self.entries, self.armed
        if timer is None:
            timer = Timer()
        else:
            armed.pop(timer._seq, None)
        timer._heap = self
        timer._fn = fn
        timer._args = args
        timer.interval = interval
        timer.when = when
        self._seq = timer._seq = seq = self._seq + 1
        armed[seq] = timer
        heappush(entries, (when, seq))
        if len(entries) > 2 * len(armed) + SWEEP_AT:
            self._sweep()
        return timer

    def _sweep(self) -> None:
        armed = self.armed
        self.entries[:] = [key for key in self.entries if key[1] in armed]
        heapify(self.entries)

    def next_deadline(self) -> float | None:
        """When the earliest timer is due, or None."""
        entries = self.entries
        while entries:
            when, seq = entries[0]
            if seq in self.armed:
                return when
            heappop(entries)
        return None

    def wait(self, now: float, longest: float) -> float:
        """Seconds until the earliest timer is due, 0 where that is past, and never more than `longest`."""
        deadline = self.next_deadline()
        if deadline is None or deadline - now > longest:
            return longest
        return deadline - now if deadline > now else 0.0

    def fire_due(self, now: float, more: bool = False) -> None:
        """Run what is due, by deadline, ties in order of arrival; what is armed meanwhile waits for the next call.

        more: events have come that nobody has looked at yet. After a stall nobody is late whose bytes are there, so
            these have their turn first; but not more than FULL_BATCHES times in a row.
        What a callback raises is logged. One of the EXITS ends the batch, and the rest stays armed.
        """
        if more and self._held_up < FULL_BATCHES:
            self._held_up += 1
            return
        self._held_up = 0
        entries, due = self.entries, []
        while entries and entries[0][0] <= now:
            due.append(heappop(entries))
        self.fired += len(due)
        keys = iter(due)
        try:
            for _, seq in keys:
                timer = self.armed.pop(seq, None)
                if timer is not None:
                    self._fire(timer, now)
                else:
                    self.fired -= 1  # a callback of this very batch has cancelled or moved it
        finally:
            for key in keys:
                heappush(entries, key)

    def _fire(self, timer: Timer, now: float) -> None:
        interval = timer.interval
        if interval is not None:
            # The next grid point after now: a late tick skips points instead of firing a burst. Set before the call,
            # so that the callback may cancel or move it.
            missed = max(0.0, (now - timer.when) // interval)
            timer.move(timer.when + (missed + 1) * interval)
        fn = timer._fn
        try:
            if (given := fn(*timer._args)) is not None:
                refuse_coroutine(given)
        except EXITS:
            raise
        except BaseException:
            log.exception("exception in timer %r", timer)

    def clear(self) -> None:
        """Cancel every timer."""
        self.armed.clear()
        self.entries.clear()
