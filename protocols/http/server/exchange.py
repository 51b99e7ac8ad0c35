"""One request and its answer: finds who answers, lets the body come, sends what is given. Knows no other request.

An exchange is over when its answer is written, or its client is gone; then it has no request any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol as Interface

from protocols.admission.quiet import tell, tell_bug
from reactor import EXITS, Reactor, ReactorClosed, attempt

from ..errors import HTTPError, ProtocolError
from ..events import Data, End, RequestHead
from ..wire import RequestWire
from .answers import FilePart, as_ready, as_response, prepare
from .limits import Bounds
from .receiving import Reception
from .request import Request
from .response import Fields, Ready, Refusal, Response, Upgrade, head_end, plain
from .routing import UPLOAD, Route, Routes
from .sending import Pull, Sender, SendFile, Stream
from .targets import parse_target
from .uploads import Budget, Whole

log = logging.getLogger("http.server")

NEVER = float("inf")


class Site(Interface):
    """What a server is to its exchanges."""

    reactor: Reactor
    bounds: Bounds
    routes: Routes
    bodies: Budget
    on_answer: Callable[[Request, int], object] | None


class Line(Interface):
    """The connection, as an exchange needs it."""

    transport: Any
    site: Any
    wire: RequestWire
    full: bool
    ended: bool
    allowed: float
    waited: float

    def hold(self) -> None: ...
    def release(self) -> None: ...
    def answered(self, keep: bool) -> None: ...
    def hand_over(self, upgrade: Upgrade) -> None: ...


class Exchange:
    """From the head of a request to the end of its answer."""

    __slots__ = (
        "_asked", "_complete", "_delimited", "_future", "_head_only", "_keep", "_line", "_reception", "_sender",
        "reactor", "request", "transport",
    )  # fmt: skip

    request: Request | None
    transport: Any

    def __init__(self, line: Line, head: RequestHead) -> None:
        self._line = line
        self.transport = line.transport
        self.reactor: Reactor = line.site.reactor
        self.request = None
        self._head_only = head.method == "HEAD"
        self._keep = True  # the connection, after this answer
        self._complete = line.wire.length == 0  # nothing of the request is to come
        self._asked = not self._complete and "expect" in head.headers and head.version != "1.0"
        # Whether the client may be waiting for leave to send the body, and never send it.
        self._reception: Reception | None = None
        self._future: Future[Any] | None = None
        self._sender: Sender | None = None
        self._delimited = True  # the client can tell a whole answer from a part

    def begin(self, head: RequestHead) -> None:
        """Find who answers."""
        try:
            target = parse_target(head.method, head.target)
            request = self.request = Request(self, head, target)
            route, request.rest, request.parameters = self._line.site.routes.find(head.method, target)
            if self._complete and route.kind is not UPLOAD:
                return self.call(route.call, request)
            self._receive(route, request)
        except ProtocolError as error:
            self.refuse(error.status)
        except Refusal as refusal:
            self._send(refusal.response)

    def _receive(self, route: Route, request: Request) -> None:
        """Let the body come to its handler, if it may and there may be so much of it."""
        line, bounds = self._line, self._line.site.bounds
        if self._asked and request.headers["expect"].lower() != "100-continue":  # RFC 9110, 10.1.1
            raise Refusal(417)
        budget = None
        if route.kind is UPLOAD:
            upload = route.handler()
        else:
            budget = line.site.bodies
            most = bounds.max_body if route.max_body is None else route.max_body
            if (line.wire.length or 0) > most:
                raise Refusal(413)
            upload = Whole(route.call, most)
        self._reception = Reception(self, request, upload, bounds, asked=self._asked, budget=budget)
        self._allow(0.0)
        self._reception.begin()

    def _allow(self, seconds: float) -> None:
        self._line.allowed = seconds
        self._line.waited = 0.0

    def take(self, event: Data | End) -> None:
        """Some of the body, or its end."""
        if self._reception is not None:
            self._asked = False
            self._reception.take(event)

    def _want_no_more(self) -> None:
        """The answer is found before the body is complete: what still comes of it is dropped."""
        if self._reception is not None:
            self._reception.finish()
            self._reception = None
            self._allow(NEVER)

    def complete(self) -> None:
        """The body has come."""
        self._complete = True
        self._reception = None
        self._allow(NEVER)

    def failed(self, error: HTTPError) -> None:
        """The client broke the rules, or off, inside the body."""
        if self._sender is not None:
            self._keep = False  # the answer has begun already; nothing comes behind it
            return
        self.lost(error)
        self.refuse(error.status if isinstance(error, ProtocolError) else 400)

    def ended(self) -> None:
        """The client says nothing more: it may wait for the answer, or be gone; to send something would tell."""
        if self._sender is None:
            self._allow(self._line.site.bounds.half_closed)

    @property
    def stalls(self) -> bool:
        """A body is waited for, and nothing of it has come for a while."""
        return self._reception is not None and self._reception.stalls

    def look(self) -> None:
        """The time is over that this may take, or the body is to be looked at."""
        if self._reception is None:
            tell(log, self.reactor, "%r: gone, or half closed for too long", self.transport)
            self.transport.abort()
        elif self._reception.is_late(self._line.wire.received):
            tell(log, self.reactor, "%r: given up, the body came too slowly", self.transport)
            self.lost(TimeoutError("the body came too slowly"))
            self.refuse(408)

    def drain(self) -> None:
        """The server ends: this is the last answer."""
        self._keep = False
        if self._sender is not None:
            self._sender.draining()

    def go_on(self) -> None:
        """The transport has room again."""
        if self._sender is not None:
            self._sender.go_on()

    def lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        request, reception, future, sender = self._end()
        if reception is not None:
            reception.lost(exc)
        if future is not None:
            future.cancel()
        if sender is not None:
            sender.lost()
        if request is not None:
            request.cancel()

    def _end(self) -> tuple[Request | None, Reception | None, Future[Any] | None, Sender | None]:
        parts = self.request, self._reception, self._future, self._sender
        self.request = self._reception = self._future = self._sender = None
        return parts

    # -- for handlers and senders -------------------------------------------------------------------------------

    def pause_body(self) -> None:
        """As `Request.pause`."""
        if self._reception is not None:
            self._reception.pause()

    def resume_body(self) -> None:
        """As `Request.resume`."""
        if self._reception is not None:
            self._reception.resume()

    def hold(self) -> None:
        """Read no more."""
        self._line.hold()

    def release(self) -> None:
        """Read on."""
        self._line.release()

    @property
    def full(self) -> bool:
        """The client does not take what waits."""
        return self._line.full

    def respond(self, request: Request, status: int, headers: Fields) -> Stream:
        """As `Request.respond`."""
        if self._sender is not None:
            raise RuntimeError(f"{request!r} is being answered already")
        response = Response(status, iter(()), headers)
        answer = prepare(response, version=request.version, head_only=self._head_only, keep=self._may_keep())
        self._keep, self._delimited = answer.keep, answer.framing.is_delimited
        if self._reception is not None:
            self._want_no_more()
        stream = Stream(self, answer.framing)
        if self.request is None:
            stream.lost()  # the client is gone
        else:
            self._sender = stream
            self._tell(status)
            self.transport.write(answer.head)
        return stream

    # -- answers ------------------------------------------------------------------------------------------------

    def call(self, fn: Callable[..., Any], *args: Any, is_last: bool = True) -> None:
        """Code of the program. What it gives is the answer; where it is not the last to be called, None is none."""
        try:
            result = fn(*args)
            if result is not None or is_last:
                self._give(result)
        except Refusal as refusal:
            self._give(refusal.response)
        except EXITS:
            raise
        except BaseException as error:  # CancelledError too: nobody else would ever answer
            tell_bug(log, self.reactor, error, "exception while %r was answered", self.request)
            self._keep = False
            if self._sender is not None:
                self.broken()
            elif self.request is not None:
                self._send(plain(500))

    def _give(self, result: Any) -> None:
        request = self.request
        if self._sender is not None or request is None:
            return  # `request.respond` has begun the answer, or nobody waits for one any more
        if self._reception is not None:
            self._want_no_more()
        kind = type(result)
        if kind is bytes or kind is str:
            result = as_ready(result)
            kind = type(result)
        if kind is Ready:
            if self._line.site.on_answer is not None:  # asked here too: without an access log no call is made
                self._tell(result.status)
            self._keep = self._may_keep()
            end = head_end(request.version, self._keep)
            self.transport.write(result.head + end + (b"" if self._head_only else result.body))
            self.answered()
        elif isinstance(result, Future):
            self._future = result
            result.add_done_callback(self._on_done)
        elif isinstance(result, Upgrade):
            self._end()
            self._line.hand_over(result)
        else:
            self._send(as_response(result))

    def _on_done(self, future: Future[Any]) -> None:
        """In whatever thread it was done."""
        with suppress(ReactorClosed):
            self.reactor.call_soon_threadsafe(self._on_future, future)

    def _on_future(self, future: Future[Any]) -> None:
        if self._future is future:
            self._future = None
            self.call(future.result)

    def _may_keep(self) -> bool:
        """Whether the connection lives on. By the head alone, and not by how much of a body happens to be here."""
        wire, bounds = self._line.wire, self._line.site.bounds
        if not (self._keep and wire.persistent and bounds.idle) or (self._line.ended and not wire.behind):
            return False
        return self._complete or (not self._asked and (wire.length or NEVER) <= bounds.max_drop)

    def _tell(self, status: int) -> None:
        """An answer begins: for an access log."""
        on_answer = self._line.site.on_answer
        if on_answer is not None and self.request is not None:
            _, error = attempt(on_answer, self.request, status)
            if error is not None:
                text = "exception in on_answer for %r, which is answered all the same"
                tell_bug(log, self.reactor, error, text, self.request)

    def _send(self, response: Response) -> None:
        version = "1.1" if self.request is None else self.request.version
        answer = prepare(response, version=version, head_only=self._head_only, keep=self._may_keep())
        self._keep, self._delimited = answer.keep, answer.framing.is_delimited
        self._tell(response.status)
        payload = answer.payload
        if isinstance(payload, bytes):
            self.transport.write(answer.head + payload)
            return self.answered()
        self.transport.write(answer.head)
        if isinstance(payload, FilePart):
            self._sender = SendFile(self, payload)
        else:
            self._sender = Pull(self, payload, Stream(self, answer.framing))
        self._sender.begin()

    def refuse(self, status: int) -> None:
        """The last answer: what comes behind it is not understood, or not wanted."""
        self._keep = False
        self._send(plain(status))

    def answered(self) -> None:
        """All of the answer is written."""
        if self._reception is not None:
            self._want_no_more()
        self.request = self._future = self._sender = None
        self._line.answered(self._keep)

    def broken(self) -> None:
        """The answer cannot be completed, and the client must see that: by the end, where it knows of more to come."""
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.lost()
        self._keep = False
        if self._delimited:
            self.answered()
        else:
            self.transport.abort()
