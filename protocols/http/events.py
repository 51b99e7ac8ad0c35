"""What a wire gives for the bytes it is fed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .errors import HTTPError
from .headers import Headers


class Head(NamedTuple):
    """The status line and the fields of a response."""

    version: str
    """"1.1", "1.0"."""
    status: int
    """100 to 999. An unknown one means what x00 of its class means, and 600 and above what 500 means (RFC 9110, 15)."""
    reason: str
    """Often empty, and of no meaning."""
    headers: Headers


class RequestHead(NamedTuple):
    """The request line and the fields of a request."""

    version: str
    method: str
    target: str
    """As sent: origin-form, absolute-form, authority-form or "*" (RFC 9112, 3.2). Not decoded."""
    headers: Headers


@dataclass(slots=True)
class Informational:
    """A 1xx head. The response is still to come."""

    head: Head


@dataclass(slots=True)
class Data:
    """Some content, as sent: chunking is undone, a Content-Encoding is not. Never empty."""

    data: bytes


@dataclass(slots=True)
class End:
    """The message is complete. `trailers` come behind a chunked body, and are kept apart from headers (9110, 6.5)."""

    trailers: Headers


@dataclass(slots=True)
class Failed:
    """The peer broke off or broke the rules. The last event: what was good before it came in its own events."""

    error: HTTPError


Event = Head | RequestHead | Informational | Data | End | Failed
