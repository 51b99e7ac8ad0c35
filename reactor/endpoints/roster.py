"""The connections that belong together (one listener's, or the reactor's own), and how they are drained."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Generic, TypeVar

from ..errors import DrainTimeout
from ..limits import Limits, Timeouts
from ..loop.futures import Promise
from ..loop.loop import Loop
from ..transports.connection import Connection
from .drain import LINGER, Drain, DrainReport

T = TypeVar("T", bound=Connection)


class Roster(Generic[T]):
    """The transports of one home. It is told when one of them is gone."""

    def __init__(self, loop: Loop, kind: type[T], on_gone: Callable[[T], None] | None = None) -> None:
        self._loop = loop
        self._on_gone = on_gone
        self._drains: list[Drain] = []
        self._told: dict[T, None] = {}  # of a drain
        self._begun: dict[object, Callable[[Exception], object]] = {}
        self._followers: dict[T, Callable[[], None]] = {}
        self.kind = kind  # the class of its transports; debug mode puts one of its own here
        self.connections: dict[T, None] = {}  # in order of arrival

    def is_served(self) -> bool:
        """Whether the loop turns."""
        return self._loop._running

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
        if self._drains:
            self._tell(transport)

    def on_gone(self, transport: T) -> None:
        """A transport is over; called by the transport, after connection_lost."""
        self.connections.pop(transport, None)
        if self._drains:
            self._told.pop(transport, None)
            for drain in self._drains[:]:
                drain.on_gone()
        if self._on_gone is not None:
            self._on_gone(transport)
        if transport in self._followers:
            self._followers.pop(transport)()

    def when_gone(self, transport: T, follower: Callable[[], None]) -> None:
        """Call `follower()` when the transport is over, after its connection_lost; soon, if it is not here any more."""
        if transport in self.connections:
            self._followers[transport] = follower
        else:
            self._loop.call_soon(follower)

    def begin(self, attempt: object, fail: Callable[[Exception], object]) -> None:
        """`attempt` may become a transport: until `done`, this is not empty. A drain that loses patience fails it."""
        self._begun[attempt] = fail

    def done(self, attempt: object) -> None:
        """It has become a transport, or nothing."""
        self._begun.pop(attempt, None)
        if self._drains:
            for drain in self._drains[:]:
                drain.check()

    def is_empty(self) -> bool:
        """No transport is open, and none is about to be."""
        return not self.connections and not self._begun

    def drain(self, grace: float) -> Promise[DrainReport]:
        """Tell the protocols, close every connection, cut what is left after `grace` seconds.

        A second drain can only shorten the grace of the first.
        """
        if self._drains:
            self._drains[0].hasten(grace)
            return self._drains[0].future
        return Drain(self._loop, [self], grace).begin()

    def join(self, drain: Drain) -> None:
        """What is open, and what opens before the drain is over, is part of it. Each is told once."""
        self._drains.append(drain)
        for transport in list(self.connections):
            self._tell(transport)

    def leave(self, drain: Drain) -> None:
        """The drain is over."""
        self._drains.remove(drain)
        if not self._drains:
            self._told.clear()

    def _tell(self, transport: T) -> None:
        if transport not in self._told and transport in self.connections:
            self._told[transport] = None
            transport._drain(min(drain.left for drain in self._drains))

    def end_lingering(self) -> None:
        """End those whose peer keeps its end open, and is silent."""
        for transport in list(self.connections):
            transport._end_lingering(LINGER)

    def cut(self) -> list[Any]:
        """End what is left; who that was."""
        error = DrainTimeout("not closed when the grace of the drain was over")
        for fail in list(self._begun.values()):
            fail(error)
        peers = [transport.get_extra_info("peername") for transport in self.connections]
        for transport in list(self.connections):
            transport._lose(error)
        return peers

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
