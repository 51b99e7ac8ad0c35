"""A connection to Redis that is made and logged in again whenever it is lost. Knows nothing of who asks what.

A server that restarts is back within a second or two, and whoever waits for it should not wait longer than that: the
delays are the reactor's own, drawn from up to 0.05 s at first and up to 2 s later.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from concurrent.futures import Future
from random import random as system_random
from typing import Any, Protocol as Interface

from reactor import Limits, Reactor, ReconnectingClient, StreamTransport, Timeouts

from .connection import RedisConnection
from .errors import ClientClosed, ConnectionLost, LoginRefused, RedisError
from .login import Login
from .sentinel import MasterSearch
from .url import Password, RedisURL

INITIAL_DELAY = 0.05  # seconds, at most, before the second attempt
MAX_DELAY = 2.0  # seconds, at most, before any
STABLE_AFTER = 2.0  # seconds: who hangs up sooner is called as seldom as who is down
TIMEOUTS = Timeouts(write=None, close=1.0)  # a question has its own time; nothing of ours is on the way when we close
LIMITS = Limits()


class Owner(Interface):
    """Who has the line."""

    def on_ready(self, line: Line) -> None: ...
    def on_down(self, line: Line, error: Exception) -> None: ...
    def on_push(self, push: list[Any]) -> None: ...
    def on_finished(self, line: Line, error: Exception) -> None: ...
    def on_drain(self, line: Line, grace: float) -> bool: ...


class Line:
    """One line to one server; `connection` is what can be asked on, None until it is logged in."""

    def __init__(
        self,
        reactor: Reactor,
        owner: Owner,
        url: RedisURL,
        *,
        tls: ssl.SSLContext | bool | None,
        password: Password,
        timeout: float,
        ping: float | None,
        max_delay: float = MAX_DELAY,
        random: Callable[[], float] = system_random,
    ) -> None:
        self._reactor = reactor
        self._owner = owner
        self._url = url
        self._tls = tls
        self._password = password
        self._timeout = timeout
        self._ping = ping
        self._refused: LoginRefused | None = None
        self.connection: RedisConnection | None = None
        self.resp3 = False
        self._client = ReconnectingClient(
            reactor, self._connect, self._make, initial_delay=INITIAL_DELAY, max_delay=max_delay,
            stable_after=STABLE_AFTER, on_retry=self._on_retry, random=random,
        )  # fmt: skip
        self._client.finished.add_done_callback(self._on_finished)

    def stop(self) -> None:
        """End at once, for good."""
        self._client.stop()
        connection = self.connection
        if connection is not None:
            connection.drop(ClientClosed("the client is closed"))

    # -- making it ----------------------------------------------------------------------------------------------

    def _connect(self, factory: Callable[[], Any]) -> Future[tuple[StreamTransport, Any]]:
        if self._url.master:
            return MasterSearch(self._reactor, self._url, self._reach, factory, self._timeout).future
        return self._reach(factory, *self._url.hosts[0])

    def _reach(self, factory: Callable[[], Any], host: str, port: int) -> Future[tuple[StreamTransport, Any]]:
        return self._reactor.connect_tcp(
            factory, host, port, tls=self._tls, timeout=self._timeout, limits=LIMITS, timeouts=TIMEOUTS
        )

    def _make(self) -> RedisConnection:
        return RedisConnection(self._reactor, self, self._timeout, self._ping)

    def on_made(self, connection: RedisConnection) -> None:
        """Log in before anything else is asked."""
        try:
            password = self._password() if callable(self._password) else self._password
        except OSError as error:
            return connection.drop(ConnectionLost(f"no password: {error}"))
        login = Login(self._url, password or "", lambda error: self._on_login(connection, login, error))
        login.begin(connection.ask)

    def _on_login(self, connection: RedisConnection, login: Login, error: RedisError | None) -> None:
        if error is None:
            self.connection = connection
            self.resp3 = login.resp3
            connection.must_write = bool(self._url.master)
            connection.begin_pinging()
            self._owner.on_ready(self)
        else:
            connection.drop(error)

    # -- losing it ----------------------------------------------------------------------------------------------

    def on_push(self, connection: RedisConnection, push: list[Any]) -> None:
        self._owner.on_push(push)

    def on_over(self, connection: RedisConnection, error: RedisError) -> None:
        self.connection = None
        self._owner.on_down(self, error)

    def on_drain(self, connection: RedisConnection, grace: float) -> bool:
        return connection is self.connection and self._owner.on_drain(self, grace)

    def _on_retry(self, error: OSError | None, delay: float) -> None:
        if error is not None:  # else a connection was lost, and `on_over` has said why
            self._owner.on_down(self, error)

    def _on_finished(self, finished: Future[None]) -> None:
        error = None if finished.cancelled() else finished.exception()
        self._owner.on_finished(self, error if isinstance(error, Exception) else ClientClosed("the client is closed"))
