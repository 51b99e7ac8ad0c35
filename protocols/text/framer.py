"""Bytes from people's clients into messages. Knows no sockets, no timers and no protocol on top.

A message is a line of UTF-8 ended by LF, CRLF, CR NUL or CR (RFC 854, page 11; RFC 1123, 3.3.1). Four kinds of client
need more than that:

* The tutorials' clients send no newline at all. Until a connection has sent its first one, `flush_quiet` may be
  called after a silence and takes what has come as one message.
* A telnet in character mode sends key by key. What grows by single keys is no message until its line's end.
* telnet mixes commands into the text, see `telnet`. One is counted: after Ctrl-C or Ctrl-O telnet shows nothing more
  until its request for a timing mark is answered.
* Browsers and scanners knock on every port, see `openings`.

What cannot be a message is a `Fault` in its place, so that its sender can be told in the right order.
"""

from __future__ import annotations

from . import openings
from .faults import Fault
from .sanitize import sanitize
from .telnet import Telnet

MAX_LINE = 2048  # bytes without the line's end: four screens of text, more is a paste that belongs elsewhere
MAX_UNENDED = 8192  # bytes without a newline: whoever sends that does not speak in lines; it bounds our memory too

_LF = b"\n"
_CR = 13  # as a number, for `in`: b"\r" costs it an exception, a tenth of the whole cut of a line
_PLAIN = bytes((*range(0x20, 0x7F), 0x0A, 0x0D))  # ASCII without anything that `sanitize` would remove, and line ends
_IAC_BYTE = b"\xff"
_KEYS_END = "\u3000"  # characters below come of one key each; those above come of an input method, in words

Item = str | Fault


