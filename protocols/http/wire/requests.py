"""Requests: bytes in, events out, one request after the other on a connection. Knows no sockets and no clock."""

from __future__ import annotations

from functools import lru_cache

from ..errors import HTTPError, NoRequest, TargetTooLong
from ..events import Event, RequestHead
from . import heads
from .bodies import EMPTY, Body, persistent, request_body
from .heads import MAX_HEAD, MAX_LINES
from .messages import END_PLAIN, Wire
from .states import DONE, HEAD

SHORT = 1024  # bytes of a request's head up to which what it says may be kept: most have some hundreds
KEPT_HEADS = 512  # of them for all connections, some 4 KiB each

CR, LF = b"\r\n"
BLANK = b"\r\n\r\n"

Reading = tuple[RequestHead, Body, bool]
"""A head, where its content ends, and whether its sender keeps the connection."""


class RequestWire(Wire):
    """The requests that come on one connection, one after the other: RequestHead, Data*, and End or Failed.

    What stands behind one request is the beginning of the next: `next_message` gives its events. Until it is called,
    `leftover` grows with what is fed, so pause reading between End and the answer.

    >>> wire = RequestWire()
    >>> wire.feed(b"GET /metrics HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")[0].target, wire.keep_alive
    ('/metrics', True)
    """

    __slots__ = ("_last", "_short", "_skipped", "head_only")

    head_only: bool
    """What has come of the request begins with HEAD: an answer has no content, a refusal neither."""

    def __init__(self, *, max_head: int = MAX_HEAD, max_lines: int = MAX_LINES) -> None:
        """As for every wire."""
        super().__init__(max_head=max_head, max_lines=max_lines)
        self._last = 0  # the hash of the last head
        self._short = SHORT if max_head >= SHORT and max_lines >= SHORT // 4 else 0  # a line has four bytes at least

    def _start(self) -> None:
        super()._start()
        self._skipped = False
        self.head_only = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes."""
        # Exactly one head, without an empty line before it: so is nearly every read.
        size = len(data)
        if (
            size <= self._short
            and self.state is HEAD
            and data.find(BLANK) == size - 4
            and not self.begun
            and data[0] != CR
        ):
            try:
                head, body, keep = self._read_request(data)
            except HTTPError:
                body = None  # it is found again below; found in here, it would hold this one as its context
            if body is EMPTY:
                self.length = 0
                self.persistent = keep
                self.state = DONE
                return [head, END_PLAIN]
        return self._feed(data, 0)

    def _read_request(self, block: bytes) -> Reading:
        """What a head says. A client that says the same again is not read again; what differs each time is not kept."""
        key = hash(block)
        if key == self._last and len(block) <= self._short:
            return repeated_request(block)
        self._last = key
        return read_request(block)

    def next_message(self) -> list[Event]:
        """Go on with the next request, once the answer to this one is sent. RuntimeError unless `keep_alive`."""
        if not (self.persistent and self.state is DONE):
            raise RuntimeError(f"{self!r}: the connection cannot be used again")
        if self.length == 0 and not self.behind:
            self.length = None  # nothing else has changed: there was no content
            self.state = HEAD
            self._skipped = self.persistent = False
            return []
        behind, at = self.behind, self._behind_at
        self._start()
        return self._feed(behind, at) if behind else []

    def _read_head(self, data: bytes, at: int, events: list[Event]) -> int:
        """Also skips one empty line before a request, which old clients send behind a body (RFC 9112, 2.2)."""
        if not self._skipped:
            if self.begun != b"\r" and data[at] == CR:
                self.begun = b"\r"
                return at + 1
            self._skipped = True
            if self.begun and data[at] == LF:
                self.begun = b""
                return at + 1
        return super()._read_head(data, at, events)

    def _cut(self) -> HTTPError:
        if self.state is HEAD and not self.begun:
            return NoRequest("the client closed the connection without a request")
        return super()._cut()

    def _check(self, seen: bytes) -> None:
        self.head_only = seen.startswith(b"HEAD ")
        heads.check_request(seen)
        if len(seen) > self._max_head and b"\n" not in seen[: self._max_head]:
            raise TargetTooLong(f"a request line of more than {self._max_head} bytes")

    def _take_head(self, block: bytes, events: list[Event]) -> None:
        self.head_only = block.startswith(b"HEAD ")
        head, body, _ = self._read_request(block)
        self._enter(body, head, events)


def read_request(block: bytes) -> Reading:
    """The head in `block`, and what follows from it. Raises ProtocolError."""
    head = heads.parse_request(block)
    body = request_body(head)
    return head, body, persistent(head, body)


repeated_request = lru_cache(KEPT_HEADS)(read_request)
