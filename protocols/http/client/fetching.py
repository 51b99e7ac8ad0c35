"""One fetch from its call to its last byte: connections, redirects, deadlines, and one way to end.

    acquire a connection -> send -> Reception -+-> COMPLETE: the future holds a Response
        ^           |                          |
        |           +- stale: once more        +-> REDIRECT: the next request
        +--------------------------------------'

Whatever goes wrong, wherever, comes to `_fail`: the connection is given up, and the future holds an HTTPError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future, InvalidStateError
from dataclasses import replace
from typing import Any

from reactor import ReactorError, attempt

from ..errors import BodyTooLarge, HTTPError, NoResponse
from ..events import Event
from .connection import HTTPConnection
from .cookies import Cookies
from .failures import ClientClosed, FetchTimeout, ProxyError, ask, callback_failure, name_proxy, network_failure
from .fetch_timer import FetchTimer
from .options import Options
from .pool import Pool
from .reception import BUSY, COMPLETE, FAILED, REDIRECT, STOPPED, WAITING, Reception
from .redirect import TooManyRedirects, next_request
from .request import IDEMPOTENT, Request
from .response import Response
from .trace import describe_connection, request_lines, response_lines


class Fetch:
    """A fetch under way. `future` holds its Response, or the HTTPError that it ended with."""

    __slots__ = (
        "_asked", "_connection", "_cookies", "_held", "_history", "_on_over", "_options", "_pool", "_reception",
        "_request", "_retried", "_timer", "connect_timeout", "future", "withdraw",
    )  # fmt: skip

    def __init__(
        self, pool: Pool, request: Request, options: Options, on_over: Callable[[Fetch], Any] | None = None
    ) -> None:
        self._pool = pool
        self._request = request
        self._options = options
        self._on_over = on_over
        self._history: list[Response] = []
        self._cookies = options.cookies
        self._asked: dict[tuple[str, str], int] = {}  # how often, on the way so far
        self._connection: HTTPConnection | None = None
        self._reception: Reception | None = None
        self._retried = False
        self._held = False  # nothing is read: the caller has asked for it, or others have their turn
        self.withdraw: Callable[[], Any] | None = None
        self.connect_timeout = options.timeouts.connect
        # Until it is done: with its callback on us it is a cycle.
        self.future: Future[Response] | None = pool.reactor.promise(own=True)
        self._timer = FetchTimer(pool.reactor, options.timeouts.total, self)

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
        self._reception = None
        self._timer.allow(None)
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
        self._reception = Reception(self, request, self._options, self._history)
        cookie = None if self._cookies is None else self._cookies.header_for(request.url)
        head = request.head(keep_alive=self._options.keep_alive, proxy=connection.proxy_fields, cookie=cookie)
        try:
            if self._options.trace is not None:
                self._tell(describe_connection, connection)
                self._tell(request_lines, head)
        except HTTPError as exc:
            return self._fail(exc)
        body = request.body, request.size, request.start
        sent, error = attempt(connection.send, self, request.method, head, *body)
        if error is not None:
            return self._fail(callback_failure("the file of the request's body", error))
        self._timer.allow(self._options.timeouts.first_byte)
        if sent is not None:
            sent.add_done_callback(self._on_sent)

    def _on_sent(self, sent: Future[Any]) -> None:
        """A large body is out: from now on it is the server that we wait for."""
        self._timer.note()

    # -- the answer ---------------------------------------------------------------------------------------------

    def on_events(self, events: Iterable[Event]) -> None:
        """What the wire made of some bytes."""
        self._timer.note()
        reception = self._reception
        if reception is not None:
            reception.add(events)
            if not self._held:
                self._go_on(reception)

    def _go_on(self, reception: Reception) -> None:
        outcome = reception.go_on()
        if outcome is COMPLETE:
            self._let_go()
            self._end(reception.response, None)
        elif outcome is REDIRECT:
            self._on_redirect(reception)
        elif outcome is WAITING:
            assert reception.waiting is not None
            self._hold()
            reception.waiting.add_done_callback(self._on_waited)
        elif outcome is BUSY:
            self._hold()
            self._pool.reactor.call_soon(self._resume)
        elif outcome is FAILED:
            assert reception.error is not None
            self._on_failed(reception.error)
        elif outcome is STOPPED:
            self._clean_up()

    def on_head(self, response: Response, *, decoded: bool) -> None:
        """The head of the answer that counts. Raises HTTPError."""
        options = self._options
        self._take_cookies(response)
        self._timer.allow(options.timeouts.idle)
        if options.on_head is not None:
            ask(options.on_head, response, what="on_head")
        length = None if self._connection is None or decoded else self._connection.content_length
        if options.max_body is not None and length is not None and length > options.max_body:
            raise BodyTooLarge(f"the body has {length} bytes, and at most {options.max_body} are allowed")

    def _take_cookies(self, response: Response) -> bool:
        """What the answer sets is for the next request, of this fetch or of those with its jar. Raises HTTPError."""
        if self._options.trace is not None:
            self._tell(response_lines, response)
        if "set-cookie" not in response.headers:
            return False
        if self._cookies is None:
            self._cookies = Cookies()
        return self._cookies.store(self._request.url, response.headers)

    def _tell(self, describe: Callable[[Any], list[str]], what: Any) -> None:
        """What happens, for whoever wants to know. Raises HTTPError, where their code raises."""
        trace = self._options.trace
        assert trace is not None
        for line in describe(what):
            ask(trace, line, what="trace")

    def _on_failed(self, error: HTTPError) -> None:
        if isinstance(error, NoResponse) and self._may_retry():
            return self._retry()
        self._fail(error)

    def on_lost(self, exc: Exception | None) -> None:
        """The connection is over, and the answer was not complete."""
        connection, self._connection = self._connection, None
        if self._held and self._reception is not None and self._reception.will_end():
            return  # all of it is here, and waits
        if connection is not None and not connection.has_answered() and self._may_retry(connection):
            return self._retry()
        if exc is not None:
            self._fail(network_failure(exc), connection)
        else:
            self._fail(ClientClosed("the connection was closed here, before the answer was complete"))

    # -- redirects and retries ----------------------------------------------------------------------------------

    def _on_redirect(self, reception: Reception) -> None:
        """What came of its body is handled; what is still to come is not waited for."""
        request, options, response = self._request, self._options, reception.redirect
        assert response is not None
        try:
            has_set = self._take_cookies(response)
        except HTTPError as exc:
            return self._fail(exc)
        if has_set:
            self._asked.clear()  # whoever was sent away without a cookie may be let in with one
        if len(self._history) >= options.max_redirects:
            return self._fail(TooManyRedirects(options.max_redirects, request.url))
        # Once more may help: another server behind the same name, a cookie that was missing, one that was not ready.
        key = request.method, request.url.text
        self._asked[key] = self._asked.get(key, 0) + 1
        visited = [asked for asked, times in self._asked.items() if times > 1]
        try:
            following = next_request(
                request,
                response.status,
                response.headers,
                visited=visited,
                allow_downgrade=options.allow_downgrade,
            )
        except HTTPError as exc:
            return self._fail(exc)
        self._history.append(response)
        if reception.ended:
            self._let_go()
        else:
            self._give_up_connection()
        self._request = following
        self._retried = False
        self._set_out()

    def _may_retry(self, connection: HTTPConnection | None = None) -> bool:
        """A server may close a kept connection at any moment; what it never saw may be said again (RFC 9112, 9.3.1)."""
        connection = connection or self._connection
        return (
            connection is not None
            and connection.used
            and not self._retried
            and (self._options.repeatable or self._request.method in IDEMPOTENT)
            and not self._pool.closed
        )

    def _retry(self) -> None:
        self._retried = True
        self._give_up_connection()
        self._set_out(fresh=True)

    # -- waiting ------------------------------------------------------------------------------------------------

    def _hold(self) -> None:
        """Nothing more is read until `_resume`."""
        self._held = True
        if self._connection is not None:
            self._connection.transport.pause_reading()

    def _on_waited(self, waiting: Future[Any]) -> None:
        """In whatever thread it is done."""
        try:
            self._pool.reactor.call_soon_threadsafe(self._resume, waiting)
        except ReactorError:
            pass  # it is closed, and has told us so

    def _resume(self, waited: Future[Any] | None = None) -> None:
        reception = self._reception
        if self.is_over() or reception is None:
            return
        self._held = False
        if waited is not None:
            error = CancelledError("what it waits for was cancelled") if waited.cancelled() else waited.exception()
            if error is not None:
                return self._fail(callback_failure(self._options.sink, error))
        self._timer.note()
        if self._connection is not None:
            self._connection.transport.resume_reading()
        self._go_on(reception)

    def is_busy(self) -> bool:
        """It is not the server that we wait for."""
        connection = self._connection
        return self._held or (connection is not None and connection.is_sending())

    def on_late(self, seconds: float, in_all: bool) -> None:
        """A bound of the timeouts has passed."""
        begun = self._reception is not None and self._reception.response is not None
        if in_all:
            state = "" if begun else ", and no answer has begun"
            self._fail(FetchTimeout(f"not done within {seconds:g} s{state}"))
        else:
            what = "the rest of the answer has not come" if begun else "no answer has begun"
            self._fail(FetchTimeout(f"{what} for {seconds:g} s"))

    # -- the end ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Nobody wants it any more."""
        self._fail(ClientClosed("the client was closed before the answer was complete"))

    def _let_go(self) -> None:
        """The exchange is complete: the connection serves another, or ends."""
        connection, self._connection = self._connection, None
        if connection is None:
            return  # lost, while the end of the answer was waiting here
        if self._options.keep_alive and connection.can_be_kept() and self._request.said("connection") is None:
            connection.release()
        else:
            connection.finish()

    def _give_up_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.give_up()

    def _fail(self, error: HTTPError, connection: HTTPConnection | None = None) -> None:
        connection = connection or self._connection
        if connection is not None and connection.proxy is not None:
            name_proxy(error, connection.proxy)
        reception = self._reception
        if reception is not None:
            error.received = reception.received
            if self._options.on_data is None:
                error.partial = reception.partial
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
                if isinstance(error, ClientClosed):
                    future.exception(0)  # whoever has closed the client knows that: it is no mistake not to ask
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
        if self._request.size:  # the future leads here by its callback, and may be kept for long
            self._request = replace(self._request, body=b"", size=0, start=0)
        self._timer.stop()
        reception, self._reception = self._reception, None
        if reception is not None:
            reception.drop()
        withdraw, self.withdraw = self.withdraw, None
        if withdraw is not None:
            withdraw()
        self._give_up_connection()
        on_over, self._on_over = self._on_over, None
        if on_over is not None:
            on_over(self)
