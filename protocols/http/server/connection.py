"""The protocol of a connection: one request after the other. Knows no routes, no handlers and no files.

    IDLE --a byte--> HEAD --a head--> EXCHANGE --answered--> IDLE, or HEAD with what came behind
    a refusal before a small body is complete: EXCHANGE --answered--> DROP --its end--> IDLE; a large one closes instead
    enough was answered in a row, or the client takes nothing: REST --its turn, or room--> IDLE
    an error, `Connection: close`, the client's end, a drain: OVER once what is under way is answered

While one request is answered, the bytes of the next are kept (one read at most), and reading is paused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol as Interface

from reactor import Protocol, Reactor, adopt

from ...admission.rounds import ROUND_TIME, Share
from ..errors import NoRequest, ProtocolError
from ..events import Data, End, Event, Failed, RequestHead
from ..wire import RequestWire
from ..wire.states import DONE, SIZED
from ..wire.turns import end_of_lines
from .exchange import NEVER, Exchange
from .limits import LINES_AT_ONCE, LINES_LATE, STALLED, TURN_TIME, Bounds
from .response import Upgrade, date, head_start, refusal
from .routing import Routes

log = logging.getLogger("http.server")

SMALL_REST = 16 * 1024  # bytes that any client takes within Timeouts.close; with more, the close waits for them


class Site(Interface):
    """What a connection needs of its server."""

    reactor: Reactor
    bounds: Bounds
    routes: Routes

    def admit(self, connection: HTTPConnection) -> bool: ...
    def forget(self, connection: HTTPConnection) -> None: ...


class Phase(Enum):
    IDLE = "no byte of a request"
    HEAD = "a part of a head"
    EXCHANGE = "a request that is being answered"
    DROP = "answered, and the body is not complete"
    REST = "answered, and others have their turn"
    OVER = "no further request"

    __hash__ = object.__hash__


IDLE, HEAD, EXCHANGE, DROP, REST, OVER = Phase


class HTTPConnection(Protocol):
    """One connection of a Server."""

    __slots__ = (
        "_asked", "_exchange", "_holding", "_looping", "_phase", "allowed", "ended", "full", "site", "transport",
        "waited", "wire",
    )  # fmt: skip

    transport: Any
    site: Site
    wire: RequestWire
    waited: float
    """Seconds that this phase has lasted, counted by the server's looks."""
    allowed: float
    """Seconds that it may last until `look` is called."""
    full: bool
    """The client does not take what waits."""
    ended: bool
    """The client has said that nothing more comes from it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.wire = RequestWire(max_head=site.bounds.max_head, max_lines=site.bounds.max_lines)
        self._phase = IDLE
        self._exchange: Exchange | None = None
        self._asked = False  # a request has come
        self._holding = False  # reading is paused
        self._looping = False  # `_take` is running, and goes on by itself
        self.full = self.ended = False
        self.waited = 0.0
        self.allowed = site.bounds.first_byte

    # -- the connection -----------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self.transport = adopt(transport, self)
        if not self.site.admit(self):
            self._close()

    def data_received(self, data: bytes) -> None:
        phase = self._phase
        if phase is OVER:
            return
        if len(data) > LINES_AT_ONCE:
            data = self._portion(data)
        events = self.wire.feed(data)
        if events:
            self._take(events)
        elif phase is IDLE:
            self._enter(HEAD, self.site.bounds.head)
        elif self.wire.behind:  # the next request: it waits, and so does what is behind it
            self.hold()

    def _portion(self, data: bytes) -> bytes:
        """What is read of `data` now; the rest comes again after the others' turn. Content of known size is cheap."""
        if self.wire.state is SIZED:
            return data
        reactor = self.site.reactor
        late = reactor.time() >= reactor.now + ROUND_TIME
        end = end_of_lines(data, LINES_LATE if late else LINES_AT_ONCE)
        if end < len(data):
            self.transport.unread(data[end:])  # before the rest: another protocol may give back what stands before it
        return data[:end]

    def eof_received(self) -> bool:
        """The client says nothing more. What it has asked for, it still gets."""
        self.ended = True
        if not self.wire.done:
            self._take(self.wire.finish())
        if self._exchange is not None:
            self._exchange.ended()
        return self._phase in (EXCHANGE, REST, OVER)

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        if self._phase is OVER:
            self._close()
        elif self._exchange is not None:
            self._exchange.go_on()
        else:
            self._rested()

    def connection_lost(self, exc: Exception | None) -> None:
        self.site.forget(self)
        self._phase = OVER
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.lost(exc)

    def draining(self, grace: float) -> bool:
        """The server ends: the request that has begun is answered, and nothing behind it."""
        if self._exchange is not None:
            self._exchange.drain()
        return self._phase is EXCHANGE or self._phase is OVER

    def giving_way(self) -> int:
        """First to go: clients that have asked nothing yet. Then: those between two requests, or in a stopped body."""
        if self._phase is IDLE or self._phase is HEAD:
            return 1 if self._asked else 2
        if self._phase is DROP:
            return 1 if self.waited >= STALLED else 0
        return 1 if self._exchange is not None and self._exchange.stalls else 0

    def look(self) -> None:
        """The phase has lasted as long as it may."""
        if self._exchange is not None:
            return self._exchange.look()
        log.debug("%r: given up after %d s of this: %s", self.transport, self.waited, self._phase.value)
        if self._phase is HEAD:
            self._refuse(408)
        else:
            self._close()

    def hold(self) -> None:
        """Read no more."""
        self._holding = True
        self.transport.pause_reading()

    def release(self) -> None:
        """Read on."""
        if self._holding:
            self._holding = False
            self.transport.resume_reading()

    def _enter(self, phase: Phase, allowed: float) -> None:
        self._phase = phase
        self.waited = 0.0
        self.allowed = allowed

    def _close(self) -> None:
        """End, once all but a small rest is sent: a slow client of a long answer has longer than `Timeouts.close`."""
        self._enter(OVER, NEVER)
        self.site.forget(self)
        if self.full or self.transport.get_write_buffer_size() > SMALL_REST:
            self.transport.set_write_buffer_limits(0)  # `resume_writing` comes once nothing waits
        if not self.full:
            self.transport.close()

    # -- requests -----------------------------------------------------------------------------------------------

    def _take(self, events: list[Event]) -> None:
        """Events of the wire, and of the requests behind this one, until something must be waited for."""
        self._looping = True
        wire, site = self.wire, self.site
        # A single request pays nothing for its share.
        share = Share(site.reactor, TURN_TIME, site.bounds.max_pipelined) if wire.behind else None
        while events:
            for event in events:
                _ON[type(event)](self, event)
                if self._phase is IDLE:
                    break  # it is answered, and all of it has come: what is left is its content and its end
            if self._phase is not IDLE:
                break
            if self.full or (share is not None and share.is_used_up()):
                self._enter(REST, NEVER)
                site.reactor.call_soon(self._rested)
                break
            events = wire.next_message()
        self._looping = False
        if self._phase is IDLE:
            self._wait()
        elif wire.behind and self._phase is not OVER:
            self.hold()

    def _wait(self) -> None:
        """For the next request, or the rest of its head. The phase is IDLE."""
        if self.ended:
            return self._close()
        bounds = self.site.bounds
        if self.wire.begun:
            self._enter(HEAD, bounds.head)
        else:
            self.waited, self.allowed = 0.0, bounds.idle
        if self._holding:
            self.release()

    def _rested(self) -> None:
        if self._phase is REST and not self.full:
            self._next()

    def _next(self) -> None:
        """On to what came while the last request was answered."""
        self._phase = IDLE
        events = self.wire.next_message()
        if events:
            self._take(events)
        else:
            self._wait()

    def _on_head(self, head: RequestHead) -> None:
        self._asked = True
        self._enter(EXCHANGE, NEVER)
        exchange = self._exchange = Exchange(self, head)
        exchange.begin(head)

    def _on_content(self, event: Data | End) -> None:
        if self._phase is EXCHANGE and self._exchange is not None:
            self._exchange.take(event)
        elif self._phase is DROP and isinstance(event, End):
            self._phase = IDLE

    def _on_failed(self, event: Failed) -> None:
        error = event.error
        log.debug("%r: %s", self.transport, error)
        if self._exchange is not None:
            self._exchange.failed(error)
        elif self._phase is DROP or isinstance(error, NoRequest):
            self._close()
        else:
            self._refuse(error.status if isinstance(error, ProtocolError) else 400)

    def _refuse(self, status: int) -> None:
        """The answer to what is no request, and the end: nothing behind it is understood."""
        self.transport.write(refusal(status, head_only=self.wire.head_only))
        self._close()

    def answered(self, keep: bool) -> None:
        """The exchange is over."""
        self._exchange = None
        if not keep:
            return self._close()
        if self.wire.state is not DONE:
            self._enter(DROP, self.site.bounds.body_gap)
            return self.release()
        self._phase = IDLE
        if not self._looping:
            self._next()

    def hand_over(self, upgrade: Upgrade) -> None:
        """The connection is another protocol's from here on."""
        fields = head_start(101, upgrade.response.headers) + date() + b"Connection: Upgrade\r\n\r\n"
        self._exchange = None
        self._enter(OVER, NEVER)
        self.site.forget(self)
        self.transport.write(fields)
        self.transport.switch_protocol(upgrade.protocol, self.wire.leftover)


_ON: dict[type[Any], Callable[[HTTPConnection, Any], None]] = {
    RequestHead: HTTPConnection._on_head,
    Data: HTTPConnection._on_content,
    End: HTTPConnection._on_content,
    Failed: HTTPConnection._on_failed,
}
