"""HTTP/1.1 messages: bytes in, events out. Knows no sockets and no clock.

`ResponseWire` reads what a server sends; `RequestWire`, in the next file, what a client sends. Neither `feed` nor
`finish` raises: what the peer does wrong is the event `Failed`, behind the events of what was good before it.
"""

from __future__ import annotations

from ..errors import HeadTooLarge, HTTPError, NoResponse, ProtocolError, Truncated
from ..events import Data, End, Event, Failed, Head, Informational, RequestHead
from ..headers import Headers
from . import heads
from .bodies import Body, persistent, response_body
from .chunked import ChunkedDecoder
from .heads import MAX_HEAD, MAX_LINES
from .states import CHUNKED, DONE, FAILED, HEAD, SIZED, TABLE, UNSIZED, State

__all__ = [
    "Data", "End", "Event", "Failed", "Head", "Informational", "RequestHead", "ResponseWire", "Wire",
]  # fmt: skip

MAX_INTERIM = 100  # 1xx heads before one response: 102 every few seconds, for as long as anybody waits
MAX_LEFTOVER = 64 * 1024  # bytes: enough to see what came, on a connection that is of no use any more

END_PLAIN = End(Headers())  # without trailers, which hardly anybody sends

_READERS = {  # each takes the bytes at hand from an offset on, adds events, and gives the offset behind what it took
    HEAD: "_read_head",
    SIZED: "_read_sized",
    CHUNKED: "_read_chunked",
    UNSIZED: "_read_unsized",
    DONE: "_read_leftover",
    FAILED: "_read_nothing",
}


class Wire:
    """What both roles have in common: the walk through the states, and the content."""

    __slots__ = (
        "_behind_at", "_chunks", "_left", "_lines", "_max_head", "_max_lines", "begun", "behind", "body_until_eof",
        "length", "persistent", "received", "state",
    )  # fmt: skip

    state: State
    length: int | None
    """Bytes of content where the head tells: not with chunked content, nor with one that the connection's end ends."""
    body_until_eof: bool
    """The end of the connection is the end of the content. Only TLS can tell it from a loss."""
    persistent: bool
    """The peer keeps the connection after this message, by its head."""
    received: int
    """Bytes of content so far."""
    begun: bytes | bytearray
    """The beginning of a head, whose end has not come."""
    behind: bytes
    """What was fed when the message was complete, if something came behind it; see `leftover`."""

    def __init__(self, *, max_head: int = MAX_HEAD, max_lines: int = MAX_LINES) -> None:
        """`max_head` in bytes and `max_lines` bound each head, and the trailers."""
        self._max_head = max_head
        self._max_lines = max_lines
        self._start()

    def _start(self) -> None:
        self.state = HEAD
        self.length = None
        self.body_until_eof = False
        self.persistent = False
        self.received = 0
        self.behind = b""
        self._behind_at = 0  # where in it the next message begins
        self.begun = b""
        self._lines = 0  # in it
        self._left = 0  # bytes of sized content that are still to come
        self._chunks: ChunkedDecoder | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state.name} received={self.received}>"

    @property
    def done(self) -> bool:
        """End was given."""
        return self.state is DONE

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may be used for another message: End was given, and the peer keeps it."""
        return self.persistent and self.state is DONE

    @property
    def leftover(self) -> bytes:
        """What came behind the message."""
        return self.behind[self._behind_at :]

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes."""
        return self._feed(data, 0)

    def _feed(self, data: bytes, at: int) -> list[Event]:
        events: list[Event] = []
        try:
            while at < len(data):
                at = getattr(self, _READERS[self.state])(data, at, events)
        except HTTPError as error:
            self._fail(error, events)
        return events

    def finish(self) -> list[Event]:
        """The peer has ended its side: End for content that lasts until then, Failed for a message that is cut."""
        events: list[Event] = []
        state = self.state
        self.persistent = False
        if TABLE[state, "eof"] is FAILED and state is not FAILED:
            self._fail(self._cut(), events)
            return events
        self._go("eof")
        if state is UNSIZED:
            events.append(END_PLAIN)
        return events

    def _go(self, sign: str) -> None:
        self.state = TABLE[self.state, sign]

    def _fail(self, error: HTTPError, events: list[Event]) -> None:
        error.received = self.received
        self._go("fault")
        self.begun = b""
        events.append(Failed(error.with_traceback(None)))  # its frames hold the events, and so itself

    def _cut(self) -> HTTPError:
        if self.state is HEAD:
            return Truncated("the connection ended inside the head")
        if self.state is SIZED:  # RFC 9112, 8
            return Truncated(f"the connection ended after {self.received} of {self.length} bytes")
        return Truncated("the connection ended before the last chunk")

    def _read_head(self, data: bytes, at: int, events: list[Event]) -> int:
        """One head, if its end has come."""
        if self.begun:
            return self._read_more(data, at, events)
        end = heads.find_end(data, at)
        block = data[at:end] if end > 0 else data[at:]
        lines = block.count(b"\n")
        if end < 0 or len(block) > self._max_head or lines > self._max_lines + 1:
            self._check(block)
            heads.check_size(block, self._max_head, self._max_lines)
            self.begun, self._lines = block, lines
            return len(data)
        self._take_head(block, events)
        return end

    def _read_more(self, data: bytes, at: int, events: list[Event]) -> int:
        """More of a head. Nothing is copied, searched or counted twice: one that came byte by byte took a second."""
        pending = self.begun if isinstance(self.begun, bytearray) else bytearray(self.begun)
        before = len(pending)
        pending += data[at:]
        end = heads.find_end(pending, max(0, before - 2))  # the blank line has at most two bytes before its last
        self._lines += pending.count(b"\n", before, end if end > 0 else len(pending))
        size = end if end > 0 else len(pending)
        if before < heads.TELLING or size > self._max_head or self._lines > self._max_lines + 1:
            block = bytes(pending[:size])
            self._check(block)
            heads.check_size(block, self._max_head, self._max_lines)
        if end < 0:
            self.begun = pending
            return len(data)
        self.begun = b""
        self._take_head(bytes(pending[:end]), events)
        return at + end - before

    def _enter(self, body: Body, head: Head | RequestHead, events: list[Event]) -> None:
        """The final head, and what follows from it."""
        kind, self.length = body
        self.body_until_eof = kind == "unsized"
        self.persistent = persistent(head, body)
        self._left = self.length or 0
        self._chunks = ChunkedDecoder(self._max_head, self._max_lines) if kind == "chunked" else None
        self._go(kind)
        events.append(head)
        if self.state is DONE:
            events.append(END_PLAIN)

    def _read_sized(self, data: bytes, at: int, events: list[Event]) -> int:
        piece = data[at : at + self._left] if at or len(data) > self._left else data
        self.received += len(piece)
        self._left -= len(piece)
        events.append(Data(piece))
        if not self._left:
            self._go("complete")
            events.append(END_PLAIN)
        return at + len(piece)

    def _read_unsized(self, data: bytes, at: int, events: list[Event]) -> int:
        piece = data[at:]
        self.received += len(piece)
        events.append(Data(piece))
        return len(data)

    def _read_chunked(self, data: bytes, at: int, events: list[Event]) -> int:
        """One Data for all the chunks in `data`: copied once, and a flood of tiny chunks makes no flood of events."""
        chunks = self._chunks
        assert chunks is not None
        pieces: list[memoryview] = []
        try:
            at = chunks.feed(data, at, pieces)
        finally:  # what came before a fault counts
            if pieces:
                content = b"".join(pieces)
                self.received += len(content)
                events.append(Data(content))
        if chunks.trailers is not None:
            self._go("complete")
            events.append(End(chunks.trailers))
        return at

    def _read_leftover(self, data: bytes, at: int, events: list[Event]) -> int:
        """Kept as it is: a hundred requests in one read are not copied a hundred times."""
        if self.behind:
            data, at = self.leftover + data[at:], 0
            self.behind, self._behind_at = data, 0
            return len(data)
        self.behind, self._behind_at = data, at
        return len(data)

    def _read_nothing(self, data: bytes, at: int, events: list[Event]) -> int:
        return len(data)

    def _check(self, seen: bytes) -> None:
        raise NotImplementedError

    def _take_head(self, block: bytes, events: list[Event]) -> None:
        raise NotImplementedError


