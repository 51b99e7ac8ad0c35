"""Connections, made, kept and handed out. Knows hosts and proxies; what is said on a connection is not its business."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol as Interface

from reactor import Limits, Reactor, ReactorError, Timeouts, Timer, attempt

from ..url import URL
from .connection import HTTPConnection
from .failures import ClientClosed, proxy_failure
from .guard import Guard
from .proxies.choice import Proxy
from .proxies.tunnel import open_tunnel

PER_HOST = 6  # connections: what browsers open, and what servers therefore expect of one client
KEEP_IDLE = 30.0  # seconds that an unused connection is kept: servers keep theirs for 5 (Apache) to 75 (nginx)

LIMITS = Limits(output=None)  # what waits to be sent is the caller's own body, which is in memory anyway
TIMEOUTS = Timeouts(connect=None, handshake=None, write=60.0, close=5.0)
"""Of each connection. connect, handshake: `FetchTimeouts` says. write: a server that takes nothing of a request for so
long has gone. close: our request is answered by then, so nothing is lost with a server that does not close."""

Key = tuple[tuple[str, str, int], ssl.SSLContext | None, Proxy | None]


class Requester(Interface):
    """What needs a connection. The pool calls one of `on_connection` and `on_no_connection`, unless it gives up."""

    withdraw: Callable[[], Any] | None
    """Set by the pool while it waits: to be called when it gives up. Nothing of it stays in the pool then."""
    connect_timeout: float | None

    def on_connection(self, connection: HTTPConnection) -> None: ...
    def on_no_connection(self, error: BaseException) -> None: ...
    def is_over(self) -> bool: ...


class Pool:
    """Gives connections to requesters, at most `per_host` for each host; the others wait for their turn, in order."""

    def __init__(
        self, reactor: Reactor, *, per_host: int = PER_HOST, idle: float = KEEP_IDLE, guard: Guard | None = None
    ) -> None:
        self.reactor = reactor
        self.guard = guard
        self.per_host = per_host
        self.keep_idle = idle
        self.closed = False
        self._hosts: dict[Key, HostPool] = {}
        self._sweeper: Timer | None = None

    def acquire(
        self, requester: Requester, url: URL, tls: ssl.SSLContext | None, proxy: Proxy | None, *, fresh: bool = False
    ) -> None:
        """Call `requester.on_connection` with a connection as soon as there is one, or `on_no_connection`.

        fresh: not one that was used before.
        """
        key = url.origin, tls, proxy
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = HostPool(self, key, url)
        host.acquire(requester, fresh=fresh)

    def close(self) -> None:
        """Close what is idle. What is in use is its requester's."""
        self.closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for host in list(self._hosts.values()):
            for connection in list(host.idle):
                connection.finish()

    def on_idle(self) -> None:
        """A connection waits for a next request."""
        if self._sweeper is None:
            self._sweeper = self.reactor.call_later(self.keep_idle, self._sweep)

    def forget(self, key: Key) -> None:
        """A host without connections."""
        self._hosts.pop(key, None)

    def _sweep(self) -> None:
        """Close what was idle for too long. One timer for all: none has to be set for each request."""
        self._sweeper = None
        now = self.reactor.time()
        oldest = now
        for host in list(self._hosts.values()):
            for connection in list(host.idle):
                if connection.idle_since + self.keep_idle <= now:
                    connection.finish()
                else:
                    oldest = min(oldest, connection.idle_since)
        if any(host.idle for host in self._hosts.values()):
            self._sweeper = self.reactor.call_at(oldest + self.keep_idle, self._sweep)


