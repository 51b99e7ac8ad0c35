"""The client: questions as futures or with callbacks, channels, on a line that comes back by itself."""

from __future__ import annotations

import logging
import ssl
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from functools import partial
from random import random as system_random
from typing import Any

from reactor import Reactor, Timer, attempt

from ..admission.quiet import tell_bug
from .connection import Answer, Confirmation, RedisConnection, tell
from .errors import AnswerTimeout, ClientClosed, LoginRefused, RedisError, ReplyError, TooMuchWaiting
from .line import MAX_DELAY, Line
from .url import Password, parse_redis_url
from .wire import Argument, encode

log = logging.getLogger("protocols.redis")

TIMEOUT = 5.0  # seconds for an answer: a Redis that is well answers within milliseconds, one that forks in a second
PING = 10.0  # seconds of silence: less than the 60 of the strictest firewalls, and nothing to a server
MAX_WAITING = 16 * 1024 * 1024  # bytes of commands that wait for a connection: minutes of a busy chat

OnMessage = Callable[[bytes, bytes], object]


class RedisClient:
    """A Redis server, or the master of a Sentinel's set, as long as there is one.

    It connects by itself, again and again, until `close` or the end of the reactor. What is asked while there is no
    connection waits for one, `timeout` at most; what was asked when a connection is lost fails with ConnectionLost and
    is not asked again, because nobody knows whether it was done. To be used on the loop's thread.

    url: see `protocols.redis.url`. Raises ValueError for what is none.
    tls: a context for rediss://; None verifies against the system's roots.
    password: in place of the URL's; or a function that gives it at each login, see `password_from_file`.
    timeout: seconds for an answer, for connecting and for waiting. A question without an answer in time fails with
        AnswerTimeout, and the connection is dropped. So a command that blocks must ask for less.
    ping: seconds of silence after which the server is asked whether it is there; None never asks.
    on_ready: called after each login. on_down: called with the error whenever a connection is lost or not made.
    on_drain: called with the grace when a drain of the reactor begins; if it returns true the connection stays until
        `close`, or until the grace is over. Without it, it stays until what was asked is answered.
    max_delay, random: see `ReconnectingClient`.
    """

    def __init__(
        self,
        reactor: Reactor,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        password: Password = None,
        timeout: float = TIMEOUT,
        ping: float | None = PING,
        on_ready: Callable[[], object] | None = None,
        on_down: Callable[[Exception], object] | None = None,
        on_drain: Callable[[float], bool] | None = None,
        max_delay: float = MAX_DELAY,
        random: Callable[[], float] = system_random,
    ) -> None:
        self.url = parse_redis_url(url)
        if not timeout > 0 or (ping is not None and not ping > 0):
            raise ValueError(f"timeout and ping are positive: {timeout!r}, {ping!r}")
        self._reactor = reactor
        self._timeout = timeout
        self._on_ready = on_ready
        self._on_down = on_down
        self._on_drain = on_drain
        self._waiting: deque[tuple[float, Answer, bytes]] = deque()  # until when, for whom, what
        self._waiting_size = 0
        self._waiting_timer: Timer | None = None
        self._channels: dict[bytes, OnMessage] = {}
        self._unconfirmed: dict[bytes, Future[None]] = {}
        self._connection: RedisConnection | None = None
        self._closed = False
        self._open_line = partial(
            Line, reactor, self, self.url, tls=(tls or True) if self.url.tls else tls,
            password=self.url.password if password is None else password, timeout=timeout, ping=ping,
            max_delay=max_delay, random=random,
        )  # fmt: skip
        self._feed: Line | None = None  # where the server knows only RESP2: channels have a connection of their own
        self._line = self._open_line()

    @property
    def connected(self) -> bool:
        """There is a connection, and it is logged in."""
        return self._connection is not None

    @property
    def outstanding(self) -> int:
        """Questions that have no answer yet, those that wait for a connection included."""
        return len(self._waiting) + (0 if self._connection is None else self._connection.outstanding)

    # -- asking -------------------------------------------------------------------------------------------------

    def execute(self, *command: Argument) -> Future[Any]:
        """Ask; the future holds the answer, or a RedisError. Cancelling it only means that nobody waits any more.

        Raises TypeError or ValueError for what cannot be sent.
        """
        future: Future[Any] = self._reactor.promise(own=True)
        self.send(partial(_settle, future), encode(command))
        return future

    def call(self, answer: Answer, *command: Argument) -> None:
        """As `execute`, for the hot path: `answer` is called with the reply, or with the RedisError instead of one.

        Costs neither a future nor a timer. Is called exactly once, and on the loop's thread; before this returns only
        where the client is closed or too much waits.
        """
        self.send(answer, encode(command))

    def send(self, answer: Answer, command: bytes, *, last: bool = False) -> None:
        """As `call`, with a command that is encoded already, see `Prepared`.

        last: nothing more is asked in this tick. Then a question asked late in it, in a `call_soon`, still leaves in
        this tick.
        """
        if self._connection is not None:
            return self._connection.ask(answer, command, last)
        if self._closed:
            return tell(self._reactor, answer, ClientClosed("the client is closed"))
        if self._waiting_size + len(command) > MAX_WAITING:
            return tell(self._reactor, answer, TooMuchWaiting(f"more than {MAX_WAITING} bytes wait for a connection"))
        self._waiting.append((self._reactor.time() + self._timeout, answer, command))
        self._waiting_size += len(command)
        if self._waiting_timer is None:
            self._waiting_timer = self._reactor.call_later(self._timeout, self._give_up_waiting)

    def _give_up_waiting(self) -> None:
        """Fail what has waited for long enough. One timer for all."""
        self._waiting_timer = None
        now = self._reactor.time()
        while self._waiting and self._waiting[0][0] <= now:
            _, answer, command = self._waiting.popleft()
            self._waiting_size -= len(command)
            tell(self._reactor, answer, AnswerTimeout(f"no connection to {self.url} within {self._timeout:g} s"))
        if self._waiting and self._waiting_timer is None:
            self._waiting_timer = self._reactor.call_at(self._waiting[0][0], self._give_up_waiting)

    def _take_waiting(self) -> deque[tuple[float, Answer, bytes]]:
        waiting, self._waiting = self._waiting, deque()
        self._waiting_size = 0
        if self._waiting_timer is not None:
            self._waiting_timer.cancel()
            self._waiting_timer = None
        return waiting

    # -- channels -----------------------------------------------------------------------------------------------

    def subscribe(self, channel: str | bytes, callback: OnMessage) -> Future[None]:
        """Call `callback(channel, data)` for each message; a channel has one callback, the last.

        The future is done when the server has confirmed, however many connections that takes; it holds a RedisError
        where the server refuses. The subscription is repeated on each new connection. What is published meanwhile is
        lost: who must not miss anything reads a stream.
        """
        key = channel.encode() if isinstance(channel, str) else channel
        future: Future[None] = self._reactor.promise(own=True)
        if self._closed:
            _settle(future, ClientClosed("the client is closed"))
            return future
        self._channels[key] = callback
        self._superseded(key)
        self._unconfirmed[key] = future
        if self._connection is not None:
            self._feed_channels()
            if (connection := self._feeding()) is not None:
                self._ask_channel(connection, key)
        return future

    def unsubscribe(self, channel: str | bytes) -> Future[None] | None:
        """Call back no more. The future is done when the server has confirmed; None where it had never heard of it."""
        key = channel.encode() if isinstance(channel, str) else channel
        self._superseded(key)
        connection = self._feeding()
        if self._channels.pop(key, None) is None or connection is None:
            return None
        future: Future[None] = self._reactor.promise(own=True)
        confirmed = Confirmation(b"unsubscribe", key, partial(_settle_confirmed, future))
        connection.ask(confirmed, encode(("UNSUBSCRIBE", key)))
        return future

    def _superseded(self, key: bytes) -> None:
        before = self._unconfirmed.pop(key, None)
        if before is not None:
            _settle(before, RedisError("subscribed again, or unsubscribed, before it was confirmed"))

    def _feeding(self) -> RedisConnection | None:
        """The connection that channels are on."""
        if self._connection is not None and self._line.resp3:
            return self._connection
        return None if self._feed is None else self._feed.connection

    def _feed_channels(self) -> None:
        """See that there is a line for channels, if there are any, and not two."""
        needs_own = bool(self._channels) and not self._line.resp3
        if needs_own and self._feed is None:
            self._feed = self._open_line()
        elif self._line.resp3 and self._feed is not None:
            feed, self._feed = self._feed, None
            feed.stop()

    def _ask_channel(self, connection: RedisConnection, key: bytes) -> None:
        answer = partial(self._on_subscribed, key, self._unconfirmed.get(key))
        connection.ask(Confirmation(b"subscribe", key, answer), encode(("SUBSCRIBE", key)))

    def _on_subscribed(self, key: bytes, future: Future[None] | None, reply: Any) -> None:
        if isinstance(reply, RedisError) and not isinstance(reply, ReplyError):
            return  # the connection is lost: the next one asks again
        if self._unconfirmed.get(key) is not future:
            return  # it was asked for again meanwhile, and that has an answer of its own
        self._unconfirmed.pop(key, None)
        if not isinstance(reply, RedisError):
            if future is not None:
                _settle_confirmed(future, reply)
        elif future is not None:
            self._channels.pop(key, None)
            _settle(future, reply)
        else:
            log.warning("a channel is not subscribed to any more: %s", reply)

    def on_push(self, push: list[Any]) -> None:
        """A line has been told something."""
        if len(push) == 3 and push[0] == b"message":
            callback = self._channels.get(push[1])
            if callback is not None:
                _, error = attempt(callback, push[1], push[2])
                if error is not None:
                    tell_bug(log, self._reactor, error, "a message was not taken")

    # -- the lines ----------------------------------------------------------------------------------------------

    def on_ready(self, line: Line) -> None:
        """A line is logged in."""
        connection = line.connection
        assert connection is not None
        if line is self._feed:
            connection.as_arrays = True
        elif not self._closed:
            self._connection = connection
            self._feed_channels()
            for _, answer, command in self._take_waiting():
                connection.ask(answer, command)
        if connection is self._feeding():
            for key in self._channels:
                self._ask_channel(connection, key)
        if line is self._line and self._on_ready is not None:
            self._on_ready()

    def on_down(self, line: Line, error: Exception) -> None:
        """A line has no connection, and tries again."""
        if line is not self._line:
            return
        self._connection = None
        if isinstance(error, LoginRefused):
            for _, answer, _ in self._take_waiting():
                tell(self._reactor, answer, error)
        if self._on_down is not None and not self._closed:
            self._on_down(error)

    def on_drain(self, line: Line, grace: float) -> bool:
        """The reactor ends."""
        return line is self._line and self._on_drain is not None and self._on_drain(grace)

    def on_finished(self, line: Line, error: Exception) -> None:
        """A line is over for good: the reactor ends, or it cannot be."""
        if line is self._line:
            self._end(ClientClosed(f"the client is closed: {error}"))

    def close(self) -> None:
        """Close at once; what has no answer fails with ClientClosed. Harmless twice."""
        self._end(ClientClosed("the client is closed"))
        self._line.stop()
        if self._feed is not None:
            self._feed.stop()

    def _end(self, error: RedisError) -> None:
        if self._closed:
            return
        self._closed = True
        self._connection = None
        for _, answer, _ in self._take_waiting():
            tell(self._reactor, answer, error)
        for future in self._unconfirmed.values():
            _settle(future, error)
        self._unconfirmed.clear()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "connected" if self.connected else "not connected"
        return f"<RedisClient {self.url} {state}>"


def _settle_confirmed(future: Future[None], reply: Any) -> None:
    _settle(future, reply if isinstance(reply, RedisError) else None)


def _settle(future: Future[Any], reply: Any) -> None:
    """Complete a future, unless somebody has cancelled it."""
    try:
        if isinstance(reply, RedisError):
            future.set_exception(reply)
            if isinstance(reply, ClientClosed):
                future.exception(0)  # whoever has closed the client knows that: it is no mistake not to ask
        else:
            future.set_result(reply)
    except InvalidStateError:
        pass
