"""Connections, made, kept and handed out. Knows hosts and proxies; what is said on a connection is not its business."""

from __future__ import annotations

import ssl
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol as Interface

from reactor import Limits, Reactor, ReactorError, Timeouts, Timer

from ..url import URL
from .connection import HTTPConnection
from .failures import ClientClosed
from .guard import Guard
from .proxy import Proxy
from .tunnel import open_tunnel

PER_HOST = 6  # connections: what browsers open, and what servers therefore expect of one client
KEEP_IDLE = 30.0  # seconds that an unused connection is kept: servers keep theirs for 5 (Apache) to 75 (nginx)

LIMITS = Limits(output=None)  # what waits to be sent is the caller's own body, which is in memory anyway
TIMEOUTS = Timeouts(connect=None, handshake=None, write=60.0, close=5.0)
"""Of each connection. connect, handshake: `FetchTimeouts` says. write: a server that takes nothing of a request for so
long has gone. close: our request is answered by then, so nothing is lost with a server that does not close."""

Key = tuple[tuple[str, str, int], ssl.SSLContext | None, Proxy | None]


class Customer(Interface):
    """Who needs a connection."""

    connecting: Future[Any] | None
    """The attempt that is under way for it, to be cancelled when it gives up."""
    connect_timeout: float | None

    def on_connection(self, connection: HTTPConnection) -> None: ...
    def on_no_connection(self, error: BaseException) -> None: ...
    def is_over(self) -> bool: ...


class Host:
    """The connections to one origin, by one context and one proxy: never shared with another."""

    __slots__ = ("count", "idle", "key", "proxy_fields", "url", "waiting")

    def __init__(self, key: Key, url: URL) -> None:
        self.key = key
        self.url = url
        proxy = key[2]
        self.proxy_fields = proxy.fields if proxy is not None and url.scheme == "http" else None
        """What the proxy is told in each request; None where it is not the proxy that is asked."""
        self.count = 0  # being made, in use and idle
        self.idle: list[HTTPConnection] = []  # the last one used is used next: the others can grow old
        self.waiting: deque[tuple[Customer, bool]] = deque()  # each with whether only a new one will do


class Pool:
    """Gives connections to customers, at most `per_host` for each host; the others wait for their turn, in order."""

    def __init__(
        self, reactor: Reactor, *, per_host: int = PER_HOST, idle: float = KEEP_IDLE, guard: Guard | None = None
    ) -> None:
        self.reactor = reactor
        self.guard = guard
        self.closed = False
        self._per_host = per_host
        self._idle = idle
        self._hosts: dict[Key, Host] = {}
        self._sweeper: Timer | None = None

    def acquire(
        self, customer: Customer, url: URL, tls: ssl.SSLContext | None, proxy: Proxy | None, *, fresh: bool = False
    ) -> None:
        """Call `customer.on_connection` with a connection as soon as there is one, or `on_no_connection`.

        fresh: not one that was used before.
        """
        key = url.origin, tls, proxy
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = Host(key, url)
        idle = host.idle
        while idle and not fresh:
            connection = idle.pop()
            if not connection.transport.is_closing():
                return customer.on_connection(connection)
        if host.count < self._per_host:
            self._connect(host, customer)
        else:
            host.waiting.append((customer, fresh))
            if idle:
                idle.pop(0).finish()  # only a new one will do, and this makes room for it

    def release(self, connection: HTTPConnection) -> None:
        """Take back a connection on which an exchange was completed, for whoever is next."""
        connection.exchange = None
        host = connection.host
        while host.waiting:
            customer, fresh = host.waiting[0]
            if fresh and not customer.is_over():
                return connection.finish()  # a new one is made in its place
            host.waiting.popleft()
            if not customer.is_over():
                return customer.on_connection(connection)
        connection.parked_at = self.reactor.time()
        host.idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self.reactor.call_later(self._idle, self._sweep)

    def discount(self, connection: HTTPConnection) -> None:
        """A connection is over, or as good as: another may be made in its place."""
        if not connection.counted:
            return
        connection.counted = False
        host = connection.host
        if connection in host.idle:
            host.idle.remove(connection)
        self._make_room(host)

    def close(self) -> None:
        """Close what is idle. What is in use is its customer's."""
        self.closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for host in list(self._hosts.values()):
            for connection in list(host.idle):
                connection.finish()

    def _make_room(self, host: Host) -> None:
        host.count -= 1
        while host.waiting and host.count < self._per_host:
            customer, _ = host.waiting.popleft()
            if not customer.is_over():
                self._connect(host, customer)
        if not host.count and not host.waiting:
            self._hosts.pop(host.key, None)

    def _sweep(self) -> None:
        """Close what was idle for too long. One timer for all: none has to be set for each request."""
        self._sweeper = None
        now = self.reactor.time()
        oldest = now
        for host in list(self._hosts.values()):
            for connection in list(host.idle):
                if connection.parked_at + self._idle <= now:
                    connection.finish()
                else:
                    oldest = min(oldest, connection.parked_at)
        if any(host.idle for host in self._hosts.values()):
            self._sweeper = self.reactor.call_at(oldest + self._idle, self._sweep)

    # -- making them --------------------------------------------------------------------------------------------

    def _connect(self, host: Host, customer: Customer) -> None:
        host.count += 1
        try:
            if self.closed:
                raise ClientClosed("the client is closed")
            future = self._begin(host, customer.connect_timeout)
        except Exception as exc:
            return self._failed(host, customer, exc)
        customer.connecting = future
        future.add_done_callback(partial(self._on_connected, host, customer))

    def _begin(self, host: Host, timeout: float | None) -> Future[Any]:
        url, (_, tls, proxy) = host.url, host.key
        if proxy is not None:
            if self.guard is not None:
                self.guard.check_proxied(url.host, url.port)
            if url.scheme == "https":
                make = partial(HTTPConnection, self, host)
                return open_tunnel(self.reactor, make, url, proxy, tls, timeout, LIMITS, TIMEOUTS)
        target = url if proxy is None else proxy.url
        return self.reactor.connect_tcp(
            partial(HTTPConnection, self, host),
            target.host,
            target.port,
            tls=(tls or True) if target.scheme == "https" else None,
            server_hostname=target.certificate_name if target.scheme == "https" else None,
            allow=None if self.guard is None or proxy is not None else self.guard.check_connect,
            timeout=timeout,
            limits=LIMITS,
            timeouts=TIMEOUTS,
        )

    def _on_connected(self, host: Host, customer: Customer, future: Future[Any]) -> None:
        if future.cancelled():
            # In whatever thread that was.
            self._soon(self._make_room, host)
        elif (error := future.exception()) is not None:
            self._failed(host, customer, error)
        else:
            _, connection = future.result()
            customer.connecting = None
            if customer.is_over():
                connection.give_up()
            else:
                customer.on_connection(connection)

    def _failed(self, host: Host, customer: Customer, error: BaseException) -> None:
        customer.connecting = None
        self.reactor.call_soon(self._make_room, host)  # soon: who is next may fail at once as well, and so on
        customer.on_no_connection(error)

    def _soon(self, fn: Any, *args: Any) -> None:
        try:
            self.reactor.call_soon_threadsafe(fn, *args)
        except ReactorError:
            pass  # closed meanwhile: there is no room to make any more
