"""The connections that belong together (one listener's, or the reactor's own), and how they are drained."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from .errors import DrainTimeout
from .loop import Loop
from .transport import StreamTransport

LINGER = 0.5  # seconds: a drain waits no longer for a peer that has our every byte and only keeps its own end open


@dataclass
class DrainReport:
    """What a drain did: how many connections ended in order, and the peer of each that was cut off."""

    closed: int = 0
    cut: list[Any] = field(default_factory=list)


class Roster:
    """A set of transports that is told when one of them is gone."""

    def __init__(self, loop: Loop, on_left: Callable[[StreamTransport], None] | None = None) -> None:
        self._loop = loop
        self._on_left = on_left
        self._drain: Drain | None = None
        self.connections: set[StreamTransport] = set()

    def left(self, transport: StreamTransport) -> None:
        """A transport is over; called by the transport, after connection_lost."""
        self.connections.discard(transport)
        if self._on_left is not None:
            self._on_left(transport)
        if self._drain is not None:
            self._drain.check()

    def drain(self, grace: float) -> Future[DrainReport]:
        """Tell the protocols, close every connection, cut what is left after `grace` seconds. One at a time."""
        if self._drain is None or self._drain.future.done():
            self._drain = Drain(self._loop, self.connections, grace)
        return self._drain.future

    def abort(self) -> None:
        """End every connection at once."""
        for transport in list(self.connections):
            transport.abort()


class Drain:
    """One drain of one set of connections; `future` holds its report."""

    def __init__(self, loop: Loop, connections: set[StreamTransport], grace: float) -> None:
        self._connections = connections
        self._report = DrainReport(closed=len(connections))
        self._grace = grace
        self._linger = loop.call_every(LINGER, self._end_lingering)
        self._deadline = loop.call_later(grace, self._cut)
        self.future: Future[DrainReport] = loop.promise()
        for transport in list(connections):
            transport.drain(grace)
        self.check()

    def check(self) -> None:
        """Done once nobody is left."""
        if not self._connections and not self.future.done():
            self._linger.cancel()
            self._deadline.cancel()
            self.future.set_result(self._report)

    def _end_lingering(self) -> None:
        for transport in list(self._connections):
            transport.end_lingering()

    def _cut(self) -> None:
        for transport in list(self._connections):
            self._report.closed -= 1
            self._report.cut.append(transport.get_extra_info("peername"))
            transport.lose(DrainTimeout(f"not closed within the {self._grace} s of a drain"))
