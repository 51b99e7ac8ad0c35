"""A drain: the time from when all are told to end until nobody is left. Knows of connections only whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol as Interface

from ..loop.futures import Promise, settle
from ..loop.loop import Loop
from ..values import Value

LINGER = 0.5  # seconds of silence after our end was said: a drain waits no longer for a peer that keeps its own open


class DrainReport(Value):
    """What a drain did: how many connections and datagram sockets ended in order, the peer of each cut off."""

    closed: int = 0
    cut: Sequence[Any] = ()


class Drained(Interface):
    """What is asked of a roster."""

    def join(self, drain: Drain) -> None: ...
    def leave(self, drain: Drain) -> None: ...
    def is_empty(self) -> bool: ...
    def end_lingering(self) -> None: ...
    def cut(self) -> list[Any]: ...


class Drain:
    """A drain of some rosters: a period, which ends when all of them are empty at once, or its grace is over."""

    def __init__(self, loop: Loop, rosters: Sequence[Drained], grace: float) -> None:
        self._loop = loop
        self._rosters = list(rosters)
        self._ended = 0  # those that were cut too
        self._cut_off: list[Any] = []
        self._is_over = False
        self._linger = loop.call_every(LINGER / 4, self._end_lingering)
        self._deadline = loop.call_later(grace, self._cut)
        self.future: Promise[DrainReport] = loop.promise()

    def begin(self) -> Promise[DrainReport]:
        """Drain all that are there. Gives the future of the report."""
        for roster in self._rosters:
            roster.join(self)
        self.check()
        return self.future

    def add(self, roster: Drained) -> None:
        """One more, which was made meanwhile."""
        self._rosters.append(roster)
        roster.join(self)

    @property
    def left(self) -> float:
        """Seconds of grace."""
        return max(0.0, self._deadline.when - self._loop.time())

    def hasten(self, grace: float) -> None:
        """Let the deadline come earlier, never later."""
        if self._loop.time() + grace < self._deadline.when:
            self._deadline.reset(grace)

    def on_gone(self) -> None:
        """One transport is gone."""
        self._ended += 1
        self.check()

    def check(self) -> None:
        """Is it over?"""
        if self._is_over or not all(roster.is_empty() for roster in self._rosters):
            return
        self._is_over = True
        self._linger.cancel()
        self._deadline.cancel()
        for roster in self._rosters:
            roster.leave(self)
        settle(self.future, DrainReport(closed=self._ended - len(self._cut_off), cut=self._cut_off))

    def _end_lingering(self) -> None:
        for roster in self._rosters:
            roster.end_lingering()

    def _cut(self) -> None:
        for roster in self._rosters:
            self._cut_off += roster.cut()
