"""The body of one request on its way to its handler: leave to send it, pieces, pauses, and how slowly it may come."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol as Interface

from protocols.admission.quiet import tell_bug
from reactor import attempt

from ..events import Data, End
from .limits import LOOK, STALLED, Bounds
from .request import Request
from .response import Response, plain
from .uploads import Budget, Upload

log = logging.getLogger("http.server")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Line(Interface):
    """What the reception of a body needs of its connection."""

    transport: Any
    reactor: Any

    def call(self, fn: Callable[..., Any], *args: Any, is_last: bool = True) -> None: ...
    def complete(self) -> None: ...
    def hold(self) -> None: ...
    def release(self) -> None: ...


class Reception:
    """One body. It ends with `over`: the answer is given, or the client is gone."""

    __slots__ = ("_asked", "_budget", "_held", "_kept", "_line", "_pace", "_paused", "_request", "_upload", "over")

    def __init__(
        self, line: Line, request: Request, upload: Upload, bounds: Bounds, *, asked: bool, budget: Budget | None = None
    ) -> None:
        """`asked`: the client waits for leave to send the body. `budget`: where a body counts that is kept whole."""
        self._line = line
        self._request = request
        self._upload = upload
        self._pace = Pace(bounds)
        self._asked = asked
        self._paused = False
        self._held: deque[Data | End] = deque()  # what had come when the handler paused
        self._budget = budget
        self._kept = 0  # bytes of the budget
        self.over = False

    def begin(self) -> None:
        """Show the handler the head, and let the body come unless it refuses."""
        self._line.call(self._upload.head_received, self._request, is_last=False)
        self._invite()

    def _invite(self) -> None:
        if self._asked and not self._paused and not self.over:  # RFC 9110, 10.1.1
            self._asked = False
            self._line.transport.write(CONTINUE)

    def take(self, event: Data | End) -> None:
        """A piece of the body, or its end."""
        self._asked = False  # it has not waited for leave
        if self.over:
            return
        if self._paused:
            self._held.append(event)
        else:
            self._deliver(event)

    def _deliver(self, event: Data | End) -> None:
        if isinstance(event, Data):
            if self._budget is not None:
                self._kept += len(event.data)
                if not self._budget.take(len(event.data)):
                    return self._line.call(too_much_at_once)
            self._line.call(self._upload.data_received, event.data, is_last=False)
        else:
            self.finish()
            self._line.complete()
            self._line.call(self._upload.end_received, event.trailers)

    def pause(self) -> None:
        """Hold the client back."""
        if not self._paused and not self.over:
            self._paused = True
            self._line.hold()

    def resume(self) -> None:
        """Go on; soon, not from inside this call."""
        if self._paused:
            self._paused = False
            self._line.reactor.call_soon(self._resumed)

    def _resumed(self) -> None:
        while self._held and not self._paused and not self.over:
            self._deliver(self._held.popleft())
        if not self._paused and not self.over:
            self._invite()
            self._line.release()

    def is_late(self, received: int) -> bool:
        """LOOK seconds have passed, and `received` bytes have come in all: too few?"""
        return not (self.over or self._paused) and self._pace.is_late(received)

    @property
    def stalls(self) -> bool:
        """The client is waited for, and has sent nothing for STALLED seconds."""
        return not (self.over or self._paused) and self._pace.gap >= STALLED

    def finish(self) -> None:
        """Nothing more of the body is wanted. Harmless twice."""
        self.over = True
        if self._budget is not None:
            self._budget.give_back(self._kept)
            self._kept = 0

    def lost(self, exc: Exception | None) -> None:
        """The client went, or broke the rules, before the body was complete."""
        if self.over:
            return
        self.finish()
        _, error = attempt(self._upload.connection_lost, exc)
        if error is not None:
            tell_bug(log, self._line.reactor, error, "exception in %r, whose client is gone", self._upload)


def too_much_at_once() -> Response:
    """The answer where the bodies of all connections together have no room for this one now."""
    return plain(503, headers={"Retry-After": "10", "Connection": "close"})


class Pace:
    """How a body has come so far. Only the seconds count in which the client was waited for."""

    __slots__ = ("_bounds", "_received", "_waited", "gap")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._waited = self.gap = 0.0  # gap: since something came
        self._received = 0

    def is_late(self, received: int) -> bool:
        """LOOK seconds have passed, and `received` bytes of the body have come in all."""
        bounds = self._bounds
        self._waited += LOOK
        self.gap = 0.0 if received > self._received else self.gap + LOOK
        self._received = received
        is_slow = self._waited >= bounds.body_start and received < bounds.body_rate * self._waited
        return is_slow or self.gap + LOOK >= bounds.body_gap  # the last byte may have come right behind the last look
