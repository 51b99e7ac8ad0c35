"""Finds the master by asking Sentinels, one after the other, and connects to it. Knows nothing of what is said there.

"Guidelines for Redis clients with support for Redis Sentinel" (redis.io, develop/reference/sentinel-clients): the
address is asked for anew at each attempt, and whoever is connected asks ROLE before believing it (see `login`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from reactor import Reactor, StreamTransport

from .connection import RedisConnection
from .errors import RedisError
from .url import RedisURL
from .wire import encode

Made = tuple[StreamTransport, Any]
Connect = Callable[[Callable[[], Any], str, int], Future[Made]]


class MasterSearch:
    """One attempt: `future` holds the connection to the master, or an OSError. Cancelling it ends the attempt."""

    def __init__(
        self, reactor: Reactor, url: RedisURL, connect: Connect, factory: Callable[[], Any], timeout: float
    ) -> None:
        self._reactor = reactor
        self._url = url
        self._connect = connect
        self._factory = factory
        self._timeout = timeout
        self._sentinels: Iterator[tuple[str, int]] = iter(url.hosts)
        self._faults: list[str] = []
        self._asking: RedisConnection | None = None
        self._step: Future[Made] | None = None
        self.future: Future[Made] = Future()
        self.future.add_done_callback(self._on_done)
        self._next()

    # The questions of a connection to a Sentinel: its owner is this.

    def on_made(self, connection: RedisConnection) -> None:
        self._asking = connection
        connection.ask(self._on_address, encode(("SENTINEL", "get-master-addr-by-name", self._url.master)))

    def on_push(self, connection: RedisConnection, push: list[Any]) -> None:
        """A Sentinel that was asked nothing of the kind."""

    def on_over(self, connection: RedisConnection, error: RedisError) -> None:
        """`_on_address` has heard of it."""

    def on_drain(self, connection: RedisConnection, grace: float) -> bool:
        return False

    def _next(self) -> None:
        sentinel = next(self._sentinels, None)
        if sentinel is None:
            master = self._url.master
            return self._fail(OSError(f"no Sentinel knows where {master} is: {'; '.join(self._faults)}"))
        make = self._make_asking
        self._begin(self._connect(make, *sentinel), self._on_no_sentinel)

    def _make_asking(self) -> RedisConnection:
        return RedisConnection(self._reactor, self, self._timeout, None)

    def _begin(self, step: Future[Made], failed: Callable[[BaseException], None]) -> None:
        def check(step: Future[Made]) -> None:
            if not step.cancelled() and (error := step.exception()) is not None and not self.future.done():
                failed(error)

        self._step = step
        step.add_done_callback(check)

    def _on_no_sentinel(self, error: BaseException) -> None:
        self._faults.append(str(error))
        self._next()

    def _on_address(self, reply: Any) -> None:
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.transport.close()
        if self.future.done():
            return
        if isinstance(reply, RedisError):
            self._faults.append(str(reply))
            return self._next()
        try:
            host, port = reply[0].decode(), int(reply[1])
            step = self._connect(self._factory, host, port)
        except (TypeError, ValueError, IndexError, AttributeError):
            self._faults.append("one does not know it" if reply is None else "one gives no address")
            return self._next()
        self._begin(step, self._fail)
        step.add_done_callback(self._on_connected)

    def _on_connected(self, step: Future[Made]) -> None:
        if step.cancelled() or step.exception() is not None:
            return
        if self.future.done() or not self.future.set_running_or_notify_cancel():
            return step.result()[0].abort()
        self.future.set_result(step.result())

    def _fail(self, error: BaseException) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)

    def _on_done(self, future: Future[Made]) -> None:
        if not future.cancelled():
            return
        if self._step is not None:
            self._step.cancel()
        if self._asking is not None:
            self._asking.transport.abort()
