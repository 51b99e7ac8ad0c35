"""What transports and listeners stand on: the part of a loop that they use. An interface, and nothing else.

These are plain attributes and not methods where every message needs them. They are no secret, and not for programs:
what a program may call is in `Reactor`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Any, Protocol as Interface

from ..boundary import Runner
from .budget import OutputBudget
from .deadlines import DeadlineWheel
from .futures import Promise
from .meter import Meter
from .poller import Poller
from .timers import TimerHeap


class Flushed(Interface):
    """What steps 5 and 6 of a tick ask of a transport."""

    def _on_flush(self) -> None: ...
    def _on_reap(self) -> None: ...


class Guest(Interface):
    """What a loop of another kind has to do in each round: see `reactor.aio`."""

    queue: Collection[Any]
    """What it would do now: while there is anything, the poll does not wait."""

    def longest(self, now: float) -> float:
        """Seconds that the poll may wait for all it knows."""
        ...

    def serve(self, now: float) -> None:
        """Its part of step 4."""
        ...


class Host(Interface):
    """A loop of another kind that turns this one, and is run and stopped in its stead: see `reactor.aio`."""

    guest: Guest | None
    """Its part of each round, where it leaves the rounds to this loop."""

    def run_forever(self) -> None: ...
    def stop(self) -> None: ...

    def drained(self) -> None:
        """A drain of this loop is over: it stops, unless the other kind waits for more than that."""


class Belongings(Interface):
    """All that is open on a loop."""

    def abort(self) -> None: ...
    def on_interrupted(self) -> None: ...
    def note_unserved(self) -> None: ...
    def on_forked(self) -> None: ...
    def abandon(self) -> None: ...


class Ground(Interface):
    """The loop, as a transport sees it."""

    clock: Callable[[], float]
    asleep: bool
    """It waits in its poll: whoever calls something now does so in another thread."""
    runner: Runner
    """The thread that it runs in: what changes a transport asks it first."""
    now: float
    """The time of this tick: transports stamp their activity with it."""
    poller: Poller
    dirty: list[Flushed]
    """Transports that were written to in this tick: step 5 flushes them."""
    doomed: deque[Flushed]
    """Transports that ended in this tick: step 6 reaps them."""
    timers: TimerHeap
    wheel: DeadlineWheel
    """The deadlines of connections."""
    budget: OutputBudget
    meter: Meter

    def call_soon(self, fn: Callable[..., Any], *args: Any) -> None: ...
    def promise(self, *, own: bool = False) -> Promise[Any]: ...
    def _check_process(self) -> None: ...
