"""Any protocol of text lines as a WebSocket: one text message is one line without its end, both ways."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterable
from typing import Any

from reactor import EXITS, PeerError

from ..admission.quiet import tell_bug
from .deflate import frame
from .frames import TEXT
from .outbox import SLICE
from .protocol import WebSocket

log = logging.getLogger("protocols.websocket")

MAX_PARTIAL = 64 * 1024  # bytes of a line that a protocol has begun and not ended: more is no line


def lines_over(factory: Callable[[], Any], *, line_end: bytes = b"\n") -> Callable[[], LineSocket]:
    """A factory of WebSockets, each with a text protocol of `factory`'s inside, which notices no difference.

    What it writes is cut at its line ends into text messages; what is UTF-8 nowhere shows as replacement characters.
    A message that has line breaks in it, U+2028 and its like included, is several lines. `close()` of the protocol is
    a close with 1000; the peer's close is its `connection_lost`.

    >>> from reactor import LineProtocol
    >>> class Shout(LineProtocol):
    ...     def line_received(self, line):
    ...         self.send_line(line.upper())
    >>> lines_over(Shout)()
    <LineSocket of Shout>
    """
    shared = SharedFrames(texts)
    return lambda: LineSocket(factory(), shared, line_end=line_end)


class SharedFrames:
    """The last thing that any of the protocols wrote, as frames: a room writes the very same bytes to all of them.

    render: makes messages of whole lines, as `texts` does.
    """

    __slots__ = ("_data", "_frames", "render")

    def __init__(self, render: Callable[[bytes], list[str]]) -> None:
        self.render = render
        self._data: bytes | None = None
        self._frames: dict[int | None, bytes] = {}

    def framed(self, data: bytes, window: int | None) -> bytes:
        """`data`, whole lines, as messages."""
        if data is not self._data:
            self._data, self._frames = data, {}
        found = self._frames.get(window)
        if found is None:
            found = b"".join(frame(TEXT, text.encode(), window) for text in self.render(data))
            self._frames[window] = found
        return found


def texts(data: bytes) -> list[str]:
    """The messages that whole lines make: each line without its end."""
    return [line.removesuffix("\r") for line in data.decode("utf-8", "replace").split("\n")[:-1]]


class LineSocket(WebSocket):
    """The WebSocket around a text protocol. `shared`: what its like shares with it."""

    def __init__(self, protocol: Any, shared: SharedFrames, *, line_end: bytes = b"\n") -> None:
        self.inner = protocol
        self.frames = shared
        self._line_end = line_end
        self.lines: Any = LineTransport(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {type(self.inner).__name__}>"

    def connection_made(self, transport: Any) -> None:
        self.inner.connection_made(self.lines)

    def giving_way(self) -> int:
        """The protocol inside may know better how little would be lost."""
        asked = getattr(self.inner, "giving_way", None)
        return max(super().giving_way(), 0 if asked is None else asked())

    def lines_written(self, data: bytes) -> None:
        """The protocol has written whole lines."""
        if self._shares and len(data) <= SLICE:
            self.transport.write(self.frames.framed(data, self._window))
        else:
            for text in self.frames.render(data):
                self.send(text)

    def text_received(self, text: str) -> None:
        end = self._line_end
        data = b"".join(line.encode() + end for line in text.splitlines() or [""])
        self.lines.deliver(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.inner.connection_lost(exc)
        self.inner = self.lines = None  # they refer to this: TLS and all would wait for the collector

    def pause_writing(self) -> None:
        super().pause_writing()
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.inner.resume_writing()

    def draining(self, grace: float) -> bool:
        if hasattr(self.inner, "draining"):
            self.inner.draining(grace)
        return super().draining(grace)


class LineTransport:
    """What the inner protocol takes for its transport."""

    def __init__(self, socket: LineSocket) -> None:
        self._socket = socket
        self._partial = b""  # written, and not at a line's end
        self._unread = b""  # given back, and what has come since
        self._paused = False
        self._closing = False
        self.delivery = 0  # goes up whenever a batch in delivery may have to stop

    # -- out ----------------------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Lines, or pieces of lines, which wait for their end. Ignored once the end has begun, as everywhere."""
        if type(data) is not bytes:
            data = bytes(data)
        if self._partial or not data.endswith(b"\n"):
            if self.is_closing():
                return
            whole, newline, self._partial = (self._partial + data).rpartition(b"\n")
            data = whole + newline
            if len(self._partial) > MAX_PARTIAL:
                raise ValueError(f"a line of more than {MAX_PARTIAL} bytes without its end")
        if data:
            self._socket.lines_written(data)

    def writelines(self, chunks: Iterable[bytes]) -> None:
        self.write(b"".join(chunks))

    def close(self) -> None:
        """What was written, then a close with 1000."""
        if not self._closing:
            if self._partial:
                self.write(b"\n")
            self._end()
            self._socket.close()

    write_eof = close

    def can_write_eof(self) -> bool:
        return False  # a WebSocket has no half that lives on after its close

    def abort(self) -> None:
        self._end()
        self._socket.transport.abort()

    def is_closing(self) -> bool:
        return self._closing or not self._socket.is_open

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._socket.transport.set_write_buffer_limits(high, low)

    def get_write_buffer_limits(self) -> Any:
        return self._socket.transport.get_write_buffer_limits()

    def get_write_buffer_size(self) -> int:
        return len(self._partial) + int(self._socket.transport.get_write_buffer_size())

    # -- in -----------------------------------------------------------------------------------------------------

    def deliver(self, data: bytes) -> None:
        """Lines have come."""
        if self._unread:
            self._unread += data
        elif not self._closing:
            self._socket.inner.data_received(data)

    def pause_reading(self) -> None:
        self.delivery += 1
        self._paused = True
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        if self._unread:
            self._socket.reactor.call_soon(self._redeliver)
        else:
            self._socket.resume_reading()

    def is_reading(self) -> bool:
        return not self._paused and not self.is_closing()

    def unread(self, data: bytes) -> None:
        """Give back the end of what `data_received` was given: it comes again, first, in the next `soon` step."""
        if data and not self._closing:
            self._unread = data + self._unread
            self._socket.pause_reading()
            self._socket.reactor.call_soon(self._redeliver)

    def _redeliver(self) -> None:
        if self._paused or not self._unread or self.is_closing():
            return
        data, self._unread = self._unread, b""
        self._bounded(self._socket.inner.data_received, data)
        if not self._paused and not self._unread:
            self._socket.resume_reading()

    def _bounded(self, callback: Callable[..., Any], *args: Any) -> BaseException | None:
        """What the protocol raises where no transport has called it ends the connection all the same."""
        try:
            callback(*args)
        except PeerError as error:
            log.debug("%r lost: %s", self._socket.transport, error)
            self.abort()
            return error
        except EXITS:
            raise
        except BaseException as error:  # CancelledError too: nothing would ever be read again
            text = "exception in the protocol of %r, which ends"
            tell_bug(log, self._socket.reactor, error, text, self._socket.transport)
            self.abort()
            return error
        return None

    def _end(self) -> None:
        self.delivery += 1
        self._closing = True
        self._unread = b""

    # -- about --------------------------------------------------------------------------------------------------

    @property
    def bytes_in(self) -> int:
        return int(self._socket.transport.bytes_in)

    @property
    def bytes_out(self) -> int:
        return int(self._socket.transport.bytes_out)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket.transport.get_extra_info(name, default)

    def set_protocol(self, protocol: Any) -> None:
        self.delivery += 1
        self._socket.inner = protocol

    def switch_protocol(self, protocol: Any, data: bytes = b"") -> BaseException | None:
        """As the transport's: another text protocol begins."""
        if self.is_closing():
            return ConnectionAbortedError(errno.ECONNABORTED, "switch_protocol() on a connection that ends")
        self.set_protocol(protocol)
        self._paused = False
        if (error := self._bounded(protocol.connection_made, self)) is None:
            self.unread(data)
            if not self._paused:
                self.resume_reading()  # or what the former one gave back comes first
            if self._socket._crowded and self._socket.inner is protocol:
                self._bounded(protocol.pause_writing)
        return error

    def get_protocol(self) -> Any:
        return self._socket.inner
