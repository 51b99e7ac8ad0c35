"""How long a fetch may still take: its deadline, and in each state how long nothing may come for. One timer for both.

The timer is seldom set: what comes is only noted, and the timer, when it goes off too early, looks at the note.
"""

from __future__ import annotations

from typing import Protocol as Interface

from reactor import Reactor, Timer

FOREVER = float("inf")


class Impatient(Interface):
    """Who does not wait for ever."""

    def is_busy(self) -> bool:
        """Whether it is not the server that is waited for at the moment."""

    def on_late(self, seconds: float, in_all: bool) -> None:
        """So many seconds were too long: for all of it, or without anything that came."""


class Patience:
    """What one fetch has left of it. `total` is the seconds from now for all of it; None: any."""

    __slots__ = ("_deadline", "_mark", "_reactor", "_seconds", "_timer", "_total", "_who")

    def __init__(self, reactor: Reactor, total: float | None, who: Impatient) -> None:
        self._reactor = reactor
        self._total = total
        self._who: Impatient | None = who
        self._mark = now = reactor.time()
        self._seconds: float | None = None  # that nothing may come for, in the present state
        self._deadline = FOREVER if total is None else now + total
        self._timer: Timer | None = reactor.call_at(self._deadline, self._on_timer)

    def allow(self, seconds: float | None) -> None:
        """From now on nothing may come for that long; None: for as long as the deadline lets it."""
        self._seconds = seconds
        if seconds is not None:
            self._mark = now = self._reactor.time()
            if self._timer is not None and now + seconds < self._timer.when:
                self._timer.move(now + seconds)

    def note(self) -> None:
        """Something has come, or is done: the seconds count from here."""
        if self._seconds is not None:
            self._mark = self._reactor.time()

    def stop(self) -> None:
        """It is over."""
        timer, self._timer, self._who = self._timer, None, None  # both refer to us
        if timer is not None:
            timer.cancel()

    def _on_timer(self) -> None:
        now = self._reactor.time()
        timer, seconds, who = self._timer, self._seconds, self._who
        assert timer is not None
        assert who is not None
        if now >= self._deadline:
            assert self._total is not None
            who.on_late(self._total, True)
        elif seconds is None:
            timer.move(self._deadline)
        elif who.is_busy():
            timer.move(min(self._deadline, now + seconds))
        elif now < self._mark + seconds:
            timer.move(min(self._deadline, self._mark + seconds))
        else:
            who.on_late(seconds, False)
