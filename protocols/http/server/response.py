"""An answer of a handler, and its head as bytes. Pure but for the clock that the Date field needs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import IO, Any, NamedTuple

from ..dates import format_date
from ..headers import Headers

TEXT = "text/plain; charset=utf-8"
Fields = Headers | Mapping[str, str] | Iterable[tuple[str, str]]
Body = bytes | str | Iterable[bytes] | Iterable[str] | IO[bytes] | None

OURS = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})
"""What the server says itself: it frames the body and keeps the connection."""
BODILESS = frozenset({101, 204, 304})  # RFC 9112, 6.3

_NONE = Headers()
_NAMES = {status.value: status.phrase for status in HTTPStatus}
_STATUS_LINES = {status: f"HTTP/1.1 {status} {name}\r\n".encode() for status, name in _NAMES.items()}


class Response:
    """A status, header fields and a body: what a handler gives that wants to say more than the body alone.

    The body may be whatever a handler may give by itself: bytes, str, an iterator, an open file, a Path; None is none.
    A `Content-Length` given with an iterator is what it must come to; else it is sent in chunks. `Connection: close`
    ends the connection behind this answer. Raises ValueError for fields that must not be sent.

    >>> Response(404, "no such page\\n").status, Response.json({"a": 1}).body
    (404, b'{"a": 1}')
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int = 200, body: Any = None, headers: Fields = ()) -> None:
        if not 200 <= status <= 599 and status != 101:
            raise ValueError(f"a final status is 200 to 599, not {status!r}")
        self.status = int(status)
        self.body = body
        self.headers = headers if isinstance(headers, Headers) else Headers(headers) if headers else _NONE

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Fields = ()) -> Response:
        """`value` as JSON. Raises TypeError or ValueError for what JSON has no form for.

        Half of a surrogate pair, which `Request.json` may have read, is written as the escape that it came as.
        """
        fields = [("Content-Type", "application/json"), *Headers(headers).raw]
        text = json.dumps(value, ensure_ascii=False)
        return cls(status, text.encode(errors="backslashreplace"), fields)

    @classmethod
    def redirect(cls, location: str, status: int = 307) -> Response:
        """Elsewhere. `location` is a URL or a path, encoded; 307 keeps the method, 303 makes it GET."""
        return cls(status, None, {"Location": location})

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


class Refusal(Exception):
    """Raised by a handler, however deep: the answer is this status with a line of text. It is not logged."""

    def __init__(self, status: int, text: str = "", headers: Fields = ()) -> None:
        super().__init__(status, text)
        self.response = plain(status, text, headers)


class Upgrade(NamedTuple):
    """The handler of an upgrade agrees: see the map of this package."""

    response: Response
    """101, with Upgrade and whatever else the new protocol says in its head. `Connection: Upgrade` is added."""
    protocol: Any
    """Has the connection from then on."""


class Ready:
    """A whole answer that was made before: `head` ends before Date, `body` is what follows the head."""

    __slots__ = ("body", "head", "status")

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        self.status = status
        self.head = head
        self.body = body


class Clock:
    """The last fields of a head, made once a second: Date is among them (RFC 9110, 6.6.1)."""

    __slots__ = ("_closing", "_date", "_keep_alive_1_0", "_second", "_unsaid")

    def __init__(self) -> None:
        self._second = 0
        self._date = b""
        # The three endings: nothing is said of the connection, which HTTP/1.1 keeps; or what becomes of it is said.
        self._unsaid = self._keep_alive_1_0 = self._closing = b""

    def date(self) -> bytes:
        """The field with its line end."""
        second = int(time.time())
        if second != self._second:
            self._renew(second)
        return self._date

    def head_end(self, version: str, keep: bool) -> bytes:
        """Date, Connection where it says more than nothing (RFC 9112, 9.3), and the empty line."""
        second = int(time.time())
        if second != self._second:
            self._renew(second)
        if keep:
            return self._unsaid if version != "1.0" else self._keep_alive_1_0
        return self._closing

    def _renew(self, second: int) -> None:
        self._second = second
        self._date = date = f"Date: {format_date(second)}\r\n".encode()
        self._unsaid = date + b"\r\n"
        self._keep_alive_1_0 = date + b"Connection: keep-alive\r\n\r\n"
        self._closing = date + b"Connection: close\r\n\r\n"


_clock = Clock()
date, head_end = _clock.date, _clock.head_end


def status_line(status: int) -> bytes:
    """With its line end. A status without a name has an empty one (RFC 9112, 4)."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def head_start(status: int, headers: Headers, length: int | None = None, kind: str | None = None) -> bytes:
    """The head but for Date, Connection and the empty line.

    `kind` is the Content-Type where the headers name none; `length` None leaves Content-Length out.
    """
    lines = [status_line(status)]
    if kind is not None and "content-type" not in headers:
        lines.append(f"Content-Type: {kind}\r\n".encode("latin-1"))
    for name, value in headers.raw:
        if name.lower() not in OURS:
            lines.append(f"{name}: {value}\r\n".encode("latin-1"))
    if length is not None:
        lines.append(b"Content-Length: %d\r\n" % length)
    return b"".join(lines)


def has_close(headers: Headers) -> bool:
    """A handler asks for the end of the connection."""
    return "close" in headers.get("connection", "").lower()


def plain(status: int, text: str = "", headers: Fields = ()) -> Response:
    """An answer that says why in a line of text; nothing of the request is repeated in it."""
    name = f"{status} {_NAMES.get(status, '')}".rstrip()
    fields = [("Content-Type", TEXT), ("X-Content-Type-Options", "nosniff"), *Headers(headers).raw]
    return Response(status, f"{name}{': ' if text else ''}{text}\n".encode(), fields)


def refusal(status: int, *, head_only: bool) -> bytes:
    """The whole last answer to what is no request."""
    response = plain(status)
    head = head_start(status, response.headers, len(response.body)) + head_end("1.1", keep=False)
    return head if head_only else head + bytes(response.body)
