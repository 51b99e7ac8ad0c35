"""What a loop counts while it runs. Plain numbers, added to by whoever does the thing; `stats` makes sense of them.

Counting must not be felt: an echo of 100 bytes is 7 microseconds, so one addition a message is the most there may be,
and in fact there is none. The loop counts its events and its flushes a batch at a time; whatever is rare counts itself
(an EAGAIN, a flush that found nothing to send, an event that was no input), and the rest is their difference:

    receives = events - other_events
    sends    = flushes - empty_flushes
    writes   = sends + joined           each send of several chunks adds how many it saved

A batch is counted when it is done, and what is rare in it at once: read from inside of a batch, the differences are a
little behind, and may even be less than they were before it. `view` lets none of them go down.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol as Interface

from ..boundary import Quota
from .lag import LagWindow

TURN = 1.0  # seconds between turns: what is noticed no faster need not be looked at in each tick


class Meter:
    """The counters of one loop, since its start."""

    __slots__ = (
        "accepted", "born", "busy", "bytes_in", "bytes_out", "calls", "datagrams_in", "datagrams_out",
        "dropped_datagrams", "eagains", "empty_flushes", "events", "flushes", "ignored_writes", "joined", "lag",
        "lost", "other_events", "quota", "refused", "shortages", "ticks", "told", "turn_at",
    )  # fmt: skip

    def __init__(self, now: float) -> None:
        self.born = now
        self.ticks = self.events = self.other_events = self.calls = 0
        self.flushes = self.empty_flushes = self.joined = self.eagains = 0
        self.bytes_in = self.bytes_out = 0  # of connections that are over, as the next two
        self.datagrams_in = self.datagrams_out = 0
        self.dropped_datagrams = self.ignored_writes = 0
        self.accepted = self.refused = self.shortages = 0
        self.lost: Counter[str] = Counter()  # by the name of the exception given to connection_lost
        self.quota = Quota()  # which of them have a log line, by the same
        self.busy = 0.0  # seconds not spent in a poll that may wait
        self.lag = LagWindow(now)
        self.turn_at = now  # the next turn
        self.told: dict[str, int] = {}  # the differences as they were told last, by name

    def turn(self, now: float, following: float) -> None:
        """At the begin of a round, at most once a turn; the `following` turn is not before that time."""
        self.turn_at = following
        self.lag.turn(now, self.ticks - 1, self.busy)  # the round that has just begun is not over

    def slow(self, began: float, lag: float) -> None:
        """A round that began then took so many seconds: it belongs to the minute in which it ends."""
        self.lag.turn(began + lag, self.ticks - 1, self.busy - lag)
        self.lag.record(lag)


class Sentry(Interface):
    """Who is told when the loop works and when it waits: the watchdog."""

    threshold: float

    def begin(self) -> None: ...
    def wake(self) -> None: ...
    def over(self, seconds: float) -> None: ...
    def rest(self) -> None: ...


class Lookout:
    """What a loop looks at beside its messages: once in a TURN, and after each slow round. Tells the sentry, if any."""

    __slots__ = ("_meter", "_turn_after", "sentry")

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._turn_after = TURN
        self.sentry: Sentry | None = None

    def set_sentry(self, sentry: Sentry | None, running: bool) -> None:
        """Another sentry, or none. running: the loop runs, so the sentry begins at once."""
        if self.sentry is not None:
            self.sentry.rest()
        self.sentry = sentry
        self._turn_after = min(TURN, sentry.threshold) if sentry else TURN
        if sentry is not None and running:
            sentry.begin()

    def begin(self, now: float) -> None:
        """The loop begins to run."""
        self._meter.turn_at = now
        if self.sentry is not None:
            self.sentry.begin()

    def turn(self, now: float) -> None:
        """At most once in TURN seconds: what need not be looked at in each tick."""
        self._meter.turn(now, now + self._turn_after)
        if self.sentry is not None:
            self.sentry.wake()

    def slow(self, began: float, lag: float) -> None:
        """A round took longer than QUICK."""
        self._meter.slow(began, lag)
        if self.sentry is not None and lag >= self.sentry.threshold:
            self.sentry.over(lag)
