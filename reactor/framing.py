"""Framing: lines, netstrings and length-prefixed messages, each a pure cutter of bytes and a protocol on it.

A protocol here handles at most BATCH frames in one call, and stops earlier where the program paused reading, closed,
or changed the protocol. What it has not handled it gives back with `transport.unread`, so the rest comes again, to
whoever is the protocol then, in the next tick that reads: nothing is lost, nothing overtakes, nothing piles up.
"""

from __future__ import annotations

import struct
from typing import Any, cast

from .errors import FramingError, LimitExceeded
from .foreign import adopt
from .protocol import Protocol
from .transports.stream import StreamTransport

BATCH = 1024  # frames handled in one call: about a millisecond, after which the other connections have their turn
LF, CR = 10, 13
"""As numbers: `10 in data` is quick (170 instructions). `b"\\n" in data` first fails as a number, with an exception
inside (2,000)."""
MAX_LINE = 64 * 1024  # bytes: ten times what any text protocol sends, SMTP and IRC and HTTP fields included
MAX_MESSAGE = 1024 * 1024  # bytes: a peer that announces a length has us hold as much until the rest comes


def check_defines(protocol: Any, base: type, *names: str) -> None:
    """Refuse a framer whose frames would go nowhere: TypeError, with the name that was perhaps meant.

    names: methods of `base`, any of which is to be overridden, or set on the object.
    """
    if any(getattr(getattr(protocol, name), "__func__", None) is not getattr(base, name) for name in names):
        return
    wanted, kind = names[0], type(protocol)
    meant = [name for name in dir(kind) if name != wanted and name.replace("_", "").lower() == wanted.replace("_", "")]
    hint = f": it has {meant[0]}, but the name is {wanted}" if meant else ""
    raise TypeError(f"{kind.__qualname__} defines no {wanted}, so all that is received would be lost{hint}")


def not_made(protocol: Any) -> TypeError:
    """What is wrong with a framer that does not know its transport."""
    kind = type(protocol).__qualname__
    return TypeError(f"{kind}.connection_made does not call super().connection_made(transport)")


