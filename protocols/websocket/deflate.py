"""permessage-deflate (RFC 7692): what is agreed, and messages made small and large again. Pure.

Neither side ever keeps its dictionary from one message to the next (no context takeover). A kept dictionary is some
60 KiB to 300 KiB for each connection, for ever, and makes what is sent to one peer useless for any other; without it
an idle connection costs nothing, and one compressed frame serves everybody in a room.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

from .closing import INVALID_DATA, TOO_BIG, Violation
from .frames import pack

NAME = "permessage-deflate"
OFFER = f"{NAME}; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"
"""What our client asks for: no dictionary is kept on either side, and the server may want our window smaller."""

MIN_SIZE = 256  # bytes of a message from which on deflate is tried: below, it saves less than a packet has of headers
LEVEL = 5  # of zlib: 6, its default, takes half as long again for two percent
WINDOW = 15  # bits of the largest window there is, 32 KiB
MIN_WINDOW = 9  # zlib cannot make a raw stream with 8 (its manual, deflateInit2)
TAIL = b"\x00\x00\xff\xff"  # ends each message for zlib and is left out on the wire (7.2.1)

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = re.compile(rf"[ \t]*({_TOKEN})[ \t]*(?:=[ \t]*(?:({_TOKEN})|\"({_TOKEN})\")[ \t]*)?(;|,|\Z)")
_BITS = re.compile(r"[89]|1[0-5]")  # 7.1.2.1: no leading zeros

Extension = tuple[str, list[tuple[str, str | None]]]


def parse_extensions(value: str) -> list[Extension]:
    """A Sec-WebSocket-Extensions field (RFC 6455, 9.1): each name with its parameters. Raises ValueError.

    >>> parse_extensions('permessage-deflate; a=1; b, x-other; c="2"')
    [('permessage-deflate', [('a', '1'), ('b', None)]), ('x-other', [('c', '2')])]
    """
    found: list[Extension] = []
    start, inside = 0, False
    while start < len(value) or not found:
        match = _PARAMETER.match(value, start)
        if match is None or (not inside and (match[2] or match[3])):
            raise ValueError(f"Sec-WebSocket-Extensions is malformed: {value[:60]!r}")
        name = match[1].lower()
        if inside:
            found[-1][1].append((name, match[2] or match[3]))
        else:
            found.append((name, []))
        start, inside = match.end(), match[4] == ";"
        if match[4] and start == len(value):
            raise ValueError(f"Sec-WebSocket-Extensions ends in the middle: {value[:60]!r}")
    return found


@lru_cache(64)  # browsers send one of three offers
def agree(offers: str) -> tuple[int, str] | None:
    """A server's choice among a client's offers: the largest window that we may use, and what is answered.

    None: none of them is one that we can take. Raises ValueError where they are malformed.

    >>> agree("permessage-deflate; client_max_window_bits; server_max_window_bits=10")[0]
    10
    """
    for name, parameters in parse_extensions(offers):
        window = _window(parameters) if name == NAME else None
        if window is not None:
            limit = "" if window == WINDOW else f"; server_max_window_bits={window}"
            return window, f"{NAME}; server_no_context_takeover; client_no_context_takeover{limit}"
    return None


def _window(parameters: list[tuple[str, str | None]]) -> int | None:
    """Of one offer; None where it has a parameter that is unknown, wrong, said twice or beyond zlib (7.1)."""
    said = dict(parameters)
    if len(said) < len(parameters):
        return None
    window = WINDOW
    for name, value in parameters:
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                return None
        elif name == "client_max_window_bits":
            if value is not None and not _BITS.fullmatch(value):
                return None
        elif name == "server_max_window_bits" and value is not None and _BITS.fullmatch(value):
            window = int(value)
        else:
            return None
    return window if window >= MIN_WINDOW else None


def accept(answer: str) -> int:
    """A client's look at what the server chose: the largest window that we may use; 0: send nothing compressed.

    Raises ValueError for what we have not offered (RFC 6455, 4.1; RFC 7692, 7.1).
    """
    extensions = parse_extensions(answer)
    said = dict(extensions[0][1])
    if len(extensions) > 1 or extensions[0][0] != NAME or len(said) < len(extensions[0][1]):
        raise ValueError(f"the server chose extensions that were not offered: {answer[:60]!r}")
    window = WINDOW
    for name, value in said.items():
        if name in ("server_no_context_takeover", "client_no_context_takeover") and value is None:
            continue
        if name not in ("client_max_window_bits", "server_max_window_bits") or not _BITS.fullmatch(value or ""):
            raise ValueError(f"the server chose a parameter of permessage-deflate that is wrong: {name[:40]}")
        if name == "client_max_window_bits":
            window = int(value or "")
    if "server_no_context_takeover" not in said:  # 7.1.1.1: we asked for it
        raise ValueError("the server keeps its dictionary from one message to the next, which was not offered")
    return window if window >= MIN_WINDOW else 0


def deflate(payload: bytes, window: int) -> bytes | None:
    """A message compressed; None where that does not make it smaller, or `window` is 0. Depends on nothing before it.

    The window is no larger than the message: zlib sets up less for each.
    """
    size = len(payload)
    if size < MIN_SIZE or not window:
        return None
    bits = min(window, max(MIN_WINDOW, size.bit_length()))
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, -bits, 8 if size > 1 << 14 else 5)
    data = stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH)
    return data[:-4] if len(data) - 4 < size else None


def frame(opcode: int, payload: bytes, window: int | None) -> bytes:
    """A server's message, compressed where that was agreed and helps."""
    small = deflate(payload, window) if window else None
    return pack(opcode, payload) if small is None else pack(opcode, small, deflated=True)


class Inflater:
    """One message made large again, piece by piece, and never larger than `max_size`."""

    __slots__ = ("_left", "_stream", "rest")

    def __init__(self, max_size: int) -> None:
        self._stream = zlib.decompressobj(-WINDOW)
        self._left = max_size
        self.rest = 0  # bytes at the end of the last `data` that were not looked at: to be fed again

    def feed(self, data: bytes, most: int) -> bytes:
        """The next `most` bytes of what `data` comes to. Raises Violation: a bomb is found before it is unpacked."""
        try:
            piece = self._stream.decompress(data, min(most, self._left + 1))
        except zlib.error:
            raise Violation(INVALID_DATA, "a message is not what deflate makes") from None
        self.rest = len(self._stream.unconsumed_tail)
        self._left -= len(piece)
        if self._left < 0:
            raise Violation(TOO_BIG, "a message is too long once it is decompressed")
        if self._stream.unused_data not in (b"", b"\0", TAIL, b"\0" + TAIL):  # 7.2.3.5: nothing else may follow
            raise Violation(INVALID_DATA, "a message goes on behind its last block")
        return piece

    def finish(self) -> bytes:
        """The message's end: what zlib has held back, some KiB at most. Raises Violation."""
        return self.feed(TAIL, self._left + 1)
