"""The chunked coding undone (RFC 9112, 7.1). Knows nothing of heads before it or messages behind it.

    SIZE --5 CRLF--> DATA --5 bytes--> DATA_END --CRLF--> SIZE
    SIZE --0 CRLF--> TRAILERS --fields, blank line--> done

Framing is read in one way only: hexadecimal digits, CRLF and nothing else ends a line, CRLF follows each chunk.
"""

from __future__ import annotations

import re
from enum import Enum

from ..errors import HeadTooLarge, ProtocolError
from ..headers import Headers
from .heads import MAX_HEAD, MAX_LINES, check_size, find_end, parse_fields

MAX_SIZE_LINE = 4096  # bytes with the CRLF: a signature or a checksum in an extension has some hundreds
MAX_WASTE = 64 * 1024  # bytes of extensions that content does not pay for: as much as a head
FAIR = 32  # bytes a size line may have for nothing: 16 digits, CRLF, and a short extension

# 1*HEXDIG, of which 16 are 64 bits (RFC 9112, 7.1: expect large numbers), then extensions, which mean nothing to us
# (7.1.1). Blanks at the end are not in the grammar; Apache 1.3 padded with them, and no reader takes them for digits.
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16}+)[ \t]*+(?:;[^\0\r\n]*+)?\r\n")
_CRLF = b"\r\n"
_LF = 0x0A
_NONE = Headers()


class At(Enum):
    SIZE = "the size of a chunk"
    DATA = "the content of a chunk"
    DATA_END = "the line end behind a chunk"
    TRAILERS = "the trailers"


SIZE, DATA, DATA_END, TRAILERS = At


class ChunkedDecoder:
    """Undoes the chunking of one body."""

    __slots__ = ("_left", "_lines", "_max_head", "_max_lines", "_pending", "_waste", "at", "trailers")

    def __init__(self, max_head: int = MAX_HEAD, max_lines: int = MAX_LINES) -> None:
        self.at = SIZE
        self.trailers: Headers | None = None  # not None: the body is complete
        self._left = 0  # bytes of this chunk that are still to come
        self._pending: bytes | bytearray = b""  # an unended line, or trailers without their end
        self._lines = 0  # of such trailers
        self._waste = 0
        self._max_head = max_head
        self._max_lines = max_lines

    def feed(self, data: bytes, start: int, pieces: list[memoryview]) -> int:
        """Takes `data` from `start` on. Adds content to `pieces`, also before it raises. Gives the offset behind.

        That is the end of `data`, or of the body once `trailers` is set.
        """
        if self.at is TRAILERS and self._pending:
            return self._read_more_trailers(data, start)
        before = len(self._pending)
        if before:
            data, start, self._pending = bytes(self._pending) + data[start:], 0, b""
        view = memoryview(data)
        here, size = start, len(data)
        while here < size:
            if self.at is SIZE:
                step = self._read_size(data, here)
            elif self.at is DATA:
                step = min(self._left, size - here)
                pieces.append(view[here : here + step])
                self._left -= step
                if not self._left:
                    self.at = DATA_END
            elif self.at is DATA_END:
                step = self._read_data_end(data, here)
            else:
                step = self._read_trailers(data, here)
            if not step:
                self._pending = data[here:]
                here = size
            here += step
            if self.trailers is not None:
                break
        return here - before

    def _read_size(self, data: bytes, here: int) -> int:
        """How many bytes the size line at `here` has; 0: its end has not come."""
        line = _SIZE_LINE.match(data, here)
        length = (line.end() if line else data.find(b"\n", here) + 1 or len(data)) - here
        if length > MAX_SIZE_LINE:
            raise HeadTooLarge(f"a chunk size of more than {MAX_SIZE_LINE} bytes")
        if line is None:
            if data.find(b"\n", here) < 0:
                return 0
            raise ProtocolError(f"a chunk size that is none: {data[here : here + min(length, 40)]!r}")
        self._left = int(line[1], 16)
        self._waste = max(0, self._waste + length - FAIR - self._left)
        if self._waste > MAX_WASTE:
            raise HeadTooLarge(f"chunk extensions of more than {MAX_WASTE} bytes above the content")
        self.at = DATA if self._left else TRAILERS
        return length

    def _read_data_end(self, data: bytes, here: int) -> int:
        found = data[here : here + 2]
        if found == _CRLF:
            self.at = SIZE
            return 2
        if found == b"\r":
            return 0
        raise ProtocolError("a chunk that is longer than its size says, or not followed by CRLF")

    def _read_trailers(self, data: bytes, here: int) -> int:
        """RFC 9112, 7.1.2. What they say is kept apart: no trailer changes the framing (RFC 9110, 6.5.1)."""
        if data.startswith(_CRLF, here):
            self.trailers = _NONE
            return 2
        end = here + 1 if data[here] == _LF else find_end(data, here)
        block = data[here : max(end, 0) or len(data)]
        check_size(block, self._max_head, self._max_lines)
        if end < 0:
            self._lines = block.count(b"\n")
            return 0
        self.trailers = parse_fields(block.decode("latin-1"))
        return end - here

    def _read_more_trailers(self, data: bytes, start: int) -> int:
        """More of them. Nothing is copied, searched or counted twice, however they were cut."""
        pending = self._pending if isinstance(self._pending, bytearray) else bytearray(self._pending)
        before = len(pending)
        pending += data[start:]
        end = 2 if pending.startswith(_CRLF) else find_end(pending, max(0, before - 2))  # the blank line, but its last
        size = end if end > 0 else len(pending)
        self._lines += pending.count(b"\n", before, size)
        if size > self._max_head or self._lines > self._max_lines + 1:
            check_size(bytes(pending[:size]), self._max_head, self._max_lines)
        if end < 0:
            self._pending = pending
            return len(data)
        self._pending = b""
        self.trailers = _NONE if end == 2 else parse_fields(pending[:end].decode("latin-1"))
        return start + end - before
