"""Accepts connections and counts them. Owns listening sockets; knows nothing of what the connections say."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Collection
from typing import Any

from ..boundary import EXITS, log
from ..limits import Limits, Timeouts, made
from ..loop.forks import disarm
from ..loop.futures import Promise
from ..loop.loop import Loop
from ..loop.poller import READ
from ..sockets.addresses import show
from ..sockets.listening import accepting
from ..transports.stream import StreamTransport
from .accept_errors import BROKEN, FOREIGN, LOST
from .drain import DrainReport
from .peers import Peers, turn_away
from .roster import Roster
from .shortage import Shortage

BACKLOG = 1024  # newcomers the kernel holds for us; it lowers this to net.core.somaxconn by itself
ACCEPT_BUDGET = 64  # newcomers a tick: a flood of them must not starve those who are in
KEPT = frozenset({"_abandon", "is_accepting"})  # what a forked child may call


class Listener:
    """Listening sockets that share one factory, one set of limits and one set of timeouts.

    carrier: makes the carrier of a newcomer from its socket. unlink: takes the path of a Unix socket away.
    """

    _takes_bare = True  # a `socket.SocketType` for a newcomer, where no TLS comes between: see `as_python_socket`

    def __init__(
        self,
        loop: Loop,
        factory: Callable[[], Any],
        sockets: list[socket.socket],
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        on_gone: Callable[[Listener], None] | None = None,
        carrier: Callable[[socket.socket], Any] | None = None,
        unlink: Callable[[], None] | None = None,
    ) -> None:
        self._loop = loop
        self._carrier = carrier
        self._factory = factory
        self._limits = limits or Limits()
        self._timeouts = timeouts or Timeouts()
        self._on_gone = on_gone
        self._unlink = unlink
        self._roster: Roster[StreamTransport] = Roster(loop, StreamTransport, self._on_connection_gone)
        self._peers = Peers(self._limits)
        self._shortage = Shortage(loop, self)
        # Closed or out of descriptors: neither is true. Full: watching, to know that somebody waits. Else both.
        self._watching = False
        self._accepting = False
        self.addresses = [sock.getsockname() for sock in sockets]
        self._acceptors = [Acceptor(self, sock, address) for sock, address in zip(sockets, self.addresses, strict=True)]
        loop._kernel.make_room(sockets[0])
        if not self._is_full():
            self._resume()

    @property
    def port(self) -> int | None:
        """The port of the first address; None for a Unix socket."""
        address = self.addresses[0]
        return address[1] if isinstance(address, tuple) else None

    @property
    def connections(self) -> Collection[StreamTransport]:
        """The transports that were accepted here and are not over."""
        return self._roster.connections.keys()

    @property
    def sockets(self) -> list[socket.socket]:
        """What it listens on, to be passed to a successor (see `handover`); owned here, and empty once closed."""
        return [acceptor.sock for acceptor in self._acceptors]

    def is_accepting(self) -> bool:
        """False once closed, and while full or out of descriptors."""
        return self._accepting

    def keep_path(self) -> None:
        """Leave the path of a Unix socket where it is at `close`: another process serves the same socket now."""
        self._unlink = None

    def close(self) -> None:
        """Stop listening, and take the path of a Unix socket away. Connections live on. Harmless twice."""
        self._loop.runner.check()
        if self._acceptors:
            self._pause()
            if self._unlink is not None:
                self._unlink()
            while self._acceptors:
                self._acceptors.pop().close()
            self._check_gone()

    def drain(self, grace: float = 5.0) -> Promise[DrainReport]:
        """Stop listening, tell the protocols, close every connection, cut what is left after `grace` seconds."""
        self.close()
        return self._roster.drain(grace)

    def abort(self) -> None:
        """Stop listening and end every connection at once."""
        self.close()
        self._roster.abort()

    def _on_forked(self) -> None:
        """In a forked child: the newcomers, too, are the parent's."""
        self._accepting = False
        disarm(self, KEPT)
        self._roster.on_forked()

    def _abandon(self) -> None:
        """In a forked child: close our copies of the descriptors and nothing else."""
        for acceptor in self._acceptors:
            acceptor.close()
        self._roster.abandon()

    def _admit(self, sock: socket.socket, address: Any) -> bool:
        """Let one newcomer in, or turn it away. True if the next may come."""
        word = None if self._peers.idle else self._peers.refusal(address)
        if word is None:
            self._let_in(sock, address)
        else:
            self._loop.meter.refused += 1
            turn_away(sock, word if self._carrier is None else b"")
        if self._is_full():
            self._accepting = False  # but watching: somebody may give way
        return self._accepting

    def _let_in(self, sock: socket.socket, address: Any) -> None:
        try:
            protocol = made(self._factory)
            carrier = sock if self._carrier is None else self._carrier(sock)
        except BaseException as exc:
            self._loop.meter.refused += 1
            sock.close()
            if isinstance(exc, EXITS):
                raise
            return log.exception("exception in the factory for %s, which is turned away", show(address))
        sock.setblocking(False)
        self._count(address)
        self._roster.open(carrier, protocol, address, self._limits, self._timeouts)

    def _count(self, address: Any) -> None:
        self._loop.meter.accepted += 1
        if not self._peers.idle:
            self._peers.add(address)

    def _pause(self) -> None:
        self._shortage.stop()
        self._accepting = False
        if self._watching:
            self._watching = False
            for acceptor in self._acceptors:
                self._loop.poller.unregister(acceptor.fd, acceptor)

    def _resume(self) -> None:
        if self._accepting:
            return
        if any(acceptor.sock.fileno() != acceptor.fd for acceptor in self._acceptors):
            self._pause()  # somebody closed a socket while we were full: `_watch` will notice
        self._watch()
        self._accepting = self._watching and not self._is_full()

    def _watch(self) -> None:
        if self._watching:
            return
        poller = self._loop.poller
        watched: list[Acceptor] = []
        for acceptor in self._acceptors[:]:
            try:
                acceptor.fd = acceptor.sock.fileno()
                poller.register(acceptor.fd, READ, acceptor)
            except (OSError, ValueError) as exc:  # ENOSPC, ENOMEM (epoll_ctl(2)): the machine can watch no more
                for other in watched:
                    poller.unregister(other.fd, other)
                if acceptor.fd < 0:
                    return self._on_broken(acceptor, OSError(errno.EBADF, "its socket was closed"))
                return self._on_exhausted(exc if isinstance(exc, OSError) else OSError(errno.EINVAL, str(exc)))
            watched.append(acceptor)
        self._watching = bool(watched)

    def _is_full(self) -> bool:
        limit = self._limits.connections
        return limit is not None and len(self._roster.connections) >= limit

    def _on_connection_gone(self, transport: StreamTransport) -> None:
        if not self._peers.idle:
            self._peers.remove(transport.get_extra_info("peername"))
        if not (self._accepting or self._is_full()):
            self._resume()
        if not self._acceptors:
            self._check_gone()

    def _check_gone(self) -> None:
        if self._on_gone is not None and not self._acceptors and self._roster.is_empty():
            self._on_gone(self)

    def _on_exhausted(self, exc: OSError) -> None:
        """No descriptor for a newcomer: see `Shortage`."""
        self._shortage.on_exhausted(exc)

    def _on_broken(self, acceptor: Acceptor, exc: OSError) -> None:
        """A listening socket cannot accept any more: give it up. The others, and the connections, live on."""
        name = errno.errorcode.get(exc.errno or 0, "no errno")
        log.error("accepting on %s ends: %s (%s)", show(acceptor.address), exc.strerror, name)
        self._pause()
        if exc.errno in FOREIGN:
            acceptor.sock.detach()
        if self._acceptors == [acceptor]:
            return self.close()
        self._acceptors.remove(acceptor)
        acceptor.close()
        self._resume()

    def __repr__(self) -> str:
        state = "accepting" if self._accepting else "paused" if self._acceptors else "closed"
        return f"<Listener {' '.join(map(show, self.addresses))} {state} {len(self.connections)} connections>"


