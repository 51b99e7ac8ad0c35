"""One fetch from its call to its last byte: connections, redirects, the body, deadlines, and one way to end.

    acquire a connection -> send -> Head -+-> Data* -> End -> the future holds a Response
        ^           |                     |
        |           +- stale: once more   +-> a redirect: the next request
        +------------------------------------------'

Whatever goes wrong, wherever, comes to `_fail`: the connection is given up, and the future holds an HTTPError.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError
from dataclasses import dataclass
from itertools import chain
from typing import Any

from reactor import ReactorError

from ..errors import BodyTooLarge, HTTPError, NoResponse
from ..wire.messages import Data, End, Event, Failed, Head
from .coding import Decoder, decoder_for
from .connection import HTTPConnection
from .failures import ClientClosed, FetchTimeout, ProxyError, callback_failure, network_failure
from .patience import Patience
from .pool import Pool
from .proxy import Choose, no_proxy
from .redirect import RedirectError, is_redirect, next_request
from .request import IDEMPOTENT, Request
from .response import Response
from .timeouts import FetchTimeouts


@dataclass(slots=True)
class Options:
    """What a caller may choose, apart from the request itself. See `Client.fetch`."""

    timeouts: FetchTimeouts
    max_redirects: int
    max_body: int | None
    allow_downgrade: bool
    on_head: Callable[[Response], Any] | None
    on_data: Callable[[bytes], Any] | None
    sink: str = "on_data"
    """What `on_data` is called where it fails."""
    tls: ssl.SSLContext | None = None
    choose_proxy: Choose = no_proxy
    keep_alive: bool = False


class Fetch:
    """A fetch under way. `future` holds its Response, or the HTTPError that it ended with."""

    __slots__ = (
        "_chunks", "_connection", "_decoder", "_events", "_following", "_history", "_on_over", "_options", "_patience",
        "_pieces", "_pool", "_request", "_response", "_retried", "_visited", "_waiting", "connect_timeout",
        "connecting", "future", "received",
    )  # fmt: skip

    def __init__(
        self, pool: Pool, request: Request, options: Options, on_over: Callable[[Fetch], Any] | None = None
    ) -> None:
        self._pool = pool
        self._request = request
        self._options = options
        self._on_over = on_over
        self._history: list[Response] = []
        self._visited: set[tuple[str, str]] | None = None
        self._connection: HTTPConnection | None = None
        self._retried = False
        self._response: Response | None = None
        self._following: Request | None = None
        self._decoder: Decoder | None = None
        self._chunks: list[bytes] = []
        self._events: Iterator[Event] = iter(())
        self._pieces: Iterator[bytes] = iter(())
        self._waiting: Future[Any] | None = None  # what `on_data` has asked us to wait for
        self.received = 0  # bytes of content, decoded
        self.connecting: Future[Any] | None = None
        self.connect_timeout = options.timeouts.connect
        self.future: Future[Response] | None = Future()  # until it is done: with its callback on us it is a cycle
        self._patience = Patience(pool.reactor, options.timeouts.total, self)

    def begin(self) -> Future[Response]:
        """Set out. Gives the future, which may be done already."""
        future = self.future
        assert future is not None
        future.add_done_callback(self._on_future)
        self._set_out()
        return future

    def is_over(self) -> bool:
        """Nothing is wanted any more."""
        return self.future is None or self.future.done()

    # -- a connection, and the request ----------------------------------------------------------------------------

    def _set_out(self, *, fresh: bool = False) -> None:
        options, request = self._options, self._request
        self._patience.allow(None)
        try:
            proxy = options.choose_proxy(request.url)
        except ValueError as exc:
            return self._fail(ProxyError(str(exc)))
        self._pool.acquire(self, request.url, options.tls, proxy, fresh=fresh)

    def on_no_connection(self, error: BaseException) -> None:
        """The pool could not make one."""
        self._fail(network_failure(error))

    def on_connection(self, connection: HTTPConnection) -> None:
        """The pool has one for us: send the request."""
        self._connection = connection
        request = self._request
        head = request.head(keep_alive=self._options.keep_alive, proxy=connection.host.proxy_fields)
        try:
            sent = connection.send(self, request.method, head, request.body, request.size, request.start)
        except Exception as exc:
            return self._fail(callback_failure("the file of the request's body", exc))
        self._patience.allow(self._options.timeouts.first_byte)
        if sent is not None:
            sent.add_done_callback(self._on_sent)

    def _on_sent(self, sent: Future[Any]) -> None:
        """A large body is out: from now on it is the server that we wait for."""
        self._patience.note()

    # -- the answer ---------------------------------------------------------------------------------------------

    def on_events(self, events: Iterable[Event]) -> None:
        """What the wire made of some bytes."""
        self._patience.note()
        if self._waiting is not None:
            self._events = chain(self._events, events)
            return
        self._events = iter(events)
        self._go_on()

    def _go_on(self) -> None:
        """Handle what there is, until all is done or `on_data` asks us to wait."""
        try:
            while True:
                for piece in self._pieces:
                    self._take(piece)
                    if self._waiting is not None or self.is_over():
                        return
                event = next(self._events, None)
                if event is None:
                    break
                self._pieces = self._handle(event)
        except HTTPError as exc:
            return self._fail(exc)
        if self._following is not None:
            self._follow(self._following)

    def _handle(self, event: Event) -> Iterator[bytes]:
        kind = event.__class__
        if kind is Data:
            if self._following is None:
                data = event.data  # type: ignore[union-attr]
                return iter((data,)) if self._decoder is None else self._decoder.feed(data)
        elif kind is Head:
            self._on_answer(event)  # type: ignore[arg-type]
        elif kind is End:
            self._on_end()
        elif kind is Failed:
            self._on_failed(event.error)  # type: ignore[union-attr]
        return iter(())

    def _on_answer(self, head: Head) -> None:
        request, options = self._request, self._options
        _, status, reason, headers = head
        response = Response(status, reason, headers, b"", request.url.text, self._history, head.version)
        if options.max_redirects and is_redirect(status, headers):
            return self._on_redirect(response)
        self._response = response
        self._patience.allow(options.timeouts.idle)
        self._decoder = decoder_for(headers, limit=options.max_body)
        if options.on_head is not None:
            try:
                options.on_head(response)
            except HTTPError:
                raise
            except Exception as exc:
                raise callback_failure("on_head", exc) from exc
            if self.is_over():
                return self._clean_up()  # cancelled in there, or the client is closed
        assert self._connection is not None
        length = self._connection.content_length
        if options.max_body is not None and length is not None and length > options.max_body and self._decoder is None:
            raise BodyTooLarge(f"the body has {length} bytes, and at most {options.max_body} are allowed")

    def _take(self, data: bytes) -> None:
        """Some content."""
        self.received += len(data)
        on_data = self._options.on_data
        if on_data is None:
            self._chunks.append(data)
        else:
            try:
                waiting = on_data(data)
            except HTTPError:
                raise
            except Exception as exc:
                raise callback_failure(self._options.sink, exc) from exc
            if isinstance(waiting, Future) and not waiting.done() and not self.is_over():
                self._wait_for(waiting)
        limit = self._options.max_body
        if limit is not None and self.received > limit:
            raise BodyTooLarge(f"the body is longer than the {limit} bytes allowed")

    def _on_end(self) -> None:
        if self._decoder is not None:
            self._decoder.finish()
        self._let_go()
        response = self._response
        if response is not None:
            response.body = b"".join(self._chunks)
            self._end(response, None)

    def _on_failed(self, error: HTTPError) -> None:
        if isinstance(error, NoResponse) and self._may_retry():
            return self._retry()
        self._fail(error)  # not raised: it would live in its own traceback until the garbage collector comes

    def on_lost(self, exc: Exception | None) -> None:
        """The connection is over, and the answer was not complete."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.has_answered() and self._may_retry(connection):
            return self._retry()
        if exc is not None:
            self._fail(network_failure(exc))
        else:
            self._fail(ClientClosed("the connection was closed here, before the answer was complete"))

    # -- redirects and retries ----------------------------------------------------------------------------------

    def _on_redirect(self, response: Response) -> None:
        request, options = self._request, self._options
        if len(self._history) >= options.max_redirects:
            raise RedirectError(f"more than {options.max_redirects} redirects, the last from {request.url}")
        if self._visited is None:
            self._visited = set()
        self._visited.add((request.method, request.url.text))
        self._following = next_request(
            request,
            response.status,
            response.headers,
            visited=self._visited,
            allow_downgrade=options.allow_downgrade,
        )
        response.history = []
        self._history.append(response)

    def _follow(self, request: Request) -> None:
        """What came of the redirect's body is handled; what is still to come is not waited for."""
        self._following = None
        if self._connection is not None:
            self._connection.give_up()
            self._connection = None
        self._request = request
        self._retried = False
        self._set_out()

    def _may_retry(self, connection: HTTPConnection | None = None) -> bool:
        """A server may close a kept connection at any moment; what it never saw may be said again (RFC 9112, 9.3.1)."""
        connection = connection or self._connection
        return (
            connection is not None
            and connection.used
            and not self._retried
            and self._request.method in IDEMPOTENT
            and not self._pool.closed
        )

    def _retry(self) -> None:
        self._retried = True
        if self._connection is not None:
            self._connection.give_up()
            self._connection = None
        self._set_out(fresh=True)

    # -- waiting ------------------------------------------------------------------------------------------------

    def _wait_for(self, waiting: Future[Any]) -> None:
        """`on_data` is not done with what it was given: nothing more is read until it is."""
        self._waiting = waiting
        assert self._connection is not None
        self._connection.transport.pause_reading()
        waiting.add_done_callback(self._on_waited)

    def _on_waited(self, waiting: Future[Any]) -> None:
        try:
            self._pool.reactor.call_soon_threadsafe(self._resume, waiting)
        except ReactorError:
            pass  # it is closed, and has told us so

    def _resume(self, waiting: Future[Any]) -> None:
        if self.is_over():
            return
        self._waiting = None
        error = CancelledError("what it waits for was cancelled") if waiting.cancelled() else waiting.exception()
        if error is not None:
            return self._fail(callback_failure(self._options.sink, error))
        self._patience.note()
        if self._connection is not None:
            self._connection.transport.resume_reading()
        self._go_on()

    def is_busy(self) -> bool:
        """It is not the server that we wait for."""
        connection = self._connection
        return self._waiting is not None or (connection is not None and connection.is_sending())

    def on_late(self, seconds: float, in_all: bool) -> None:
        if in_all:
            state = "" if self._response else ", and no answer has begun"
            self._fail(FetchTimeout(f"not done within {seconds:g} s{state}"))
        else:
            what = "the rest of the answer has not come" if self._response else "no answer has begun"
            self._fail(FetchTimeout(f"{what} for {seconds:g} s"))

    # -- the end ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Nobody wants it any more."""
        self._fail(ClientClosed("the client was closed before the answer was complete"))

    def _let_go(self) -> None:
        """The exchange is complete: the connection serves another, or ends."""
        connection, self._connection = self._connection, None
        assert connection is not None
        if self._options.keep_alive and connection.can_be_kept() and self._request.said("connection") is None:
            self._pool.release(connection)
        else:
            connection.finish()

    def _fail(self, error: HTTPError) -> None:
        if self._options.on_data is None:
            error.partial = b"".join(self._chunks)
        error.received = self.received
        self._end(None, error)

    def _end(self, response: Response | None, error: HTTPError | None) -> None:
        """The one way out. What is still held is given up."""
        future = self.future
        if future is None:
            return
        self._clean_up()
        try:
            if error is not None:
                future.set_exception(error)
            else:
                assert response is not None
                future.set_result(response)
        except InvalidStateError:
            pass  # cancelled at this very moment

    def _on_future(self, future: Future[Response]) -> None:
        if not future.cancelled():
            return
        try:
            self._pool.reactor.call_soon_threadsafe(self._clean_up)  # in whatever thread it was cancelled
        except ReactorError:
            pass  # closed: everything has ended

    def _clean_up(self) -> None:
        self.future = None
        self._patience.stop()
        self._following = None
        self._events, self._pieces = iter(()), iter(())
        self._chunks = []  # an error's traceback leads here, and is kept for who knows how long
        connecting, self.connecting = self.connecting, None
        if connecting is not None:
            connecting.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.give_up()
        on_over, self._on_over = self._on_over, None
        if on_over is not None:
            on_over(self)
