"""One connection to a server: a request out, its answer in as events, and then perhaps the next."""

from __future__ import annotations

import io
from concurrent.futures import Future
from socket import MSG_PEEK
from typing import IO, Protocol as Interface

from reactor import Protocol, StreamTransport

from ..errors import ProtocolError
from ..events import Event, Failed
from ..wire.messages import ResponseWire
from ..wire.states import CHUNKED, FAILED, HEAD, SIZED
from ..wire.turns import end_of_lines

Fields = tuple[tuple[str, str], ...]

TLS_RECORDS = b"\x15\x16"  # what an answer begins with that is TLS: an alert, a handshake (RFC 8446, 5.1)
LINES_AT_ONCE = 2000  # of chunks in a row, each with two: 1,000 take some 7 ms
WRITE_WHOLE = 256 * 1024  # bytes of a body up to which it is written with its head, and beyond which it goes in pieces


class Exchange(Interface):
    """What waits for an answer."""

    def on_events(self, events: list[Event]) -> None: ...
    def on_lost(self, exc: Exception | None) -> None: ...


class Owner(Interface):
    """What counts a connection, and takes it back."""

    def on_free(self, connection: HTTPConnection) -> None:
        """It has done an exchange in good order, and can do another."""

    def on_over(self, connection: HTTPConnection) -> None:
        """It is over, or as good as: another may be made in its place. Called once."""


class HTTPConnection(Protocol):
    """A connection of an owner's. It serves one exchange at a time, and without one nothing may come.

    proxy_fields: what a proxy is told in each request; None where it is not a proxy that is asked.
    proxy: through which it leads, also where the server is asked by a tunnel.
    """

    __slots__ = (
        "_bytes_before", "_owner", "_wire", "exchange", "idle_since", "proxy", "proxy_fields", "transport", "used",
    )  # fmt: skip

    transport: StreamTransport

    def __init__(self, owner: Owner, proxy_fields: Fields | None, proxy: object = None) -> None:
        self._owner: Owner | None = owner  # None: it was told that this connection is over
        self._wire: ResponseWire | None = None
        self._bytes_before = 0
        self.proxy_fields = proxy_fields
        self.proxy = proxy
        self.exchange: Exchange | None = None
        self.used = False  # it has had a request: the server may be closing it at this very moment
        self.idle_since = 0.0

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport

    def send(
        self, exchange: Exchange, method: str, head: bytes, body: bytes | IO[bytes], size: int, start: int = 0
    ) -> Future[int] | None:
        """Send a request; its answer goes to `exchange`. Gives a future where sending it takes a while."""
        wire = self._wire
        if wire is None:
            self._wire = ResponseWire(method)
        else:
            wire.next_request(method)
            self.used = True
        self.exchange = exchange
        transport = self.transport
        self._bytes_before = transport.bytes_in
        if not size:
            transport.write(head)
        elif isinstance(body, bytes) and size <= WRITE_WHOLE:
            transport.write(head + body)
        else:
            transport.write(head)
            return transport.sendfile(io.BytesIO(body) if isinstance(body, bytes) else body, start, size)
        return None

    @property
    def has_served(self) -> bool:
        """It has had a request before."""
        return self._wire is not None

    @property
    def content_length(self) -> int | None:
        """What the answer says of its length, once its head has come."""
        return None if self._wire is None else self._wire.length

    def has_answered(self) -> bool:
        """Anything at all has come since the request was sent."""
        return self.transport.bytes_in != self._bytes_before

    def is_sending(self) -> bool:
        """Some of the request is still to go."""
        return self.transport.get_write_buffer_size() > 0

    def is_usable(self) -> bool:
        """Nothing has come since the last answer. A look at the socket itself: the loop may have been busy elsewhere
        while the server closed, and a request that is risked on such a connection can often not be repeated."""
        if self.transport.is_closing():
            return False
        sock = self.transport.get_extra_info("socket")
        if sock is None:
            return True
        try:
            sock.recv(1, MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        return False  # its end, or something that nobody has asked for

    def can_be_kept(self) -> bool:
        """The exchange is over in good order on both sides."""
        wire = self._wire
        return wire is not None and wire.keep_alive and not self.is_sending()

    def give_up(self) -> None:
        """Close at once: what the server still says, or has not read, does not matter any more."""
        self.exchange = None
        self._end()
        self.transport.abort()

    def release(self) -> None:
        """The exchange is complete, and `can_be_kept` says so: let another have it."""
        self.exchange = None
        if self._owner is not None:
            self._owner.on_free(self)

    def finish(self) -> None:
        """Close in good order: the answer has come. What is not sent of the request is not wanted any more."""
        self.exchange = None
        self._end()
        if self.is_sending():
            self.transport.abort()
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            return self.give_up()  # nobody has asked: the answer to nothing must not become the answer to the next
        wire = self._wire
        assert wire is not None
        events = self._feed(wire, data)
        if wire.state is FAILED and data[0] in TLS_RECORDS and isinstance(events[0], Failed):
            events[0].error = ProtocolError("TLS is spoken there: is it an https:// address?")
        exchange.on_events(events)

    def _feed(self, wire: ResponseWire, data: bytes) -> list[Event]:
        """Chunks cost by their number, not by their bytes: a flood of tiny ones is read in parts, others in between."""
        part = len(data) if wire.state is SIZED else end_of_lines(data, LINES_AT_ONCE)
        if part == len(data) or wire.state not in (HEAD, CHUNKED):
            return wire.feed(data)
        events = wire.feed(data[:part])
        if wire.state is CHUNKED:
            self.transport.unread(data[part:])
            return events
        return events + wire.feed(data[part:])  # what stands behind an answer must be seen with its end

    def eof_received(self) -> None:
        """An answer may last until here. Our side is closed too, by the transport."""
        self._end()
        if self.exchange is not None and self._wire is not None:
            self.exchange.on_events(self._wire.finish())

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.on_lost(exc)

    def draining(self, grace: float) -> bool:
        """The reactor ends in good order: an answer may still come in whole."""
        return self.exchange is not None

    def _end(self) -> None:
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.on_over(self)
