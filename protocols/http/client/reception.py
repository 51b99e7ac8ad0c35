"""One answer on its way in: events of the wire in, content out to the caller, and what is to be done next. Pure.

Nothing is waited for here: where the caller asks for a pause, and where a piece of work would hold the loop for long,
`go_on` says so and is called again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from enum import Enum, auto
from typing import Any, Protocol as Interface

from ..errors import BodyTooLarge, HTTPError
from ..events import Data, End, Event, Failed, Head
from .content.codings import Decoder, decoder_for
from .failures import ask
from .options import Options
from .redirect import is_redirect
from .request import Request
from .response import Response

WORK_AT_ONCE = 1024 * 1024  # bytes of content before the loop has its turn: some 3 ms of inflating
PIECE_COST = 1024  # bytes that a piece, or a gzip member, counts for besides its own: 49,000 of one byte took 0.2 s
BITE = 16 * 1024  # bytes that are decoded between two looks at the budget


class Outcome(Enum):
    """What is to be done after `go_on`."""

    MORE = auto()  # read on
    WAITING = auto()  # the caller has asked for it: call again when `waiting` is done
    BUSY = auto()  # call again soon: others have their turn first
    REDIRECT = auto()  # `redirect` says where to; its own content is of no interest
    COMPLETE = auto()  # `response` has everything
    FAILED = auto()  # `error` says why
    STOPPED = auto()  # nobody wants it any more


MORE, WAITING, BUSY, REDIRECT, COMPLETE, FAILED, STOPPED = Outcome


class Asker(Interface):
    """What the reception belongs to."""

    def on_head(self, response: Response, *, decoded: bool) -> None:
        """The head of an answer that is no redirect. Raises HTTPError."""

    def is_over(self) -> bool: ...


class Reception:
    """The answer to one request."""

    __slots__ = (
        "_asker", "_budget", "_chunks", "_decoder", "_events", "_history", "_options", "_pieces", "_request", "ended",
        "error", "received", "redirect", "response", "waiting",
    )  # fmt: skip

    def __init__(self, asker: Asker, request: Request, options: Options, history: list[Response]) -> None:
        self._asker = asker
        self._request = request
        self._options = options
        self._history = history
        self._events: deque[Event] = deque()
        self._pieces: Iterator[bytes] = iter(())
        self._decoder: Decoder | None = None
        self._chunks: list[bytes] = []
        self._budget = 0
        self.response: Response | None = None
        self.redirect: Response | None = None
        self.error: HTTPError | None = None
        self.waiting: Future[Any] | None = None
        self.ended = False  # the whole answer has come, as far as the wire is concerned
        self.received = 0  # bytes of content, decoded

    @property
    def partial(self) -> bytes:
        """The content so far; empty where it is streamed."""
        return b"".join(self._chunks)

    def add(self, events: Iterable[Event]) -> None:
        """What the wire made of some bytes."""
        self._events.extend(events)

    def will_end(self) -> bool:
        """The last event is here, and was not handled yet: what becomes of the connection does not matter."""
        return bool(self._events) and self._events[-1].__class__ in (End, Failed)

    def drop(self) -> None:
        """Nobody wants it any more. An error's traceback leads here, and is kept for who knows how long."""
        self._events.clear()
        self._pieces = iter(())
        self._chunks = []

    def go_on(self) -> Outcome:
        """Handle what was added, as far as it goes."""
        self._budget = WORK_AT_ONCE
        self.waiting = None
        try:
            return self._work()
        except HTTPError as exc:
            self.error = exc
            return FAILED

    def _work(self) -> Outcome:
        events = self._events
        while True:
            for piece in self._pieces:
                outcome = self._take(piece) if piece else self._is_enough()
                if outcome is not None:
                    return outcome
            if not events:
                return MORE if self.redirect is None else REDIRECT
            outcome = self._handle(events.popleft())
            if outcome is not None:
                return outcome

    def _handle(self, event: Event) -> Outcome | None:
        kind = event.__class__
        if kind is Data:
            if self.redirect is None:
                data = event.data  # type: ignore[union-attr]
                self._pieces = iter((data,)) if self._decoder is None else self._decoded(data, self._decoder)
        elif kind is Head:
            return self._on_head(event)  # type: ignore[arg-type]
        elif kind is End:
            return self._on_end()
        elif kind is Failed:
            self.error = event.error  # type: ignore[union-attr]
            return FAILED  # not raised: it would live in its own traceback until the garbage collector comes
        return None

    def _on_head(self, head: Head) -> Outcome | None:
        options = self._options
        _, status, reason, headers = head
        response = Response(status, reason, headers, b"", self._request.url.text, self._history, head.version)
        if options.max_redirects and is_redirect(status, headers):
            response.history = []
            self.redirect = response
            return None
        self.response = response
        if self._request.decodes:
            self._decoder = decoder_for(headers, limit=options.max_body)
        self._asker.on_head(response, decoded=self._decoder is not None)
        return STOPPED if self._asker.is_over() else None

    def _take(self, data: bytes) -> Outcome | None:
        """Some content."""
        self.received += len(data)
        self._budget -= len(data) + PIECE_COST
        options = self._options
        if options.on_data is None:
            self._chunks.append(data)
        else:
            waiting = ask(options.on_data, data, what=options.sink)
            if self._asker.is_over():
                return STOPPED
            if isinstance(waiting, Future) and not waiting.done():
                self.waiting = waiting
        limit = options.max_body
        if limit is not None and self.received > limit:
            raise BodyTooLarge(f"the body is longer than the {limit} bytes allowed")
        if self.waiting is not None:
            return WAITING
        return self._is_enough()

    def _decoded(self, data: bytes, decoder: Decoder) -> Iterator[bytes]:
        """What `data` comes to; an empty piece is a moment to look at the budget."""
        for at in range(0, len(data), BITE):
            streams = decoder.streams
            yield from decoder.feed(data[at : at + BITE])
            self._budget -= PIECE_COST * (decoder.streams - streams)
            yield b""

    def _is_enough(self) -> Outcome | None:
        return BUSY if self._budget <= 0 else None

    def _on_end(self) -> Outcome | None:
        self.ended = True
        if self._decoder is not None:
            self._decoder.finish()
        response = self.response
        if response is None:
            return None
        response.body = b"".join(self._chunks)
        return COMPLETE