class Acceptor:
    """One listening socket, as the poller sees it."""

    __slots__ = ("_listener", "accept", "address", "fd", "sock")

    def __init__(self, listener: Listener, sock: socket.socket, address: Any) -> None:
        self._listener = listener
        self.address = address
        self.sock = sock
        self.accept = accepting(sock, bare=listener._takes_bare and listener._carrier is None)
        self.fd = sock.fileno()  # as it is registered: its maker may close the socket meanwhile

    def close(self) -> None:
        """Close the socket, if nobody has yet."""
        try:
            self.sock.close()
        except OSError:
            pass  # its number was closed behind its back

    def _on_ready(self, events: int) -> None:
        """Newcomers wait."""
        listener = self._listener
        listener._loop.meter.other_events += 1
        if not listener.is_accepting():
            if listener._watching:  # full, and somebody is at the door
                listener._shortage.on_crowd()
            return  # else it was closed after this batch was polled
        # A factory may close or drain the listener: until `done` it is not counted as gone. `bool` stands for "do
        # nothing": there is no attempt that a drain could fail.
        listener._roster.begin(listener, bool)
        try:
            self._accept(listener)
        finally:
            listener._roster.done(listener)
            listener._check_gone()

    def _accept(self, listener: Listener) -> None:
        """All who wait, up to the budget."""
        lost = 0
        for _ in range(ACCEPT_BUDGET):
            try:
                sock, address = self.accept()
            except BlockingIOError:
                return listener._shortage.on_nobody_waits()
            except OSError as exc:
                if exc.errno in BROKEN:
                    return listener._on_broken(self, exc)
                if exc.errno not in LOST:
                    return listener._on_exhausted(exc)
                log.info("a newcomer on %s was lost: %s", show(self.address), exc.strerror)
                lost += 1
                if lost == ACCEPT_BUDGET:
                    # So many in a row are not lost newcomers: the socket itself has this error, and would report it
                    # again at once.
                    listener._on_exhausted(exc)
                continue
            if not listener._admit(sock, address):
                return
