"""Where the content of a message ends, and whether its connection may be used again. Knows heads, and no content.

RFC 9112, 6.3 lists eight cases, first match first; `response_body` and `request_body` are that list. What two readers
could understand in two ways is refused, with one exception that is said there.
"""

from __future__ import annotations

import re

from ..errors import ProtocolError
from ..events import Head, RequestHead
from ..headers import Headers

_LENGTH = re.compile(r"[0-9]{1,19}+")  # 19 digits: every off_t, and no number that takes long to read

Body = tuple[str, int | None]
"""The column of the table of states that the head leads to, and the length where it is known."""

_EMPTY: Body = ("empty", 0)
_TUNNEL: Body = ("tunnel", 0)


def response_body(method: str, head: Head) -> Body:
    """How long the content of the response to a `method` request is."""
    status, headers = head.status, head.headers
    if method == "CONNECT" and 200 <= status < 300:  # case 2: a tunnel; Content-Length and Transfer-Encoding are
        return _TUNNEL  # to be ignored, right or wrong
    length = content_length(headers)
    chunked = is_chunked(head.version, headers)
    if method == "HEAD" or status in (204, 304):  # case 1: the fields say what a GET would have given
        return _EMPTY
    if chunked:  # cases 3 and 4. With a Content-Length besides, which servers do send, Transfer-Encoding wins for
        return "chunked", None  # every reader, and `persistent` gives the connection up: nothing hides behind it
    if length is None:
        return "unsized", None  # case 8
    return ("sized", length) if length else _EMPTY  # cases 5 and 6


def request_body(head: RequestHead) -> Body:
    """How long the content of a request is. Here Transfer-Encoding with Content-Length is refused (RFC 9112, 6.1)."""
    hosts = len(head.headers.get_all("host"))
    if hosts > 1 or (not hosts and head.version != "1.0"):  # RFC 9112, 3.2
        raise ProtocolError("a request needs one Host")
    length = content_length(head.headers)
    if is_chunked(head.version, head.headers):
        if length is not None:
            raise ProtocolError("both Transfer-Encoding and Content-Length")
        return "chunked", None
    return ("sized", length) if length else _EMPTY  # cases 6 and 7


def content_length(headers: Headers) -> int | None:
    """RFC 9110, 8.6: digits; or a list of the same digits, when a message was put together carelessly.

    >>> content_length(Headers({"Content-Length": "5, 5"}))
    5
    """
    value = headers.get("content-length")
    if value is None:
        return None
    if not _LENGTH.fullmatch(value):
        value = _the_same(value)
    return int(value)


def _the_same(value: str) -> str:
    values = {part.strip(" \t") for part in value.split(",")}
    first = values.pop()
    if values:
        raise ProtocolError(f"Content-Lengths that differ: {value[:60]!r}")  # RFC 9112, 6.3, case 5
    if not _LENGTH.fullmatch(first):
        raise ProtocolError(f"a Content-Length that is no length: {value[:60]!r}")
    return first


def is_chunked(version: str, headers: Headers) -> bool:
    """RFC 9112, 6.1. We send no TE, so a server may apply chunked and nothing else, once, and to HTTP/1.1 only."""
    value = headers.get("transfer-encoding")
    if value is None:
        return False
    if value.lower() != "chunked":
        raise ProtocolError(f"a Transfer-Encoding that is not chunked: {value[:60]!r}")
    if version == "1.0":
        raise ProtocolError("Transfer-Encoding in HTTP/1.0")
    return True


def persistent(head: Head | RequestHead, body: Body) -> bool:
    """Whether the sender of `head` keeps the connection after this message (RFC 9112, 9.3)."""
    headers = head.headers
    if body[0] in ("unsized", "tunnel"):
        return False
    if "transfer-encoding" in headers and "content-length" in headers:
        return False  # 6.1: somebody before us may have read it otherwise
    if isinstance(head, Head) and head.status == 204 and _announces_content(headers):
        return False  # a 204 has none (RFC 9110, 8.6), and a server that says otherwise may send it
    options = headers.get("connection", "").lower()
    return not _lists(options, "close") and (head.version != "1.0" or _lists(options, "keep-alive"))


def _lists(options: str, word: str) -> bool:
    return word in options and word in (option.strip(" \t") for option in options.split(","))


def _announces_content(headers: Headers) -> bool:
    return "transfer-encoding" in headers or bool(content_length(headers))
