"""HTTP/1.1 messages: bytes in, events out. Knows no sockets and no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .errors import HTTPError
from .headers import Headers


class Head(NamedTuple):
    """The status line and the fields of the answer."""

    version: str
    """"1.1", "1.0"."""
    status: int
    """100 to 999: a client treats what it does not know as the x00 of its class, and 600 and above as 500."""
    reason: str
    headers: Headers


@dataclass(slots=True)
class Informational:
    """A 1xx head. The answer is still to come."""

    head: Head


@dataclass(slots=True)
class Data:
    """Some content, as sent: chunking is undone, a Content-Encoding is not. Never empty."""

    data: bytes


@dataclass(slots=True)
class End:
    """The message is complete. `trailers` come behind a chunked body, mean little, and never are headers."""

    trailers: Headers


@dataclass(slots=True)
class Failed:
    """The peer broke off or broke the rules. The last event: what was good before it came in its own events."""

    error: HTTPError


Event = Head | Informational | Data | End | Failed


class ResponseWire:
    """The responses that come on one connection, one after the other. Neither `feed` nor `finish` raises.

    A response gives Informational*, Head, Data*, then End or Failed.
    """

    length: int | None
    """Content-Length, if the body has one and is not chunked. 0 where there can be no body."""
    body_until_eof: bool
    """The end of the connection is the end of the body: its loss cannot be told from its end, but by TLS."""
    leftover: bytes
    """What came behind the message: a tunnel's first bytes after CONNECT, else what nobody asked for."""
    received: int
    """Bytes of content so far."""

    def __init__(self, method: str = "GET", *, max_head: int = 64 * 1024, max_lines: int = 256) -> None:
        raise NotImplementedError

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes."""
        raise NotImplementedError

    def finish(self) -> list[Event]:
        """The peer has ended its side: End for a body that lasts until then, Failed for any other."""
        raise NotImplementedError

    @property
    def done(self) -> bool:
        """End was given."""
        raise NotImplementedError

    @property
    def keep_alive(self) -> bool:
        """Whether `next_request` may be called: End was given, the peer keeps the connection, nothing is left over."""
        raise NotImplementedError

    def next_request(self, method: str = "GET") -> None:
        """Expect another response on this connection. RuntimeError unless `keep_alive`."""
        raise NotImplementedError
