"""Content codings undone: gzip and deflate, in bounded steps. Knows nothing of messages but the field's value."""

from __future__ import annotations

from collections.abc import Iterator

from .headers import Headers

ACCEPT_ENCODING = "gzip, deflate"  # what a request should say; br and zstd are not in the standard library


class Decoder:
    """Undoes the codings of one body."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decoded pieces, none empty and none above 64 KiB; run it to its end, or give up the body.

        Raises DecodingError (UnknownCoding with the first byte of content, not before), BodyTooLarge beyond `limit`.
        """
        raise NotImplementedError

    def finish(self) -> None:
        """The content has ended. DecodingError if it is cut."""
        raise NotImplementedError


def decoder_for(headers: Headers, *, limit: int | None = None) -> Decoder | None:
    """A decoder for a body with these headers; None where there is nothing to undo: the data is the content.

    `limit`: bytes of decoded content, inclusive; None: no bound. Without a decoder the caller counts by himself.
    """
    raise NotImplementedError