def bytes_of(data: Any, call: str) -> bytes:
    """What is sent, as bytes. Raises TypeError with the name of the `call`."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"{call}() takes bytes, bytearray or memoryview, not {type(data).__name__}")
    return bytes(data)


class LineProtocol(Protocol):
    """Lines ended by LF, one CR before it dropped. Define `line_received`.

    >>> from reactor import LineProtocol
    >>> from reactor.testing import Recorder, connected_pair
    >>> class Shout(LineProtocol):
    ...     max_line = 1000
    ...     def line_received(self, line):
    ...         self.send_line(line.upper())
    >>> client = Recorder()
    >>> with connected_pair(client, Shout()) as pair:
    ...     pair.a.write(b"one\\r\\ntwo\\nthr")
    ...     pair.settle()
    ...     client.data
    b'ONE\\nTWO\\n'
    """

    max_line = MAX_LINE
    """Bytes of the longest line delivered, its ending not counted."""

    transport: StreamTransport = cast(StreamTransport, None)  # there from `connection_made` on
    _partial = b""
    _skipping = False
    _takes_batches = False
    _may_go_straight = False  # no batches, and nothing is skipped: kept by `_skip`, so one look in `data_received`

    def connection_made(self, transport: Any) -> None:
        """Keep the transport as `self.transport`. A subclass that overrides this calls it."""
        check_defines(self, LineProtocol, "line_received", "lines_received")
        self.transport = adopt(transport, self)
        # Set on the object too: to find it in the class costs 200 instructions more, each time data comes.
        self._partial = b""
        self._skip(False)  # a protocol may have had a connection before

    def line_received(self, line: bytes) -> None:
        """One line, without its ending."""

    def line_too_long(self, size: int) -> None:
        """A line passed `max_line`; `size` is how much of it has come. Called once for each such line.

        Ends the connection with LimitExceeded. An override that returns has the rest of the line skipped instead.
        """
        raise LimitExceeded(f"a line of {size} bytes or more, over the limit of {self.max_line}")

    def send_line(self, line: bytes) -> None:
        """Send a line; LF is added. Raises ValueError for one that has a LF of its own: it would be two."""
        try:
            if 10 not in line:  # LF, written out: even to look up the name LF would be felt here
                return self.transport.write(line + b"\n")
        except (TypeError, AttributeError):
            pass
        self._send_otherwise(line)

    def _send_otherwise(self, line: bytes) -> None:
        """What is wrong with it is found out here, so that the others pay one look each."""
        if self.transport is None:
            raise not_made(self)
        line = bytes_of(line, "send_line")
        if LF in line:
            raise ValueError(f"a line cannot have a line end inside: send_line({line[:80]!r})")
        self.transport.write(line + b"\n")

    def lines_received(self, lines: list[bytes]) -> int | None:
        """The lines that came together, without their endings, in order; at most BATCH of them.

        Calls `line_received` for each. Override it where the work for many at once is less than for each by itself: one
        `write` of all answers, one statement of a database. Give how many lines were handled, or None for all; the
        others come again once reading goes on, to whoever is the protocol then, and never after a close.

        >>> from reactor.testing import Recorder, connected_pair
        >>> class Upper(LineProtocol):
        ...     def lines_received(self, lines):
        ...         self.transport.write(b"".join(line.upper() + b"\\n" for line in lines))
        >>> client = Recorder()
        >>> with connected_pair(client, Upper()) as pair:
        ...     pair.a.write(b"one\\ntwo\\n")
        ...     pair.settle()
        ...     client.data
        b'ONE\\nTWO\\n'
        """
        for handled, line in enumerate(lines, 1):
            delivery = self.transport.delivery
            self.line_received(line)
            if self._is_held(delivery):
                return handled
        return None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._takes_batches = cls.lines_received is not LineProtocol.lines_received

    def data_received(self, data: bytes) -> None:
        transport = self.transport
        if transport is None:
            raise not_made(self)
        if self._partial:
            data = self._partial + data
            self._partial = b""
        lines = data.split(b"\n", BATCH)
        rest = lines.pop()
        simple = CR not in data and len(data) <= self.max_line  # then no line needs a look of its own
        # The usual case, one whole line and nothing else: nothing is left that would have to be given back.
        if simple and not rest and len(lines) == 1 and self._may_go_straight:
            return self.line_received(lines[0])
        waiting = iter(lines)
        if self._skipping and lines:
            self._skip(False)
            next(waiting)
        if self._takes_batches:
            return self._take_batch([*waiting], rest, len(lines) == BATCH, simple)
        received = self.line_received if simple else self._check_line
        delivery = transport.delivery
        for line in waiting:
            received(line)
            if transport.delivery != delivery:
                if not transport.is_reading() or transport.get_protocol() is not self:
                    transport.unread(b"\n".join([*waiting, rest]))
                    return
                delivery = transport.delivery
        if len(lines) == BATCH:
            transport.unread(rest)
        elif rest:
            self._keep(rest)

    def _check_line(self, line: bytes) -> None:
        if line.endswith(b"\r"):
            line = line[:-1]
        if len(line) <= self.max_line:
            self.line_received(line)
        else:
            self.line_too_long(len(line))

    def _take_batch(self, lines: list[bytes], rest: bytes, is_full: bool, simple: bool) -> None:
        transport, handled = self.transport, None
        delivery = transport.delivery
        if lines:
            handled = self.lines_received(lines) if simple else self._check_lines(lines)
        if handled is not None or (transport.delivery != delivery and self._is_held(delivery)):
            transport.unread(b"\n".join([*lines[len(lines) if handled is None else handled :], rest]))
        elif is_full:
            transport.unread(rest)
        elif rest:
            self._keep(rest)

    def _check_lines(self, lines: list[bytes]) -> int | None:
        """As `lines_received`, of lines that may end with a CR or be too long."""
        clean = [line[:-1] if line.endswith(b"\r") else line for line in lines]
        done, delivery = 0, self.transport.delivery
        for long in (number for number, line in enumerate(clean) if len(line) > self.max_line):
            if long > done and (handled := self.lines_received(clean[done:long])) is not None:
                return done + handled
            if self._is_held(delivery):
                return long
            self.line_too_long(len(clean[long]))
            done = long + 1
            if self._is_held(delivery):
                return done
        handled = self.lines_received(clean[done:]) if done < len(clean) else None
        return None if handled is None else done + handled

    def _is_held(self, delivery: int) -> bool:
        """Whether what comes next is not for us now: paused, closed, or another protocol's."""
        transport = self.transport
        return transport.delivery != delivery and not (transport.is_reading() and transport.get_protocol() is self)

    def _keep(self, rest: bytes) -> None:
        """Hold an unended line, never more than `max_line` of it (and the CR that may come before its LF)."""
        if self._skipping:
            return
        if len(rest) <= self.max_line + 1:
            self._partial = rest
        else:
            self._skip(True)
            self.line_too_long(len(rest))

    def _skip(self, skipping: bool) -> None:
        self._skipping = skipping
        self._may_go_straight = not (skipping or self._takes_batches)

    def eof_received(self) -> bool | None:
        """An unended last line is a line, as when a file is read."""
        line, self._partial = self._partial, b""
        if len(line) > self.max_line:
            self.line_too_long(len(line))
        elif line:
            self.line_received(line)
        return None


