"""All that is open on one reactor: listeners, connections that it has made, datagram sockets. Drains and ends it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol as Interface

from ..boundary import call, log
from ..limits import Limits, Timeouts
from ..loop.futures import Promise, settle
from ..loop.loop import Loop
from ..sockets.addresses import show
from ..sockets.contexts import server_carrier
from ..transports.datagram import DatagramTransport
from ..transports.interrupted import take_up
from ..transports.stream import StreamTransport
from .drain import Drain, DrainReport
from .listener import Listener
from .roster import Roster

if TYPE_CHECKING:
    import socket
    import ssl

    from ..sockets.unix import BoundPath


class Keeper(Interface):
    """Makes connections by itself, and has to stop doing so when all are to end: see `ReconnectingClient`."""

    def _on_drain(self) -> None: ...


class Inventory:
    """What is open on a loop."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._drain: Drain | None = None  # under way
        self._report: Promise[DrainReport] | None = None  # its outcome, for the program
        self.listeners: dict[Listener, None] = {}
        self.clients: Roster[StreamTransport] = Roster(loop, StreamTransport)
        self.datagrams: Roster[DatagramTransport] = Roster(loop, DatagramTransport)
        self.keepers: dict[Keeper, None] = {}

    def listen(
        self,
        factory: Callable[[], Any],
        sockets: list[socket.socket],
        limits: Limits | None,
        timeouts: Timeouts | None,
        tls: ssl.SSLContext | None,
        bound: BoundPath | None = None,
    ) -> Listener:
        """A listener on these sockets, which are its own from here on."""
        carrier, unlink = server_carrier(self._loop, tls), None if bound is None else bound.remove
        return self.add(Listener(self._loop, factory, sockets, limits, timeouts, self.remove, carrier, unlink))

    def add(self, listener: Listener) -> Listener:
        """Count a new listener, until it is gone."""
        self.listeners[listener] = None
        listener._shortage.neighbours = self.listeners.keys()  # they share the descriptors
        if self._drain is not None:
            listener.close()
            self._drain.add(listener._roster)
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

    def flush(self) -> None:
        """What step 5 of a tick does, in the midst of the tick."""
        loop = self._loop
        loop.runner.check()
        if not loop._flushing:  # else all that waits has its turn anyway
            loop._flushing = True
            for transport in loop.dirty:
                transport._on_flush()
            loop.meter.flushes += len(loop.dirty)
            loop.dirty.clear()
            loop._flushing = False

    def drain(self, grace: float, stop: Callable[[], None]) -> Promise[DrainReport]:
        """Drain all that is open, and what opens meanwhile, then `stop()`. While one is under way, another is that."""
        if self._report is not None and not self._report.done():
            return self._report
        report = self._report = self._loop.promise()
        self._tell_keepers()
        for listener in list(self.listeners):
            call("the end of", listener.close)  # one that fails keeps nobody from their drain
        rosters: list[Roster[Any]] = [*(listener._roster for listener in self.listeners), self.clients, self.datagrams]
        drain = self._drain = Drain(self._loop, rosters, grace)
        drain.begin().add_done_callback(lambda _: self._loop.call_soon(self._on_drained, drain, report, stop))
        return report

    def _on_drained(self, drain: Drain, report: Promise[DrainReport], stop: Callable[[], None]) -> None:
        self._drain = None
        if not report.done():
            stop()
            settle(report, drain.future.result())

    def abort(self) -> None:
        """End every listener and connection at once."""
        self._loop.runner.check()
        self._tell_keepers()
        for listener in list(self.listeners):
            call("the end of", listener.abort)
        self.clients.abort()
        self.datagrams.abort()

    def _tell_keepers(self) -> None:
        for keeper in list(self.keepers):
            call("the end of", keeper._on_drain)

    def note_unserved(self) -> None:
        """The program leaves, and its loop never turned: say so, where it has opened listeners."""
        if self.listeners and os.getpid() == self._loop._pid:
            places = ", ".join(show(address) for listener in self.listeners for address in listener.addresses)
            log.warning("nobody was served on %s: run() was never called", places)

    def on_interrupted(self) -> None:
        """An exception (Ctrl-C) has left a round before its end: of the edges in its batch nothing would tell again."""
        for transport in self.transports():
            take_up(transport)

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
