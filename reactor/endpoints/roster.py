"""The connections that belong together (one listener's, or the reactor's own), and how they are drained."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from ..errors import DrainTimeout
from ..limits import Limits, Timeouts
from ..loop.futures import Promise, settle
from ..loop.loop import Loop
from ..transports.connection import Connection

T = TypeVar("T", bound=Connection)

LINGER = 0.5  # seconds of silence after our end was said: a drain waits no longer for a peer that keeps its own open


@dataclass
class DrainReport:
    """What a drain did: how many connections and datagram sockets ended in order, the peer of each cut off."""

    closed: int = 0
    cut: list[Any] = field(default_factory=list)


class Roster(Generic[T]):
    """The transports of one home. It is told when one of them is gone."""

    def __init__(self, loop: Loop, kind: type[T], on_gone: Callable[[T], None] | None = None) -> None:
        self._loop = loop
        self._on_gone = on_gone
        self._drain: Drain[T] | None = None
        self._followers: dict[T, Callable[[], None]] = {}
        self.kind = kind  # the class of its transports; debug mode puts one of its own here
        self.connections: dict[T, None] = {}  # in order of arrival

    def open(
        self,
        carrier: Any,
        protocol: Any,
        peername: Any,
        limits: Limits,
        timeouts: Timeouts,
        opened: Callable[[T, Future[Any]], object] | None = None,
    ) -> T:
        """Make a transport and start it; one that comes during a drain is drained like the others.

        opened: called with the transport and a future that is done once its handshake is, or holds why there is none.
        """
        transport = self.kind(self._loop, carrier, protocol, self, peername, limits, timeouts)
        if opened is not None:
            transport._opened().add_done_callback(partial(opened, transport))
        self.add(transport)
        return transport

    def add(self, transport: T) -> None:
        """Count a transport that somebody else has made for this home, and start it."""
        self.connections[transport] = None
        transport._start()
        if self._drain is not None:
            self._drain.include(transport)

    def on_gone(self, transport: T) -> None:
        """A transport is over; called by the transport, after connection_lost."""
        self.connections.pop(transport, None)
        if self._drain is not None and self._drain.on_gone():
            self._drain = None
        if self._on_gone is not None:
            self._on_gone(transport)
        follower = self._followers.pop(transport, None)
        if follower is not None:
            follower()

    def when_gone(self, transport: T, follower: Callable[[], None]) -> None:
        """Call `follower()` when the transport is over, after its connection_lost; soon, if it is not here any more."""
        if transport in self.connections:
            self._followers[transport] = follower
        else:
            self._loop.call_soon(follower)

    def drain(self, grace: float) -> Promise[DrainReport]:
        """Tell the protocols, close every connection, cut what is left after `grace` seconds.

        A second drain can only shorten the grace of the first.
        """
        if self._drain is not None:
            self._drain.hasten(grace)
            return self._drain.future
        drain = self._drain = Drain(self._loop, self.connections, grace)
        if drain.begin():
            self._drain = None
        return drain.future

    def abort(self) -> None:
        """End every connection at once."""
        for transport in list(self.connections):
            transport.abort()

    def on_forked(self) -> None:
        """In a forked child: the connections are the parent's."""
        for transport in self.connections:
            transport._on_forked()

    def abandon(self) -> None:
        """Close our copies of the descriptors and nothing else."""
        for transport in self.connections:
            transport._abandon()


class Drain(Generic[T]):
    """One drain of one set of connections; `future` holds its report."""

    def __init__(self, loop: Loop, connections: dict[T, None], grace: float) -> None:
        self._loop = loop
        self._connections = connections
        self._report = DrainReport()
        self._linger = loop.call_every(LINGER / 4, self._end_lingering)
        self._deadline = loop.call_later(grace, self._cut)
        self.future: Promise[DrainReport] = loop.promise()

    def begin(self) -> bool:
        """Drain all that are there; true if that is nobody, and the drain over."""
        for transport in list(self._connections):
            self.include(transport)
        return self._is_over()

    def include(self, transport: T) -> None:
        """Drain one transport."""
        transport._drain(max(0.0, self._deadline.when - self._loop.time()))

    def hasten(self, grace: float) -> None:
        """Let the deadline come earlier, never later."""
        if self._loop.time() + grace < self._deadline.when:
            self._deadline.reset(grace)

    def on_gone(self) -> bool:
        """One is gone; true if it was the last."""
        self._report.closed += 1
        return self._is_over()

    def _is_over(self) -> bool:
        if self._connections:
            return False
        self._linger.cancel()
        self._deadline.cancel()
        self._report.closed -= len(self._report.cut)
        settle(self.future, self._report)
        return True

    def _end_lingering(self) -> None:
        for transport in list(self._connections):
            transport._end_lingering(LINGER)

    def _cut(self) -> None:
        for transport in list(self._connections):
            self._report.cut.append(transport.get_extra_info("peername"))
            transport._lose(DrainTimeout("not closed when the grace of the drain was over"))
