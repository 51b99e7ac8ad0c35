"""Every failure of HTTP by name. Knows nothing else of the package.

Whoever catches `HTTPError` catches them all: what a peer does wrong, what the network does, and what passes a bound.
Arguments that are wrong (a URL, a method, a header) are `ValueError`, and are found before any connection.
"""

from __future__ import annotations


class HTTPError(Exception):
    """The root of every error named here.

    `partial`: the content that had come, as it came (with a content coding: what was decoded so far).
    `received`: how many bytes of content had come, also where they were streamed on and `partial` is empty.
    """

    def __init__(self, message: str = "", *, partial: bytes = b"", received: int = 0) -> None:
        super().__init__(message)
        self.partial = partial
        self.received = received


class ProtocolError(HTTPError):
    """The peer broke HTTP. The message says how; the code that raises it names the section of the RFC."""

    status = 400
    """What a server answers with."""


class HeadTooLarge(ProtocolError):
    """A head or a trailer section with too many bytes or lines, or too many 1xx heads before the answer."""

    status = 431


class TargetTooLong(HeadTooLarge):
    """A request line that alone is longer than a head may be."""

    status = 414


class LengthTooLarge(ProtocolError):
    """A Content-Length that nobody has so many bytes for."""

    status = 413


class UnknownTransferCoding(ProtocolError):
    """A Transfer-Encoding besides chunked: its framing is understood, its content is not."""

    status = 501


class UnknownVersion(ProtocolError):
    """A request line of another major version than HTTP/1."""

    status = 505


class Truncated(ProtocolError):
    """The peer closed before its message was complete."""


class NoResponse(Truncated):
    """The peer closed and had sent nothing: on a connection that was used before, the request may be tried again."""


class NoRequest(Truncated):
    """The peer closed between two requests, as it may: a server has nothing to complain about."""


class DecodingError(HTTPError):
    """The content is not what its Content-Encoding says: damaged, cut, or followed by something else."""


class UnknownCoding(DecodingError):
    """A Content-Encoding that the standard library cannot undo. Its name is in the message."""


class BodyTooLarge(HTTPError):
    """The content, decoded, is longer than was allowed."""
