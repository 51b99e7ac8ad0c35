"""Content codings undone: gzip and deflate, in bounded steps. Knows nothing of messages but the field that names them.

A body in gzip may inflate a thousandfold, and gzip in gzip a millionfold. Nothing here is inflated by more than `STEP`
before it is counted, so a bomb costs the limit and one step for each layer, in time as well as in memory.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from ...errors import BodyTooLarge, DecodingError, UnknownCoding
from ...headers import Headers

ACCEPT_ENCODING = "gzip, deflate"  # what a request should say: br and zstd are not in the standard library
MAX_LAYERS = 2  # nobody means more, and 179 bytes of gzip in gzip in gzip were 49,000 streams to begin and end
STEP = 64 * 1024  # bytes inflated at once
BITE = 16 * 1024  # bytes inflated from at once: what zlib has not taken yet is copied with every step
MAX_EMPTY = 100  # empty gzip members in a row: each costs 20 bytes to send, and gives nothing for the limit to count
INNER_FREE = 1024 * 1024  # bytes between layers that are not looked at
INNER_GROWTH = 20  # what is compressed twice grows little between the layers; a bomb in a bomb a thousandfold
RAW_TRAILER = 4  # bytes behind raw deflate: the checksum of the zlib format, which some send without its header

_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1


class Decoder:
    """Undoes the codings of one body, the last one applied first."""

    __slots__ = ("_between", "_fault", "_layers", "_limit", "_taken", "given")

    def __init__(self, names: list[str], *, limit: int | None = None) -> None:
        """`names` in the order they were applied (RFC 9110, 8.4)."""
        self._fault = _fault(names)
        self._layers = [] if self._fault else [_LAYERS[name]() for name in reversed(names)]
        self._limit = limit
        self._taken = self._between = 0  # bytes from the message, and from one layer to the next
        self.given = 0  # bytes of decoded content so far

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decoded pieces, none empty and none above 64 KiB. Nothing is done until, and between, they are asked for.

        Raises DecodingError, and BodyTooLarge beyond `limit`. Codings that cannot be undone are an error with the
        first byte of content, and not before: with none, they harm nobody.
        """
        if not data:
            return
        if self._fault:
            raise self._fault
        self._taken += len(data)
        for piece in self._through(0, data):
            self.given += len(piece)
            if self._limit is not None and self.given > self._limit:
                raise BodyTooLarge(f"content of more than {self._limit} bytes")
            yield piece

    @property
    def streams(self) -> int:
        """Compressed streams that were ended: what they cost in time is not seen in what they give."""
        return sum(layer.streams for layer in self._layers)

    def finish(self) -> None:
        """The content has ended. DecodingError if it is cut; no content at all is no fault."""
        if not self._taken:
            return
        for layer in self._layers:
            layer.finish()

    def _through(self, depth: int, data: bytes) -> Iterator[bytes]:
        if depth == len(self._layers):
            yield data
            return
        for piece in self._layers[depth].feed(data):
            if depth + 1 < len(self._layers):
                self._between += len(piece)
                if self._between > INNER_FREE + INNER_GROWTH * self._taken:
                    raise DecodingError("content that inflates to more compressed content: a bomb")
            yield from self._through(depth + 1, piece)


def _fault(names: list[str]) -> DecodingError | None:
    unknown = next((name for name in names if name not in _LAYERS), None)
    if unknown is not None:
        return UnknownCoding(f"content in a coding that was not asked for and is not known: {unknown!r:.60}")
    if len(names) > MAX_LAYERS:
        return DecodingError(f"content in {len(names)} codings, which is more than {MAX_LAYERS}")
    return None