class FrameProtocol(Protocol):
    """Frames whose beginning announces their length. A subclass says how to `cut` one and what to do with it."""

    transport: StreamTransport = cast(StreamTransport, None)  # there from `connection_made` on
    _pending: bytes | bytearray = b""

    def connection_made(self, transport: Any) -> None:
        """Keep the transport as `self.transport`. A subclass that overrides this calls it."""
        self.transport = adopt(transport, self)
        self._pending = b""

    def _check_sent(self, data: bytes, call: str) -> bytes:
        if self.transport is None:
            raise not_made(self)
        return data if type(data) is bytes else bytes_of(data, call)

    def cut(self, data: bytes | bytearray, start: int) -> tuple[int, int, int] | None:
        """Where the frame at `start` has its payload's start and end, and its own end; None if it is not all here."""
        raise NotImplementedError

    def frame_received(self, payload: bytes) -> None:
        """One payload."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        if self.transport is None:
            raise not_made(self)
        pending: bytes | bytearray = data
        if self._pending:
            pending = self._pending
            if not isinstance(pending, bytearray):
                pending = bytearray(pending)  # a long message comes in many pieces: each is appended, not recopied
            pending += data
        position = handled = 0
        transport = self.transport
        delivery = transport.delivery
        while (frame := self.cut(pending, position)) is not None:
            if handled == BATCH:
                return self._give_back(pending, position)
            start, end, position = frame
            handled += 1
            self._pending = b""
            self.frame_received(bytes(pending[start:end]))
            if transport.delivery != delivery:
                if not transport.is_reading() or transport.get_protocol() is not self:
                    return self._give_back(pending, position)
                delivery = transport.delivery
        self._pending = pending if not position else pending[position:]

    def _give_back(self, pending: bytes | bytearray, position: int) -> None:
        self._pending = b""
        self.transport.unread(bytes(pending[position:]))

    def eof_received(self) -> bool | None:
        """The peer's end in the middle of a frame is a FramingError."""
        if self._pending:
            raise FramingError(f"the stream ended within a frame, {len(self._pending)} bytes of it received")
        return None


class NetstringProtocol(FrameProtocol):
    """`5:hello,` (cr.yp.to/proto/netstrings.txt). Define `string_received`."""

    max_string = MAX_MESSAGE
    """Bytes of the longest string accepted."""

    def connection_made(self, transport: Any) -> None:
        """As FrameProtocol's."""
        check_defines(self, NetstringProtocol, "string_received")
        super().connection_made(transport)

    def string_received(self, string: bytes) -> None:
        """One string."""

    def send_string(self, string: bytes) -> None:
        """Send one string."""
        string = self._check_sent(string, "send_string")
        self.transport.write(b"%d:%b," % (len(string), string))

    def frame_received(self, payload: bytes) -> None:
        self.string_received(payload)

    def cut(self, data: bytes | bytearray, start: int) -> tuple[int, int, int] | None:
        digits = len(str(self.max_string))
        colon = data.find(b":", start, start + digits + 1)
        length = bytes(data[start : colon if colon >= 0 else start + digits + 1])
        if length and (not length.isdigit() or (length[0] == 0x30 and len(length) > 1)):
            raise FramingError(f"a netstring begins with its length, not with {length!r}")
        if colon < 0 and len(length) <= digits:
            return None
        if colon < 0 or not length or int(length) > self.max_string:
            text = f"a netstring announced as {length!r} bytes; the limit is {self.max_string}"
            raise LimitExceeded(text) if length else FramingError("a netstring without a length")
        end = colon + 1 + int(length)
        if len(data) <= end:
            return None
        if data[end] != 0x2C:
            raise FramingError(f"a netstring of {int(length)} bytes does not end with a comma")
        return colon + 1, end, end + 1


class LengthPrefixedProtocol(FrameProtocol):
    """Each message behind its length, packed as `prefix` says. Define `message_received`."""

    prefix = "!I"
    """The `struct` format of the length: here four bytes, big-endian."""
    max_message = MAX_MESSAGE
    """Bytes of the longest message accepted."""

    def connection_made(self, transport: Any) -> None:
        """As FrameProtocol's."""
        check_defines(self, LengthPrefixedProtocol, "message_received")
        super().connection_made(transport)

    def message_received(self, message: bytes) -> None:
        """One message."""

    def send_message(self, message: bytes) -> None:
        """Send one message. Raises struct.error if its length does not fit `prefix`."""
        message = self._check_sent(message, "send_message")
        self.transport.write(struct.pack(self.prefix, len(message)) + message)

    def frame_received(self, payload: bytes) -> None:
        self.message_received(payload)

    def cut(self, data: bytes | bytearray, start: int) -> tuple[int, int, int] | None:
        body = start + struct.calcsize(self.prefix)
        if len(data) < body:
            return None
        (length,) = struct.unpack_from(self.prefix, data, start)
        if not 0 <= length <= self.max_message:
            raise LimitExceeded(f"a message announced as {length} bytes; the limit is {self.max_message}")
        return (body, body + length, body + length) if len(data) >= body + length else None