class TextFramer:
    """Feed bytes, get messages (`str`) and faults, in order. Messages are sanitized, so that no program can forget it.

    The result does not depend on how the bytes were cut, except for `flush_quiet`, whose whole point is time.
    raw: give messages as they were sent, for a program that wants to refuse what `sanitize` would remove.
    opening: whether the peer may be a stranger with another protocol, who is told apart by the first line.
    """

    __slots__ = (
        "_after_cr", "_dead", "_keys", "_nick", "_opening", "_patient", "_pending", "_raw", "_spoke_lines",
        "_telnet", "_wasted", "plain",
    )  # fmt: skip

    def __init__(self, *, raw: bool = False, opening: bool = True) -> None:
        self._raw = raw
        self._pending = b""  # an unended line, clean of telnet
        # Nothing pending, no telnet, past the opening: the fast path may be tried, and no silence is waited for.
        self.plain = not opening
        self._opening = opening  # nothing but empty lines has come yet
        self._nick: bytes | None = None  # the first line, where the second decides whether it is a stranger's
        self._spoke_lines = False  # a newline has come: the quiet gap is over for good
        self._patient = False  # one silence has been let pass, see flush_quiet
        self._keys = 0  # what is pending came key by key: 1 for a single one, 2 for more
        self._after_cr = False  # a LF or NUL that comes now belongs to the CR before it
        self._dead = False
        self._telnet: Telnet | None = None  # of a peer that has sent an IAC
        self._wasted = 0  # bytes of lines that were refused

    def feed(self, data: bytes) -> list[Item]:
        """Messages and faults that `data` completes."""
        # The fast path: whole short lines, of which 16 cost 1.3 microseconds in plain ASCII and 4 in Chinese; on the
        # other it is 11. One translate() finds anything but plain text, for a tenth of the price of each line's look.
        if self.plain and data.endswith(_LF):
            odd = data.translate(None, _PLAIN)
            if not odd or (len(data) <= MAX_LINE and _IAC_BYTE not in odd):
                return self._feed_fast(data, bool(odd) and not self._raw)
        return self._feed(data)

    def _feed_fast(self, data: bytes, odd: bool) -> list[Item]:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return self._feed(data)
        if _CR in data:
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
        silence: then `waiting` stays true. What was typed key by key is no message; another protocol's beginning is
        told apart all the same.
        """
        if not self.waiting:
            return []
        if self._nick is not None:
            if self._pending and not self._patient:
                self._patient = True
                return []
            return self._let_nick_pass()
        if self._keys > 1:
            self._patient = True
            fault = openings.stranger(self._pending) if self._opening else None
            return [self._die(fault)] if fault else []
        if not self._patient and openings.unfinished(self._pending):
            self._patient = True
            return []
        return self._end_pending()

    def finish(self) -> list[Item]:
        """The peer has ended its side: an unended last line is a message as well."""
        items: list[Item] = []
        if self._nick is not None and not self._pending:
            items.append(Fault.IRC)  # and nothing more: a probe
        elif self._pending and not self._dead:
            items += self._end_pending()
        self._dead = True
        return items

    @property
    def waiting(self) -> bool:
        """Whether a silence would end a message."""
        if self._dead:
            return False
        if self._nick is not None:
            return True
        return bool(self._pending) and not self._spoke_lines and not self._speaks_telnet and not self._is_being_typed

    @property
    def lone_key(self) -> bool:
        """Whether what is pending may be the first of several keys, for which a silence is to be longer."""
        return self._keys == 1 and self._pending.decode() < _KEYS_END

    def take_waste(self) -> int:
        """Bytes that came since this was asked last and were neither said nor kept: telnet, and refused lines."""
        wasted, self._wasted = self._wasted, 0
        if self._telnet is not None:
            wasted += self._telnet.removed
            self._telnet.removed = 0
        return wasted

    def take_marks(self) -> int:
        """Requests for a timing mark since this was asked last. Each is to be answered."""
        if self._telnet is None:
            return 0
        marks, self._telnet.marks_wanted = self._telnet.marks_wanted, 0
        return marks

    @property
    def _speaks_telnet(self) -> bool:
        return self._telnet is not None and self._telnet.seen

    @property
    def _is_being_typed(self) -> bool:
        return self._keys > 1 and (self._patient or not self._opening)

    def _feed(self, data: bytes) -> list[Item]:
        items: list[Item] = []
        self._patient = False
        if self._dead:
            return items
        if self._opening and (self._pending[:2] + data[:2]).startswith(openings.TLS_RECORD):
            items.append(self._die(Fault.TLS))
            return items
        if self._telnet is None and _IAC_BYTE in data:
            self._telnet = Telnet()
        if self._telnet is not None and not (self._telnet.idle and _IAC_BYTE not in data):
            data = self._telnet.feed(data)
        self._take(data, items)
        if self._telnet is not None and self._telnet.inside >= MAX_UNENDED and not self._dead:
            items.append(self._die(Fault.NO_NEWLINE))
        self.plain = not (self._pending or self._opening or self._dead or self._after_cr or self._nick)
        self.plain = self.plain and (self._telnet is None or self._telnet.idle)
        return items

    def _take(self, data: bytes, items: list[Item]) -> None:
        """Text without telnet."""
        if self._after_cr and data:
            self._after_cr = False
            if data[0] in b"\n\0":
                data = data[1:]
        if not data:
            return
        if _CR in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", _LF).replace(b"\r\0", _LF).replace(b"\r", _LF)
        lines = data.split(_LF)
        if len(lines) == 1:
            self._keys = self._count_key(data)
        lines[0] = self._pending + lines[0]
        self._pending = lines.pop()
        for line in lines:
            if len(line) >= MAX_UNENDED:
                items.append(self._die(Fault.NO_NEWLINE))
                return
            self._spoke_lines = True
            self._keys = 0
            self._message(line, items)
            if self._dead:
                return
        if len(self._pending) >= MAX_UNENDED:
            items.append(self._die(Fault.NO_NEWLINE))

    def _count_key(self, data: bytes) -> int:
        if self._keys > 1 or not (self._keys or not self._pending):
            return self._keys
        return self._keys + 1 if _is_key(data) else 0

    def _message(self, line: bytes, items: list[Item]) -> None:
        if self._opening and line:
            self._opening = False
            if fault := openings.stranger(line):
                items.append(self._die(fault))
                return
            if openings.may_be_irc(line):
                self._nick = line
                return
        elif self._nick is not None:
            if openings.is_irc_user(line):
                items.append(self._die(Fault.IRC))
                return
            items += self._let_nick_pass()
        items.append(self._item(line))

    def _item(self, line: bytes) -> Item:
        if len(line) > MAX_LINE:
            self._wasted += len(line)
            return Fault.LINE_TOO_LONG
        try:
            text = line.decode()
        except UnicodeDecodeError:
            self._wasted += len(line)
            return Fault.NOT_UTF8
        return text if self._raw else sanitize(text)

    def _let_nick_pass(self) -> list[Item]:
        line, self._nick = self._nick, None
        return [] if line is None else [self._item(line)]

    def _end_pending(self) -> list[Item]:
        items: list[Item] = []
        line, self._pending, self._patient, self._keys = self._pending, b"", False, 0
        self._message(line, items)
        return items

    def _die(self, fault: Fault) -> Fault:
        self._dead = True
        self._pending = b""
        self._nick = None
        return fault


def _is_key(data: bytes) -> bool:
    """Whether that is what one key sends."""
    try:
        return len(data) <= 3 and len(data.decode()) == 1
    except UnicodeDecodeError:
        return False