class ResponseWire(Wire):
    """The responses that come on one connection, one after the other.

    Each gives Informational*, Head, Data*, and then End or Failed.

    >>> wire = ResponseWire("GET")
    >>> [type(event).__name__ for event in wire.feed(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi")]
    ['Head', 'Data', 'End']
    >>> wire.keep_alive
    True
    """

    __slots__ = ("_interims", "_method", "_upgrade")

    def __init__(
        self, method: str = "GET", *, upgrade: bool = False, max_head: int = MAX_HEAD, max_lines: int = MAX_LINES
    ) -> None:
        """`method` of the request: there is no content after HEAD, and a tunnel after CONNECT.

        upgrade: the request asks for another protocol, so a 101 is a final answer; `leftover` then is all that follows.
        """
        self._method = method
        self._upgrade = upgrade
        self._interims = 0
        super().__init__(max_head=max_head, max_lines=max_lines)

    @property
    def keep_alive(self) -> bool:
        """Whether `next_request` may be called: End was given, the server keeps the connection, nothing is left over.

        False after CONNECT: the connection is a tunnel then, and `leftover` its first bytes.
        """
        return self.persistent and self.state is DONE and not self.behind

    def next_request(self, method: str = "GET") -> None:
        """Expect another response on this connection. RuntimeError unless `keep_alive`."""
        if not self.keep_alive:
            raise RuntimeError(f"{self!r}: the connection cannot be used again")
        self._start()
        self._method = method
        self._interims = 0

    def _cut(self) -> HTTPError:
        if self.state is HEAD and not self.begun and not self._interims:
            return NoResponse("the server closed the connection without an answer")
        return super()._cut()

    def _check(self, seen: bytes) -> None:
        heads.check_response(seen)

    def _take_head(self, block: bytes, events: list[Event]) -> None:
        head = heads.parse_response(block)
        if head.status == 101 and self._upgrade:
            return self._enter(("tunnel", 0), head, events)
        if head.status < 200:
            return self._take_interim(head, events)
        self._enter(response_body(self._method, head), head, events)

    def _read_leftover(self, data: bytes, at: int, events: list[Event]) -> int:
        """What nobody asked for is only a sign: more of it is not kept. After an upgrade it is another protocol's."""
        if self._upgrade:
            self.behind += data[at:]
        else:
            self.behind = (self.behind + data[at : at + MAX_LEFTOVER])[:MAX_LEFTOVER]
        return len(data)

    def _take_interim(self, head: Head, events: list[Event]) -> None:
        """RFC 9110, 15.2: never the response, and without content whatever its fields say."""
        self._interims += 1
        if head.status == 101:  # 15.2.2, 7.8: only in answer to Upgrade, which was not sent
            raise ProtocolError("101: the server changes to a protocol that was not asked for")
        if self._interims > MAX_INTERIM:
            raise HeadTooLarge(f"more than {MAX_INTERIM} informational heads")
        self._go("interim")
        events.append(Informational(head))
