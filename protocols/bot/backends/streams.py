"""Streams of events cut into their data: server-sent events and NDJSON. Pure, bounded; knows nothing of what is in it.

Both may be fed in pieces of any size. An event that grows beyond MAX_EVENT raises NoAnswer, and so does what is not
UTF-8: the line ends of both formats are ASCII, so that a character which is cut by a segment is whole in its line.
"""

from __future__ import annotations

import re

from ..sayings import Fault
from .backend import NoAnswer

MAX_EVENT = 256 * 1024  # bytes of one event; the largest that APIs send are a few KiB of one token's statistics

_BOM = b"\xef\xbb\xbf"
_ANY_END = re.compile(rb"\r\n|\n|\r")


class SseSplitter:
    """The `data` of server-sent events (WHATWG HTML, 9.2.6). Other fields and comments say nothing to us.

    >>> events = SseSplitter()
    >>> events.feed(b"data: one\\n\\nda"), events.feed(b"ta: two\\r\\n: a comment\\r\\ndata: three\\r\\n\\r\\n")
    (['one'], ['two\\nthree'])
    """

    def __init__(self) -> None:
        self._pending: list[bytes] = []  # an unended line, in pieces
        self._held = 0  # bytes of it
        self._beginning = True  # a BOM may still come
        self._after_cr = False  # a CR has ended a line, and an LF right after it belongs to the same end
        self._data: list[bytes] = []
        self._size = 0  # bytes of the event so far, an LF for each line of it

    def feed(self, data: bytes) -> list[str]:
        """The data of each event that is complete now."""
        if self._beginning:
            data = self._without_bom(data)
        if not data:
            return []
        if self._after_cr:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        *lines, rest = _ANY_END.split(data)
        if lines:
            lines[0] = self._take() + lines[0]
        self._pending.append(rest)
        self._held += len(rest)
        events = [event for line in lines if (event := self._line(line)) is not None]
        if self._size + self._held > MAX_EVENT:
            raise NoAnswer(Fault.TOO_LARGE, "an event without an end")
        return events

    def finish(self) -> list[str]:
        """The stream is over: its last event, also where the empty line that ends it is missing.

        The standard drops such an event; some servers end with `data: [DONE]` and nothing behind it.
        """
        line = self._take()
        events = (self._line(line) if line else None, self._line(b""))
        return [event for event in events if event is not None]

    def _without_bom(self, data: bytes) -> bytes:
        data = self._take() + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._pending, self._held = [data], len(data)
            return b""
        self._beginning = False
        return data.removeprefix(_BOM)

    def _take(self) -> bytes:
        line, self._pending, self._held = b"".join(self._pending), [], 0
        return line

    def _line(self, line: bytes) -> str | None:
        """The event that an empty line completes."""
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
                self._size += len(value) + 1
            return None
        data, self._data, self._size = self._data, [], 0
        return _decode(b"\n".join(data)) if data else None


class LineSplitter:
    """The lines of NDJSON; empty ones are left out.

    >>> lines = LineSplitter()
    >>> lines.feed(b'{"a": 1}\\n\\n{"b"'), lines.feed(b": 2}"), lines.finish()
    (['{"a": 1}'], [], ['{"b": 2}'])
    """

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete now."""
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join(self._pending) + lines[0]
            self._pending, self._size = [], 0
        self._pending.append(rest)
        self._size += len(rest)
        if max(self._size, max(map(len, lines), default=0)) > MAX_EVENT:
            raise NoAnswer(Fault.TOO_LARGE, "a line without an end")
        return [_decode(line) for line in lines if line.strip()]

    def finish(self) -> list[str]:
        """The stream is over: the last line, if it had no end."""
        line, self._pending, self._size = b"".join(self._pending), [], 0
        return [_decode(line)] if line.strip() else []


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise NoAnswer(Fault.GARBLED, "not UTF-8") from None
