"""Descriptors or places have run out, and newcomers wait: of whom least would be lost, they go first.

Looked at are the connections of all listeners of a loop, since they share its descriptors. Where nobody gives way, the
newcomers wait in the backlog.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Protocol as Interface

from ..boundary import log
from ..loop.loop import Loop
from ..loop.timers import Timer
from ..sockets.addresses import show
from ..transports import expiry
from ..transports.stream import StreamTransport

MOST = 64  # connections ended at a time: as many as are accepted in a tick
PART = 8  # ... and one in so many of their kind: who has just come needs a moment to say what it wants
LOOK = 5e-6  # seconds until the next look, for each connection looked at: looking takes a tenth of the time at most
RETRY = 1.0  # seconds until accepting is tried again when nobody gave way and none of ours was given back
CALM = RETRY / 2  # seconds without a shortage after which one is over: at the limit they come and go by the second


class Full(Interface):
    """A listener, as seen from here."""

    addresses: list[Any]

    @property
    def connections(self) -> Collection[StreamTransport]: ...
    def _pause(self) -> None: ...
    def _resume(self) -> None: ...


class Shortage:
    """What one listener does when there is none. `neighbours`: all listeners of its loop."""

    def __init__(self, loop: Loop, listener: Full) -> None:
        self._loop = loop
        self._listener = listener
        self._next_look = loop.now
        self._retry: Timer | None = None
        self.neighbours: Collection[Full] = (listener,)
        self.short: float | None = None  # when descriptors last ran out, in a shortage that is not over

    def on_crowd(self) -> None:
        """All places are taken, and newcomers wait."""
        self._wait(self._make(self._listener.connections))

    def on_exhausted(self, exc: OSError) -> None:
        """No descriptor (or memory) for a newcomer: it waits in the backlog until there is one.

        To go on polling would report that again at once and for ever. Accepting resumes when a connection ends, and
        by a timer, because the descriptors may be somebody else's.
        """
        self._wait(self._make(transport for one in self.neighbours for transport in one.connections))
        self._loop.meter.shortages += 1
        if self.short is None:
            log.warning("accepting on %s pauses: %s", show(self._listener.addresses[0]), exc.strerror)
        self.short = self._loop.now

    def on_nobody_waits(self) -> None:
        """All newcomers are in, with a descriptor to spare: asked for one more, the kernel did not run short."""
        if self.short is not None and self._loop.now - self.short >= CALM:
            self.short = None
            log.info("accepting on %s resumes", show(self._listener.addresses[0]))

    def stop(self) -> None:
        """Try nothing again."""
        if self._retry is not None:
            self._retry.cancel()

    def _wait(self, seconds: float) -> None:
        self._listener._pause()
        if self._retry is None:
            self._retry = self._loop.call_later(seconds, self._listener._resume)
        else:
            self._retry.reset(seconds)

    def _make(self, connections: Iterable[StreamTransport]) -> float:
        """End some of `connections`; in how many seconds a newcomer may come in."""
        if self._next_look > self._loop.now:
            return self._next_look - self._loop.now
        looked = list(connections)
        self._next_look = self._loop.now + len(looked) * LOOK
        kinds: dict[int, list[StreamTransport]] = {}
        for connection in looked:
            kinds.setdefault(expiry.gives_way(connection), []).append(connection)
        kinds.pop(expiry.STAYS, None)
        if not kinds:
            return RETRY
        first = max(kinds)
        going = sorted(kinds[first], key=expiry.age)
        count = MOST if first == expiry.LINGERS else max(1, len(going) // PART)
        for connection in going[: min(count, MOST)]:
            expiry.give_way(connection)
        return 0.0
