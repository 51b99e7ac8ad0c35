"""Keeps one outgoing connection alive. Knows no address and no carrier: it is given a way to begin an attempt.

How long to wait is the "full jitter" of Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015):

    sleep = random between 0 and min(cap, base * 2 ** attempt)

A server that restarts loses all its clients in the same moment; drawn from the whole interval, their attempts come
evenly spread over it, where a fixed delay with a little noise has them come back in waves.

The interval grows until a connection has proved stable, and that is: has lasted STABLE_AFTER. To have connected proves
little. A server that crashes on its first request, a proxy without a backend or a login that is refused connects and
hangs up, and would be called once a second for ever if each connection set the delay back.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from random import random as system_random
from typing import Any, Generic

from .boundary import EXITS, log
from .errors import ReactorError
from .loop.futures import settle
from .loop.timers import Timer
from .protocol import P
from .reactor import Reactor
from .sockets.addresses import show
from .transports.stream import StreamTransport

INITIAL_DELAY = 1.0  # seconds, at most, before the first retry: half of it on average, which a person hardly notices
MAX_DELAY = 60.0  # seconds, at most, before any: who has brought the server back waits no longer for its clients
STABLE_AFTER = 60.0  # seconds; as MAX_DELAY, so that who always hangs up is called no more often than who is down


class ReconnectingClient(Generic[P]):
    """One connection, made again whenever it is lost or cannot be made, until `stop()`.

    connect: `connect(factory)` begins an attempt and gives its future, as every connect verb of the reactor does. It
        is called for each attempt, and so may choose another server each time.
    factory: makes a protocol for each connection; its `connection_made` and `connection_lost` tell what happens.
    initial_delay, max_delay, stable_after: seconds, see the top of this module.
    max_attempts: how many in a row may fail, or make a connection that does not last for `stable_after`. None: any.
    on_retry: called as `on_retry(error, delay)` when the next attempt is `delay` seconds away; `error` is None where a
        connection was lost, and else what the attempt failed with.
    random: gives the fractions of the interval, 0 to 1; for tests.

    The first attempt begins at once. Whatever the network does (any OSError: refused, timed out, not resolved, a
    certificate that does not fit) may heal, so it is tried again. What `factory` raises, or `connect` itself, is a bug
    and does not: it is logged, and in `finished`. A drain and the end of the reactor stop the client, and it keeps
    neither of them waiting. To be used on the loop's thread.

    >>> from reactor import Protocol, Reactor, ReconnectingClient
    >>> class Hello(Protocol):
    ...     def connection_made(self, transport):
    ...         print("connected")
    ...         client.stop()  # or it would be made again whenever it is lost
    >>> reactor = Reactor()
    >>> port = reactor.listen_tcp(Protocol, "127.0.0.1", 0).port
    >>> client = ReconnectingClient(reactor, lambda factory: reactor.connect_tcp(factory, "127.0.0.1", port), Hello)
    >>> reactor.run_until(client.finished)
    connected
    >>> reactor.close()
    """

    transport: StreamTransport | None
    """The connection of the moment, from when its `connection_made` is done until its `connection_lost` is."""
    attempts: int
    """Attempts since a connection was last stable, the one under way included."""
    finished: Future[None]
    """Done when this is over: None after a stop, a drain or the end of the reactor; else the error it gave up with."""

    def __init__(
        self,
        reactor: Reactor,
        connect: Callable[[Callable[[], P]], Future[tuple[StreamTransport, P]]],
        factory: Callable[[], P],
        *,
        initial_delay: float = INITIAL_DELAY,
        max_delay: float = MAX_DELAY,
        stable_after: float = STABLE_AFTER,
        max_attempts: int | None = None,
        on_retry: Callable[[OSError | None, float], Any] | None = None,
        random: Callable[[], float] = system_random,
    ) -> None:
        if not (initial_delay > 0 and max_delay > 0 and stable_after >= 0):
            raise ValueError(f"delays must be positive: {initial_delay!r}, {max_delay!r}, {stable_after!r}")
        if max_attempts is not None and max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1, or None: {max_attempts!r}")
        self._reactor = reactor
        self._connect = connect
        self._factory = factory
        self._initial_delay = min(initial_delay, max_delay)
        self._max_delay = max_delay
        self._stable_after = stable_after
        self._max_attempts = max_attempts
        self._on_retry = on_retry
        self._random = random
        self._interval = self._initial_delay  # seconds, from which the next delay is drawn
        self._attempt: Future[tuple[StreamTransport, P]] | None = None
        self._timer: Timer | None = None
        self._since = 0.0  # when the connection of the moment was made
        self._bug: BaseException | None = None  # what the factory raised
        self._stopping = False
        self._told = ""  # what the log was told last
        self.transport = None
        self.attempts = 0
        self._begin()  # what is wrong with `connect` is raised here, before anything is left
        self.finished = reactor.promise()
        reactor._inventory.keepers[self] = None
        assert self._attempt is not None
        self._attempt.add_done_callback(self._on_attempt)

    @property
    def protocol(self) -> P | None:
        """The protocol of the connection of the moment, or None."""
        return None if self.transport is None else self.transport.get_protocol()

    def stop(self) -> None:
        """Try no more, and close the connection. Harmless twice. `finished` is done once the connection is over."""
        self._on_drain()
        if self.transport is not None:
            self.transport.close()

    def _on_drain(self) -> None:
        """Try no more, and leave the connection to itself: a drain has begun, and ends it in its own way."""
        if self._stopping:
            return
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        if self._attempt is not None:
            self._attempt.cancel()  # too late for one whose protocol is being made: `_on_made` closes it
        elif self.transport is None:
            self._finish(None)

    def _begin(self) -> None:
        self.attempts += 1
        self._bug = None
        self._attempt = self._connect(self._make)

    def _make(self) -> P:
        try:
            return self._factory()
        except BaseException as exc:
            self._bug = exc
            raise

    def _on_attempt(self, attempt: Future[tuple[StreamTransport, P]]) -> None:
        self._attempt = None
        error = CancelledError() if attempt.cancelled() else attempt.exception()
        if error is None:
            self._on_made(attempt.result()[0])
        elif self._stopping:
            self._finish(None)
        elif isinstance(error, OSError) and error is not self._bug:
            self._retry(error, str(error))
        else:
            self._finish(error)

    def _on_made(self, transport: StreamTransport) -> None:
        self.transport = transport
        self._since = self._reactor.time()
        self._told = ""
        self._reactor._inventory.clients.when_gone(transport, self._on_lost)
        if self._stopping:
            transport.close()

    def _on_lost(self) -> None:
        transport, self.transport = self.transport, None
        if self._stopping:
            return self._finish(None)
        if self._reactor.time() - self._since >= self._stable_after:
            self.attempts = 0
            self._interval = self._initial_delay
        peer = show(transport.get_extra_info("peername")) if transport else "nobody"
        self._retry(None, f"the connection to {peer} is lost")

    def _retry(self, error: OSError | None, what: str) -> None:
        if self._max_attempts is not None and self.attempts >= self._max_attempts:
            times = f"{self.attempts} connections in a row were lost within {self._stable_after} s"
            return self._finish(error or ReactorError(times))
        delay = self._random() * self._interval
        self._interval = min(self._max_delay, self._interval * 2)
        told, self._told = self._told, what
        self._timer = self._reactor.call_later(delay, self._try_again)
        tell = log.debug if what == told else log.info  # an outage of an hour is not news every second
        tell("%s; next attempt in %.1f s", what, delay)
        if self._on_retry is not None:
            self._reactor._guard(self._on_retry, (error, delay))

    def _try_again(self) -> None:
        self._timer = None
        try:
            self._begin()
        except EXITS:
            raise
        except BaseException as exc:
            return self._finish(exc)
        assert self._attempt is not None
        self._attempt.add_done_callback(self._on_attempt)

    def _finish(self, error: BaseException | None) -> None:
        self._stopping = True
        self._reactor._inventory.keepers.pop(self, None)
        if error is not None:
            bug = None if isinstance(error, (OSError, ReactorError)) and error is not self._bug else error
            log.error("no more attempts to connect: %s", error or type(error).__name__, exc_info=bug)
        settle(self.finished, error=error, told=True)

    def __repr__(self) -> str:
        if self.transport is not None:
            state = repr(self.transport)
        elif self._attempt is not None:
            state = f"connecting, attempt {self.attempts}"
        elif self._timer is not None and self._timer.active:
            state = f"next attempt in {self._timer.when - self._reactor.time():.1f} s"
        else:
            state = "finished"
        return f"<ReconnectingClient {state}>"
