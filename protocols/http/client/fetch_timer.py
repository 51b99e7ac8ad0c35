"""When a fetch has taken too long: its deadline, and in each state the longest silence. One timer for both.

The timer is seldom set: what comes is only noted, and the timer, when it goes off too early, looks at the note.
"""

from __future__ import annotations

from typing import Protocol as Interface

from reactor import Reactor, Timer

FOREVER = float("inf")


class Timed(Interface):
    """What is given up when it takes too long."""

    def is_busy(self) -> bool:
        """Whether it is not the server that is waited for at the moment."""

    def on_late(self, seconds: float, in_all: bool) -> None:
        """So many seconds were too long: for all of it, or without anything that came."""


class FetchTimer:
    """The time that one fetch has. `total` is the seconds from now for all of it; None: any."""

    __slots__ = ("_deadline", "_fetch", "_mark", "_reactor", "_silence", "_timer", "_total")

    def __init__(self, reactor: Reactor, total: float | None, fetch: Timed) -> None:
        self._reactor = reactor
        self._total = total
        self._fetch: Timed | None = fetch
        self._mark = now = reactor.time()
        self._silence: float | None = None  # seconds that nothing may come for, in the present state
        self._deadline = FOREVER if total is None else now + total
        self._timer: Timer | None = reactor.call_at(self._deadline, self._on_timer)

    def allow(self, seconds: float | None) -> None:
        """From now on nothing may come for that long; None: for as long as the deadline lets it."""
        self._silence = seconds
        if seconds is not None:
            self._mark = now = self._reactor.time()
            if self._timer is not None and now + seconds < self._timer.when:
                self._timer.move(now + seconds)

    def note(self) -> None:
        """Something has come, or is done: the seconds count from here."""
        if self._silence is not None:
            self._mark = self._reactor.time()

    def stop(self) -> None:
        """It is over."""
        timer, self._timer, self._fetch = self._timer, None, None  # both refer to us
        if timer is not None:
            timer.cancel()

    def _on_timer(self) -> None:
        now = self._reactor.time()
        timer, seconds, fetch = self._timer, self._silence, self._fetch
        assert timer is not None
        assert fetch is not None
        if now >= self._deadline:
            assert self._total is not None
            fetch.on_late(self._total, True)
        elif seconds is None:
            timer.move(self._deadline)
        elif fetch.is_busy():
            timer.move(min(self._deadline, now + seconds))
        elif now < self._mark + seconds:
            timer.move(min(self._deadline, self._mark + seconds))
        else:
            fetch.on_late(seconds, False)
