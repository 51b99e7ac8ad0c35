"""Accepts connections and counts them. Owns listening sockets; knows nothing of what the connections say."""

from __future__ import annotations

import errno
import logging
import socket
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
    ) -> None:
        self._loop = loop
        self._factory = factory
        self._limits = limits or Limits()
        self._timeouts = timeouts or Timeouts()
        self._on_gone = on_gone
        self._roster = Roster(loop, self._on_left)
        self._per_peer: Counter[str] = Counter()
        self._retry: Timer | None = None
        self._short = False  # descriptors ran out and none has been had since
        self._accepting = False
        self.addresses = [sock.getsockname() for sock in sockets]
        self._acceptors = [Acceptor(self, sock) for sock in sockets]
        self.resume()

    @property
    def port(self) -> int | None:
        """The port of the first address; None for a Unix socket."""
        address = self.addresses[0]
        return address[1] if isinstance(address, tuple) else None

    @property
    def connections(self) -> Collection[StreamTransport]:
        """The transports that were accepted here and are not over."""
        return self._roster.connections

    def close(self) -> None:
        """Stop listening. Connections live on. Harmless twice."""
        if self._acceptors:
            self.pause()
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

    def pause(self) -> None:
        """Accept nobody for now: newcomers wait in the backlog."""
        if self._retry is not None:
            self._retry.cancel()
        if self._accepting:
            self._accepting = False
            for acceptor in self._acceptors:
                self._loop.poller.unregister(acceptor.sock.fileno())

    def resume(self) -> None:
        """Accept again."""
        if not self._accepting and self._acceptors:
            self._accepting = True
            for acceptor in self._acceptors:
                self._loop.poller.register(acceptor.sock.fileno(), READ, acceptor)

    def admit(self, sock: socket.socket, address: Any) -> None:
        """Seat one newcomer, or turn it away."""
        self._short = False
        try:
            sock.setblocking(False)
            protocol = self._protocol_for(address)
        except BaseException:
            sock.close()
            raise
        if protocol is None:
            sock.close()
            return
        transport = StreamTransport(self._loop, sock, protocol, self._roster, address, self._limits, self._timeouts)
        self._roster.connections.add(transport)
        self._loop.accepted += 1
        if self._is_full():
            self.pause()
        transport.start()

    def _protocol_for(self, address: Any) -> Any:
        limit = self._limits.per_peer
        if limit is not None:
            key = peer_key(address)
            if self._per_peer[key] >= limit:
                log.info("%s turned away: it has %d connections already", show(address), limit)
                return None
            self._per_peer[key] += 1
        try:
            return self._factory()
        except Exception:
            log.exception("exception in the factory for %s, which is turned away", show(address))
            if limit is not None:
                self._forget_peer(address)
            return None

    def _is_full(self) -> bool:
        limit = self._limits.connections
        return limit is not None and len(self._roster.connections) >= limit

    def _on_left(self, transport: StreamTransport) -> None:
        if self._limits.per_peer is not None:
            self._forget_peer(transport.get_extra_info("peername"))
        if not self._accepting and not self._is_full():
            self.resume()
        self._check_gone()

    def _check_gone(self) -> None:
        if self._on_gone is not None and not self._acceptors and not self._roster.connections:
            self._on_gone(self)

    def _forget_peer(self, address: Any) -> None:
        key = peer_key(address)
        self._per_peer[key] -= 1
        if not self._per_peer[key]:
            del self._per_peer[key]

    def on_exhausted(self, exc: OSError) -> None:
        """No descriptor (or memory) for a newcomer: it waits in the backlog until there is one.

        EMFILE, ENFILE, ENOBUFS, ENOMEM: to go on polling would report them again at once and for ever. Accepting
        resumes when a connection ends, and by a timer, because the descriptors may be somebody else's.
        """
        self.pause()
        if not self._short:
            self._short = True
            log.warning("accepting on %s pauses: %s", show(self.addresses[0]), exc.strerror)
        if self._retry is None:
            self._retry = self._loop.call_later(RETRY, self.resume)
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
        for _ in range(ACCEPT_BUDGET):
            if not self._listener._accepting:
                return  # full, or closed, by the one before
            try:
                sock, address = self.sock.accept()
            except BlockingIOError:
                return
            except OSError as exc:
                if exc.errno not in LOST:
                    return self._listener.on_exhausted(exc)
                log.info("a newcomer on %s was lost: %s", show(self._listener.addresses[0]), exc.strerror)
                continue
            self._listener.admit(sock, address)
