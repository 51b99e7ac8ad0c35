"""Bytes from people's clients into messages. Knows no sockets, no timers and no protocol on top.

A message is a line of UTF-8 ended by LF or CRLF. Three kinds of client need more than that:

* The tutorials' clients send no newline at all. Until a connection has sent its first one, `flush_quiet` may be
  called after a silence and takes what has come as one message.
* telnet mixes commands into the text (RFC 854). They are removed, wherever the segments are cut. One is counted as
  well: after Ctrl-C or Ctrl-O telnet shows nothing more until its request for a timing mark is answered.
* Browsers and scanners knock on every port. A TLS record or an HTTP request line as the first thing is told apart.

What cannot be a message is a `Fault` in its place, so that its sender can be told in the right order.
"""

from __future__ import annotations

import re
from enum import Enum

from .sanitize import sanitize

MAX_LINE = 2048  # bytes without the line's end: four screens of text, more is a paste that belongs elsewhere
MAX_UNENDED = 8192  # bytes without a newline: whoever sends that does not speak in lines; it bounds our memory too

_LF = b"\n"
_PLAIN = bytes((*range(0x20, 0x7F), 0x0A, 0x0D))  # ASCII without anything that `sanitize` would remove, and line ends
_TLS_RECORD = b"\x16\x03"  # handshake, any version (RFC 8446, 5.1)
_HTTP_LINE = re.compile(rb"[A-Z]{3,20} \S+ HTTP/\d(?:\.\d)?")  # method SP target SP version (RFC 9112, 3)
_HTTP_START = re.compile(rb"[A-Z]{3,20} (?:/|https?:|\*)")

# RFC 854. 236 to 239 are EOF, SUSP, ABORT (RFC 1184) and EOR (RFC 885).
_IAC, _SE, _SB, _DO, _FIRST_COMMAND = 255, 240, 250, 253, 236
_TIMING_MARK = 6  # RFC 860
_IAC_BYTE = b"\xff"
_TEXT, _COMMAND, _OPTION, _SUBNEGOTIATION, _SUBNEGOTIATION_COMMAND = range(5)


class Fault(Enum):
    """What came instead of a message. After a fatal one nothing more comes of the framer."""

    LINE_TOO_LONG = "longer than 2,048 bytes"
    NOT_UTF8 = "not UTF-8"
    NO_NEWLINE = "8 KiB without a newline"
    HTTP = "an HTTP request"
    TLS = "a TLS handshake"

    @property
    def fatal(self) -> bool:
        return self in _FATAL


_FATAL = frozenset({Fault.NO_NEWLINE, Fault.HTTP, Fault.TLS})

Item = str | Fault