class HostPool:
    """The connections to one origin, by one context and one proxy: never shared with another."""

    __slots__ = ("_count", "_key", "_pool", "_proxy_fields", "_url", "_waiting", "idle")

    def __init__(self, pool: Pool, key: Key, url: URL) -> None:
        self._pool = pool
        self._key = key
        self._url = url
        proxy = key[2]
        self._proxy_fields = proxy.fields if proxy is not None and url.scheme == "http" else None
        self._count = 0  # being made, in use and idle
        self.idle: list[HTTPConnection] = []  # the last one used is used next: the others can grow old
        self._waiting: OrderedDict[Requester, bool] = OrderedDict()  # each with whether only a new one will do

    def acquire(self, requester: Requester, *, fresh: bool) -> None:
        """See `Pool.acquire`."""
        while self.idle and not fresh:
            connection = self.idle.pop()
            if self._is_good(connection):
                return requester.on_connection(connection)
            connection.finish()
        if self._count < self._pool.per_host:
            return self._connect(requester)
        self._waiting[requester] = fresh
        requester.withdraw = partial(self._waiting.pop, requester, None)
        if self.idle:
            self.idle.pop(0).finish()  # only a new one will do, and this makes room for it

    def on_free(self, connection: HTTPConnection) -> None:
        """A connection on which an exchange was completed, for whoever is next."""
        usable = not self._waiting or connection.is_usable()
        while self._waiting:
            requester, fresh = next(iter(self._waiting.items()))
            if not requester.is_over() and (fresh or not usable):
                return connection.finish()  # a new one is made in its place
            del self._waiting[requester]
            requester.withdraw = None
            if not requester.is_over():
                return requester.on_connection(connection)
        connection.idle_since = self._pool.reactor.time()
        self.idle.append(connection)
        self._pool.on_idle()

    def on_over(self, connection: HTTPConnection) -> None:
        """See `Owner`."""
        if connection in self.idle:
            self.idle.remove(connection)
        self._make_room()

    def _is_good(self, connection: HTTPConnection) -> bool:
        """Its age is looked at here as well: a loop that does not run sweeps nothing."""
        return connection.idle_since + self._pool.keep_idle > self._pool.reactor.time() and connection.is_usable()

    def _make_room(self) -> None:
        self._count -= 1
        while self._waiting and self._count < self._pool.per_host:
            requester, _ = self._waiting.popitem(last=False)
            requester.withdraw = None
            if not requester.is_over():
                self._connect(requester)
        if not self._count and not self._waiting:
            self._pool.forget(self._key)

    # -- making them --------------------------------------------------------------------------------------------

    def _connect(self, requester: Requester) -> None:
        self._count += 1
        if self._pool.closed:
            return self._failed(requester, ClientClosed("the client is closed"))
        future, error = attempt(self._begin, requester.connect_timeout)
        if error is not None:
            return self._failed(requester, error)
        requester.withdraw = future.cancel
        future.add_done_callback(partial(self._on_connected, requester))

    def _begin(self, timeout: float | None) -> Future[Any]:
        reactor, guard = self._pool.reactor, self._pool.guard
        url, (_, tls, proxy) = self._url, self._key
        make = partial(HTTPConnection, self, self._proxy_fields, proxy)
        if proxy is not None:
            if guard is not None:
                guard.check_proxied(url.host, url.port)
            if url.scheme == "https":
                return open_tunnel(reactor, make, url, proxy, tls, timeout, LIMITS, TIMEOUTS)
        target = url if proxy is None else proxy.url
        return reactor.connect_tcp(
            make,
            target.place,
            target.port,
            tls=((proxy and proxy.tls) or tls or True) if target.scheme == "https" else None,
            server_hostname=target.certificate_name if target.scheme == "https" else None,
            allow=None if guard is None or proxy is not None else guard.check_connect,
            timeout=timeout,
            limits=LIMITS,
            timeouts=TIMEOUTS,
        )

    def _on_connected(self, requester: Requester, future: Future[Any]) -> None:
        if future.cancelled():
            # In whatever thread that was.
            self._soon(self._make_room)
        elif (error := future.exception()) is not None:
            self._failed(requester, error)
        else:
            _, connection = future.result()
            requester.withdraw = None
            if requester.is_over():
                connection.give_up()
            else:
                requester.on_connection(connection)

    def _failed(self, requester: Requester, error: BaseException) -> None:
        requester.withdraw = None
        proxy = self._key[2]
        if proxy is not None and self._url.scheme == "http":
            error = proxy_failure(proxy, error)
        self._pool.reactor.call_soon(self._make_room)  # soon: who is next may fail at once as well, and so on
        requester.on_no_connection(error)

    def _soon(self, fn: Any, *args: Any) -> None:
        try:
            self._pool.reactor.call_soon_threadsafe(fn, *args)
        except ReactorError:
            pass  # closed meanwhile: there is no room to make any more
