"""One message while it comes in pieces: bounded, joined in linear time, and its text checked as it comes. Pure."""

from __future__ import annotations

import codecs
import io

from .closing import INVALID_DATA, TOO_BIG, Violation
from .deflate import Inflater

_utf8 = codecs.getincrementaldecoder("utf-8")

NOT_UTF8 = "a text message is not UTF-8"


class Message:
    """The pieces of one message. What is wrong is known with the piece that has it, however the bytes are cut."""

    __slots__ = ("_bytes", "_decoder", "_inflater", "_max_size", "_room", "_text", "size")

    def __init__(self, *, text: bool, deflated: bool, max_size: int) -> None:
        # What deflate cannot make smaller grows by 5 bytes for each block of 16 KiB (zlib's manual, deflateBound).
        self._room = max_size + (max_size >> 10) + 64 if deflated else max_size
        self._max_size = max_size
        self._inflater = Inflater(max_size) if deflated else None
        self._decoder = _utf8() if text else None
        self._text = io.StringIO()  # linear: a list of a million pieces of one byte would take 60 times their size
        self._bytes = io.BytesIO()  # gives all of it without another copy
        self.size = 0  # bytes so far, decompressed

    def announce(self, size: int) -> None:
        """Another frame of `size` bytes begins. Raises Violation before any of a message that is too long is held."""
        self._room -= size
        if self._room < 0:
            raise Violation(TOO_BIG, f"a message of more than {self._max_size} bytes")

    def add(self, piece: bytes, most: int) -> int:
        """Some of it, unmasked, until `most` bytes have come out. Raises Violation.

        Gives how many bytes at the end of `piece` were not looked at yet: the next piece begins with them.
        """
        if self._inflater is None:
            self._take(piece[:most], final=False)
            return max(0, len(piece) - most)
        self._take(self._inflater.feed(piece, most), final=False)
        return self._inflater.rest

    def finish(self) -> str | bytes:
        """The whole message. Raises Violation."""
        self._take(b"" if self._inflater is None else self._inflater.finish(), final=True)
        return self._bytes.getvalue() if self._decoder is None else self._text.getvalue()

    def _take(self, piece: bytes, final: bool) -> None:
        self.size += len(piece)
        if self._decoder is None:
            self._bytes.write(piece)
            return
        try:
            self._text.write(self._decoder.decode(piece, final))
        except UnicodeDecodeError:
            raise Violation(INVALID_DATA, NOT_UTF8) from None