class TextFramer:
    """Feed bytes, get messages (`str`) and faults, in order. Messages are sanitized, so that no program can forget it.

    The result does not depend on how the bytes were cut, except for `flush_quiet`, whose whole point is time.
    raw: give messages as they were sent, for a program that wants to refuse what `sanitize` would remove.
    opening: whether the peer may be a stranger with another protocol, who is told apart by the first line.
    """

    __slots__ = (
        "_dead", "_hidden", "_opening", "_option_of", "_patient", "_pending", "_plain", "_raw", "_spoke_lines",
        "_state", "marks_wanted",
    )  # fmt: skip

    def __init__(self, *, raw: bool = False, opening: bool = True) -> None:
        self._raw = raw
        self._pending = b""  # an unended line, clean of telnet
        self._plain = not opening  # nothing pending, no telnet, past the opening: the fast path may be tried
        self._opening = opening  # nothing but empty lines has come yet
        self._spoke_lines = False  # a newline has come: the quiet gap is over for good
        self._patient = False  # one silence has been let pass, see flush_quiet
        self._dead = False
        self._state = _TEXT
        self._option_of = 0  # the command whose option byte comes next
        self.marks_wanted = 0  # requests for a timing mark, to be answered and set back by the owner
        self._hidden = 0  # bytes removed since the last newline: a flood must not hide in telnet

    def feed(self, data: bytes) -> list[Item]:
        """Messages and faults that `data` completes."""
        # The fast path: whole short lines, of which 16 cost 1.3 microseconds in plain ASCII and 4 in Chinese; on the
        # other it is 11. One translate() finds anything but plain text, for a tenth of the price of each line's look.
        if self._plain and data.endswith(_LF):
            odd = data.translate(None, _PLAIN)
            if not odd or (len(data) <= MAX_LINE and _IAC_BYTE not in odd):
                return self._feed_fast(data, bool(odd) and not self._raw)
        return self._feed(data)

    def _feed_fast(self, data: bytes, odd: bool) -> list[Item]:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return self._feed(data)
        if b"\r" in data:
            text = text.replace("\r\n", "\n")
            if "\r" in text:
                return self._feed(data)
        lines = text.split("\n")
        lines.pop()
        if len(data) > MAX_LINE and len(max(lines, key=len)) > MAX_LINE:
            return self._feed(data)
        return [sanitize(line) for line in lines] if odd else lines  # type: ignore[return-value]  # lists are invariant

    def flush_quiet(self) -> list[Item]:
        """The peer has been silent: what is pending is a message, if it has never sent a newline.

        What is plainly unfinished (half a code point, the start of a request line) gets the benefit of one more
        silence: then `waiting` stays true.
        """
        if not self.waiting:
            return []
        if not self._patient and _unfinished(self._pending):
            self._patient = True
            return []
        return self._end_pending()

    def finish(self) -> list[Item]:
        """The peer has ended its side: an unended last line is a message as well."""
        items = self._end_pending() if self._pending and not self._dead else []
        self._dead = True
        return items

    @property
    def waiting(self) -> bool:
        """Whether a silence would end a message."""
        return bool(self._pending) and not self._spoke_lines and not self._dead

    def _feed(self, data: bytes) -> list[Item]:
        items: list[Item] = []
        self._patient = False
        if self._dead:
            return items
        if self._opening and (self._pending[:2] + data[:2]).startswith(_TLS_RECORD):
            self._die(items, Fault.TLS)
        elif self._state == _TEXT and _IAC_BYTE not in data:
            self._take(data, items)
        else:
            self._strip(data, items)
        self._plain = not (self._pending or self._opening or self._dead or self._state or self._hidden)
        return items

    def _take(self, data: bytes, items: list[Item]) -> None:
        """Text without telnet."""
        lines = data.split(_LF)
        lines[0] = self._pending + lines[0]
        self._pending = lines.pop()
        for line in lines:
            if self._hidden + len(line) >= MAX_UNENDED:
                return self._die(items, Fault.NO_NEWLINE)
            self._hidden = 0
            self._spoke_lines = True
            self._message(line, items)
            if self._dead:
                return
        self._hide(0, items)

    def _hide(self, size: int, items: list[Item]) -> None:
        self._hidden += size
        if not self._dead and self._hidden + len(self._pending) >= MAX_UNENDED:
            self._die(items, Fault.NO_NEWLINE)

    def _message(self, line: bytes, items: list[Item]) -> None:
        line = line[:-1] if line.endswith(b"\r") else line
        if self._opening and line:
            self._opening = False
            if _HTTP_LINE.fullmatch(line):
                return self._die(items, Fault.HTTP)
        if len(line) > MAX_LINE:
            items.append(Fault.LINE_TOO_LONG)
            return
        try:
            text = line.decode()
        except UnicodeDecodeError:
            items.append(Fault.NOT_UTF8)
        else:
            items.append(text if self._raw else sanitize(text))

    def _end_pending(self) -> list[Item]:
        items: list[Item] = []
        line, self._pending, self._hidden, self._patient = self._pending, b"", 0, False
        self._message(line, items)
        return items

    def _die(self, items: list[Item], fault: Fault) -> None:
        items.append(fault)
        self._dead = True
        self._pending = b""

    def _strip(self, data: bytes, items: list[Item]) -> None:
        """Text and telnet, piece by piece. `_state` lives across calls, so a segment may end anywhere."""
        at, size = 0, len(data)
        while at < size and not self._dead:
            if self._state in (_TEXT, _SUBNEGOTIATION):
                end = data.find(_IAC_BYTE, at)
                end = size if end < 0 else end
                if self._state == _SUBNEGOTIATION:
                    self._hide(end - at, items)
                elif end > at:
                    self._take(data[at:end], items)
                at = end + 1  # past the IAC, if there is one
                self._state += end < size  # both states are followed by their command state
            else:
                at += self._telnet(data[at], items)

    def _telnet(self, byte: int, items: list[Item]) -> bool:
        """One byte after an IAC. False: it belongs to no command and is to be looked at again as text."""
        if self._state == _SUBNEGOTIATION_COMMAND:
            self._state = _TEXT if byte == _SE else _SUBNEGOTIATION
            self._hide(2, items)
        elif self._state == _OPTION:
            if byte in _NO_OPTION:
                return self._not_telnet(bytes((_IAC, self._option_of)), items)
            self._state = _SUBNEGOTIATION if self._option_of == _SB else _TEXT
            self.marks_wanted += self._option_of == _DO and byte == _TIMING_MARK
            self._hide(3, items)
        elif byte == _IAC:
            self._state = _TEXT
            self._take(_IAC_BYTE, items)
        elif byte < _FIRST_COMMAND:
            return self._not_telnet(_IAC_BYTE, items)
        elif byte >= _SB:
            self._state, self._option_of = _OPTION, byte
        else:
            self._state = _TEXT
            self._hide(2, items)
        return True

    def _not_telnet(self, seen: bytes, items: list[Item]) -> bool:
        self._state = _TEXT
        self._take(seen, items)
        return False


# No option has these numbers in practice: LF and CR were reserved for two that nobody implemented (RFC 652, 655), the
# rest are commands. Refusing them lets no stray \xff\xfe swallow the newline of its line, which is then not UTF-8.
_NO_OPTION = frozenset({0x0A, 0x0D, *range(_FIRST_COMMAND, 256)})


def _unfinished(pending: bytes) -> bool:
    """Whether more must follow, from a peer that ends its messages by silence."""
    if pending == _TLS_RECORD[:1] or (_HTTP_START.match(pending) and not _HTTP_LINE.fullmatch(pending)):
        return True
    try:
        pending.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False
