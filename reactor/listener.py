"""Accepts connections and counts them. Owns listening sockets; knows nothing of what the connections say."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any

from .addresses import peer_key, show
from .limits import Limits, Timeouts
from .loop import Loop
from .poller import READ
from .roster import DrainReport, Roster
from .timers import Timer
from .tls import TLSSocket
from .transport import StreamTransport

log = logging.getLogger("reactor")

BACKLOG = 1024  # newcomers the kernel holds for us; it lowers this to net.core.somaxconn by itself
ACCEPT_BUDGET = 64  # newcomers a tick: a flood of them must not starve the seated
RETRY = 1.0  # seconds until accepting is tried again when descriptors ran out and none of ours was given back

LOST = frozenset(
    {
        errno.ECONNABORTED, errno.ECONNRESET, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.ENETUNREACH,
        errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.ETIMEDOUT,
    }
)  # fmt: skip
"""accept(2) reports here what the network did to a connection that was not accepted yet: it is gone, on to the next."""


class Listener:
    """Listening sockets that share one factory, one set of limits and one set of timeouts."""

    def __init__(
        self,
        loop: Loop,
        factory: Callable[[], Any],
        sockets: list[socket.socket],
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        on_gone: Callable[[Listener], None] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._loop = loop
        self._tls = tls
        self._factory = factory
        self._limits = limits or Limits()
        self._timeouts = timeouts or Timeouts()
        self._on_gone = on_gone
        self._roster: Roster[StreamTransport] = Roster(loop, self._on_left)
        self._per_peer: Counter[str] = Counter()
        self._retry: Timer | None = None
        self._short = False  # descriptors ran out and none has been had since
        self._accepting = False
        self._seating = False  # a factory may close us: we are not gone while it seats somebody
        self.addresses = [sock.getsockname() for sock in sockets]
        self._acceptors = [Acceptor(self, sock) for sock in sockets]
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
        return self._roster.connections

    def is_accepting(self) -> bool:
        """False once closed, and while full or out of descriptors."""
        return self._accepting

    def close(self) -> None:
        """Stop listening. Connections live on. Harmless twice."""
        if self._acceptors:
            self._pause()
            acceptors, self._acceptors = self._acceptors, []
            for acceptor in acceptors:
                acceptor.sock.close()
            self._check_gone()

    def drain(self, grace: float = 5.0) -> Future[DrainReport]:
        """Stop listening, tell the protocols, close every connection, cut what is left after `grace` seconds."""
        self.close()
        return self._roster.drain(grace)

    def abort(self) -> None:
        """Stop listening and end every connection at once."""
        self.close()
        self._roster.abort()

    def abandon(self) -> None:
        """In a forked child: close our copies of the descriptors and nothing else."""
        for acceptor in self._acceptors:
            acceptor.sock.close()
        self._roster.abandon()

    def admit(self, sock: socket.socket, address: Any) -> bool:
        """Seat one newcomer, or turn it away. True if the next may come."""
        self._short = False
        self._seating = True
        try:
            if self._has_too_many(address):
                log.info("%s turned away: it has %d connections already", show(address), self._limits.per_peer)
                sock.close()
            else:
                self._seat(sock, address)
        finally:
            self._seating = False
        if self._is_full():
            self._pause()
        self._check_gone()
        return self._accepting

    def _has_too_many(self, address: Any) -> bool:
        limit = self._limits.per_peer
        return limit is not None and self._per_peer[peer_key(address)] >= limit

    def _seat(self, sock: socket.socket, address: Any) -> None:
        try:
            protocol = self._factory()
        except Exception:
            log.exception("exception in the factory for %s, which is turned away", show(address))
            return sock.close()
        sock.setblocking(False)
        if self._limits.per_peer is not None:
            self._per_peer[peer_key(address)] += 1
        carrier: Any = sock
        if self._tls is not None:
            carrier = TLSSocket(self._loop.call_soon, sock, self._loop.poller, self._tls, server_side=True)
        transport = StreamTransport(self._loop, carrier, protocol, self._roster, address, self._limits, self._timeouts)
        self._loop.accepted += 1
        self._roster.seat(transport)

    def _pause(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        if self._accepting:
            self._accepting = False
            for acceptor in self._acceptors:
                self._loop.poller.unregister(acceptor.sock.fileno())

    def _resume(self) -> None:
        if not self._accepting and self._acceptors:
            self._accepting = True
            for acceptor in self._acceptors:
                self._loop.poller.register(acceptor.sock.fileno(), READ, acceptor)

    def _is_full(self) -> bool:
        limit = self._limits.connections
        return limit is not None and len(self._roster.connections) >= limit

    def _on_left(self, transport: StreamTransport) -> None:
        if self._limits.per_peer is not None:
            key = peer_key(transport.get_extra_info("peername"))
            self._per_peer[key] -= 1
            if not self._per_peer[key]:
                del self._per_peer[key]
        if not self._is_full():
            self._resume()
        self._check_gone()

    def _check_gone(self) -> None:
        if self._on_gone is not None and not (self._acceptors or self._roster.connections or self._seating):
            self._on_gone(self)

    def on_exhausted(self, exc: OSError) -> None:
        """No descriptor (or memory) for a newcomer: it waits in the backlog until there is one.

        EMFILE, ENFILE, ENOBUFS, ENOMEM: to go on polling would report them again at once and for ever. Accepting
        resumes when a connection ends, and by a timer, because the descriptors may be somebody else's.
        """
        self._pause()
        if not self._short:
            self._short = True
            log.warning("accepting on %s pauses: %s", show(self.addresses[0]), exc.strerror)
        if self._retry is None:
            self._retry = self._loop.call_later(RETRY, self._resume)
        else:
            self._retry.reset(RETRY)

    def __repr__(self) -> str:
        state = "accepting" if self._accepting else "paused" if self._acceptors else "closed"
        return f"<Listener {' '.join(map(show, self.addresses))} {state} {len(self.connections)} connections>"


class Acceptor:
    """One listening socket, as the poller sees it."""

    __slots__ = ("_listener", "sock")

    def __init__(self, listener: Listener, sock: socket.socket) -> None:
        self._listener = listener
        self.sock = sock

    def on_ready(self, events: int) -> None:
        """Newcomers wait."""
        if not self._listener.is_accepting():
            return  # full or closed since this batch was polled
        listener = self._listener
        for _ in range(ACCEPT_BUDGET):
            try:
                sock, address = self.sock.accept()
            except BlockingIOError:
                return
            except OSError as exc:
                if exc.errno not in LOST:
                    return listener.on_exhausted(exc)
                log.info("a newcomer on %s was lost: %s", show(listener.addresses[0]), exc.strerror)
                continue
            if not listener.admit(sock, address):
                return