class _Layer(ABC):
    """One compressed stream, or several in a row. A subclass says how one begins, and what may stand behind it."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None  # None: before, between or behind
        self._pending = b""  # the beginning of a stream, too short to tell what it is
        self.streams = 0  # that were complete
        self._empty = 0  # of these, the last ones that gave nothing
        self._gave = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces, none empty."""
        for at in range(0, len(data), BITE):
            bite, self._pending = self._pending + data[at : at + BITE], b""
            while bite and (self._stream or (bite := self._open(bite))):
                yield from self._inflate(bite)
                bite = self._close()

    def finish(self) -> None:
        if self._stream or self._pending:
            raise DecodingError("the compressed content is cut")

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        """What the stream makes of `data`, until it ends or wants more."""
        stream = self._stream
        assert stream is not None
        while not stream.eof:
            try:
                piece = stream.decompress(data, STEP)
            except zlib.error as error:
                raise DecodingError(f"the compressed content is damaged: {error}") from None
            if piece:
                self._gave = True
                yield piece
            data = stream.unconsumed_tail
            if not data and len(piece) < STEP:
                return

    def _close(self) -> bytes:
        """What stands behind the stream, if it has ended."""
        if self._stream is None or not self._stream.eof:
            return b""
        self._empty = 0 if self._gave else self._empty + 1
        if self._empty > MAX_EMPTY:
            raise DecodingError(f"more than {MAX_EMPTY} empty compressed streams in a row")
        behind = self._stream.unused_data
        self._stream, self._gave = None, False
        self.streams += 1
        return behind

    @abstractmethod
    def _open(self, data: bytes) -> bytes:
        """Set `_stream` for what begins with `data`, and give what it is to inflate; b"": nothing begins (yet)."""


class _Gzip(_Layer):
    """RFC 1952: members in a row (2.2); zlib checks the CRC and the length of each (2.3.1)."""

    def _open(self, data: bytes) -> bytes:
        if self.streams:
            data = data.lstrip(b"\0")  # padding, as gzip(1) lets pass
            if data and not _MAGIC.startswith(data[:2]):  # gzip(1) would warn; but it may be a damaged member
                raise DecodingError("something else stands behind the compressed content")
        if data:
            self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        return data


class _Deflate(_Layer):
    """RFC 9110, 8.4.1.2: zlib (RFC 1950) around deflate; "some send deflate (RFC 1951) without it" is said there."""

    _spare = 0

    def _open(self, data: bytes) -> bytes:
        if self.streams:
            self._spare -= len(data)
            if self._spare < 0:
                raise DecodingError("something else stands behind the compressed content")
            return b""
        if len(data) < 2:
            self._pending = data
            return b""
        # RFC 1950, 2.2: CM is 8, CINFO at most 7, FCHECK makes it a multiple of 31. Raw deflate could begin so only
        # with a stored block whose padding is not zero, which no compressor writes.
        raw = data[0] & 0x8F != 0x08 or (data[0] << 8 | data[1]) % 31 != 0
        self._spare = RAW_TRAILER if raw else 0
        self._stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
        return data


_LAYERS: dict[str, Callable[[], _Layer]] = {"gzip": _Gzip, "x-gzip": _Gzip, "deflate": _Deflate}  # RFC 9110, 8.4.1


def decoder_for(headers: Headers, *, limit: int | None = None) -> Decoder | None:
    """A decoder for a body with these headers; None where there is nothing to undo: the data is the content.

    `limit`: bytes of decoded content, inclusive; None: no bound. Without a decoder the caller counts.
    A coding that is not known (br, zstd: never asked for) is an error in `feed`: passed on as it is, it would be
    taken for the content. Whoever asks for one wants it as it is, and needs no decoder.

    >>> decoder = decoder_for(Headers({"Content-Encoding": "gzip"}), limit=1000)
    >>> b"".join(decoder.feed(zlib.compress(b"hello", wbits=31)))
    b'hello'
    >>> decoder.finish()
    """
    value = headers.get("content-encoding", "")
    names = [name for part in value.lower().split(",") if (name := part.strip(" \t")) not in ("", "identity")]
    return Decoder(names, limit=limit) if names else None
