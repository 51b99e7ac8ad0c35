"""The protocol of a connection: requests in, one answer after the other out. Knows no routes and no files.

    IDLE --a byte--> HEAD --a head--> BODY --its end--> ANSWER --answered--> IDLE, or with a request behind: HEAD
    a refusal before the body is complete: BODY --answered--> DROP --its end--> IDLE; a large body closes instead
    an error, `Connection: close`, the peer's end, a drain: OVER once what is under way is answered

While one request is answered, the bytes of the next are kept (one read at most) and reading is paused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from reactor import Protocol, Reactor, ReactorClosed

from ..errors import HTTPError, NoRequest, ProtocolError
from ..events import Data, End, Event, Failed, RequestHead
from ..wire import RequestWire
from .answers import FilePart, as_response, content, discard
from .limits import LOOK
from .request import Request
from .response import BODILESS, Fields, Ready, Refusal, Response, Upgrade, date, head_start, plain
from .routing import Kind, Route
from .sending import Framing, Pull, Sender, SendFile, Stream
from .targets import parse_target
from .uploads import Pace, Upload, Whole

if TYPE_CHECKING:
    from .server import Server

log = logging.getLogger("http.server")

NEVER = float("inf")
SMALL_REST = 16 * 1024  # bytes that any peer takes within Timeouts.close; with more, the close waits until they left


class Phase(Enum):
    IDLE = "no byte of a request"
    HEAD = "a part of a head"
    BODY = "the body is wanted"
    ANSWER = "the request is being answered"
    DROP = "answered, the body is not complete"
    OVER = "no further request"

    __hash__ = object.__hash__


IDLE, HEAD, BODY, ANSWER, DROP, OVER = Phase
EOL = b"\r\n"
CLOSE = b"Connection: close\r\n\r\n"
KEEP_1_0 = b"Connection: keep-alive\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HTTPConnection(Protocol):
    """One connection of a Server."""

    __slots__ = (
        "_ended", "_future", "_held", "_keep", "_looping", "_pace", "_paused", "_phase", "_request", "_sender",
        "_server", "_upload", "_wire", "allowed", "full", "reactor", "transport", "waited",
    )  # fmt: skip

    transport: Any
    reactor: Reactor
    waited: float
    """Seconds that this phase has lasted, counted by the server's looks."""
    allowed: float
    """Seconds that it may last."""
    full: bool
    """The client does not take what waits."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.reactor = server.reactor
        self._wire = RequestWire()
        self._phase = IDLE
        self._keep = True
        self._ended = False  # the peer has ended its side
        self._looping = False  # `_take` is running, and goes on by itself
        self._paused = False  # the handler holds the body back
        self._held: list[Event] = []  # meanwhile
        self._request: Request | None = None  # from its head to the end of its answer
        self._upload: Upload | None = None
        self._pace: Pace | None = None
        self._future: Future[Any] | None = None
        self._sender: Sender | None = None
        self.full = False
        self.waited = 0.0
        self.allowed = server.bounds.first_byte

    # -- the connection -----------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        if not self._server.admit(self):
            transport.close()

    def data_received(self, data: bytes) -> None:
        events = self._wire.feed(data)
        if events:
            self._take(events)
        elif self._phase is IDLE:
            self._begin(HEAD, self._server.bounds.head)
        elif self._phase is ANSWER:  # the next request: it waits, and so do the bytes behind it
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """The client says nothing more; what it has asked for it still gets."""
        self._ended = True
        phase = self._phase
        if phase is ANSWER:
            self._keep = False
            if self._sender is None:
                self._begin(ANSWER, self._server.bounds.half_closed)
            return True
        if phase is HEAD or phase is BODY:
            self._take(self._wire.finish())
        return False

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        if self._phase is OVER:
            self._close()
        elif self._sender is not None:
            self._sender.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.forget(self)
        self._phase = OVER
        self._abandon(exc)

    def draining(self, grace: float) -> bool:
        """The server ends: a request that has begun is answered, and nothing behind it."""
        if self._phase is IDLE or self._phase is HEAD or self._phase is OVER:
            return self._phase is OVER
        self._keep = False
        if self._sender is not None:
            self._sender.draining()
        return True

    def look(self) -> None:
        """This phase has lasted as long as it may."""
        if self._phase is BODY or self._phase is DROP:
            if self._paused or not (self._pace and self._pace.is_late(self._wire.received)):
                return
        if self._phase is HEAD or self._phase is BODY:
            log.info("%r: the request came too slowly", self.transport)
            return self._refuse(plain(408))
        log.info("%r: nothing came for %d s", self.transport, self.waited)
        if self._phase is ANSWER:  # half closed, and nothing to send that would tell whether somebody is there
            return self.transport.abort()  # type: ignore[no-any-return]
        self._phase = OVER
        self.transport.close()

    # -- requests -----------------------------------------------------------------------------------------------

    def _begin(self, phase: Phase, allowed: float) -> None:
        self._phase = phase
        self.waited = 0.0
        self.allowed = allowed

    def _take(self, events: list[Event]) -> None:
        """Events of the wire, and of the requests behind this one, until something must be waited for."""
        self._looping = True
        turns = self._server.bounds.max_pipelined
        while events:
            for number, event in enumerate(events):
                if self._paused:
                    self._held += events[number:]
                    break
                _ON[type(event)](self, event)
            if self._phase is not IDLE:
                break
            turns -= 1
            if not turns or self.full:
                self._phase = ANSWER  # the one before is on its way
                self.transport.pause_reading()
                self.reactor.call_soon(self._next)
                break
            events = self._wire.next_message()
        self._looping = False
        if self._phase is IDLE:
            self._wait()

    def _next(self) -> None:
        """The answer is sent: on to what came meanwhile."""

    def _wait(self) -> None:
        """For the next request, or the rest of its head."""

    def _on_head(self, head: RequestHead) -> None:
        pass
