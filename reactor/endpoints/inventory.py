"""All that is open on one reactor: listeners, connections that it has made, datagram sockets. Drains and ends it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol as Interface

from ..boundary import call
from ..loop.futures import Promise, settle
from ..loop.loop import Loop
from ..transports.datagram import DatagramTransport
from ..transports.stream import StreamTransport
from .listener import Listener
from .roster import DrainReport, Roster


class Keeper(Interface):
    """Makes connections by itself, and has to stop doing so when all are to end: see `ReconnectingClient`."""

    def _on_drain(self) -> None: ...


class Inventory:
    """What is open on a loop."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._draining: Promise[DrainReport] | None = None
        self.listeners: dict[Listener, None] = {}
        self.clients: Roster[StreamTransport] = Roster(loop, StreamTransport)
        self.datagrams: Roster[DatagramTransport] = Roster(loop, DatagramTransport)
        self.keepers: dict[Keeper, None] = {}

    def add(self, listener: Listener) -> Listener:
        """Count a new listener, until it is gone."""
        self.listeners[listener] = None
        return listener

    def remove(self, listener: Listener) -> None:
        """A listener is closed, and none of its connections is left."""
        self.listeners.pop(listener, None)

    def streams(self) -> list[StreamTransport]:
        """The stream transports: those accepted, then those that we have made, each in order of arrival."""
        accepted = [transport for listener in self.listeners for transport in listener.connections]
        return accepted + list(self.clients.connections)

    def transports(self) -> list[StreamTransport | DatagramTransport]:
        """All transports."""
        return [*self.streams(), *self.datagrams.connections]

    def is_draining(self) -> bool:
        """A drain has begun and is not over."""
        return self._draining is not None and not self._draining.done()

    def drain(self, grace: float, stop: Callable[[], None]) -> Promise[DrainReport]:
        """Drain all that is open, then `stop()`. While one is under way, another is that one."""
        if self._draining is not None and not self._draining.done():
            return self._draining
        drain = self._draining = self._loop.promise()
        self._tell_keepers()
        drains = [call("the drain of", listener.drain, grace) for listener in list(self.listeners)]
        parts = [part for part in drains if part is not None]  # one that fails keeps none from the others
        parts += [self.clients.drain(grace), self.datagrams.drain(grace)]

        def finish() -> None:
            if not drain.done():
                stop()
                reports = [part.result() for part in parts]
                settle(drain, DrainReport(sum(r.closed for r in reports), [peer for r in reports for peer in r.cut]))

        def check(part: Future[DrainReport]) -> None:
            if all(part.done() for part in parts):
                self._loop.call_soon(finish)

        for part in parts:
            part.add_done_callback(check)
        return drain

    def abort(self) -> None:
        """End every listener and connection at once."""
        self._tell_keepers()
        for listener in list(self.listeners):
            call("the end of", listener.abort)
        self.clients.abort()
        self.datagrams.abort()

    def _tell_keepers(self) -> None:
        for keeper in list(self.keepers):
            call("the end of", keeper._on_drain)

    def on_forked(self) -> None:
        """In a forked child: what listens and is connected here is the parent's."""
        for listener in self.listeners:
            listener._on_forked()
        self.clients.on_forked()
        self.datagrams.on_forked()

    def abandon(self) -> None:
        """In a forked child: close the child's copies of the descriptors, so that the parent notices nothing."""
        for listener in self.listeners:
            listener._abandon()
        self.clients.abandon()
        self.datagrams.abandon()
