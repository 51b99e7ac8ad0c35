"""Where the content of a message ends, and whether its connection may be used again. Knows heads, and no content.

RFC 9112, 6.3 lists eight cases, first match first; `response_body` and `request_body` are that list. What two readers
could understand in two ways is refused, with one exception that is said there.
"""

from __future__ import annotations

import re

from ..errors import LengthTooLarge, ProtocolError, UnknownTransferCoding
from ..events import Head, RequestHead
from ..headers import Headers
from ..hosts import check_host

MAX_LENGTH = 1 << 60  # bytes of a request's content: an exabyte is a mistake or an attack, and fits in every off_t

_LENGTH = re.compile(r"[0-9]{1,19}+")  # 19 digits: every off_t, and no number that takes long to read
_DIGITS = re.compile(r"[0-9]+")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

Body = tuple[str, int | None]
"""The column of the table of states that the head leads to, and the length where it is known."""

EMPTY: Body = ("empty", 0)
_TUNNEL: Body = ("tunnel", 0)


def response_body(method: str, head: Head) -> Body:
    """How long the content of the response to a `method` request is."""
    status, headers = head.status, head.headers
    if method == "CONNECT" and 200 <= status < 300:  # case 2: a tunnel; Content-Length and Transfer-Encoding are
        return _TUNNEL  # to be ignored, right or wrong
    length = content_length(headers)
    chunked = is_chunked(head.version, headers)
    if method == "HEAD" or status in (204, 304):  # case 1: the fields say what a GET would have given
        return EMPTY
    if chunked:  # cases 3 and 4. With a Content-Length besides, which servers do send, Transfer-Encoding wins for
        return "chunked", None  # every reader, and `persistent` gives the connection up: nothing hides behind it
    if length is None:
        return "unsized", None  # case 8
    return ("sized", length) if length else EMPTY  # cases 5 and 6


def request_body(head: RequestHead) -> Body:
    """How long the content of a request is. Here Transfer-Encoding with Content-Length is refused (RFC 9112, 6.1)."""
    headers = head.headers
    host = headers.get("host")
    if host is not None:
        check_host(host)  # two of them are joined with a blank, which no host has
    elif head.version != "1.0":  # RFC 9112, 3.2
        raise ProtocolError("a request needs one Host")
    length = content_length(headers, MAX_LENGTH)
    if "transfer-encoding" in headers:
        _check_codings(headers["transfer-encoding"])
        if is_chunked(head.version, headers) and length is not None:
            raise ProtocolError("both Transfer-Encoding and Content-Length")
        return "chunked", None
    return ("sized", length) if length else EMPTY  # cases 6 and 7


def content_length(headers: Headers, most: int | None = None) -> int | None:
    """RFC 9110, 8.6: digits; or a list of the same digits, when a message was put together carelessly.

    Raises LengthTooLarge for more than `most`.

    >>> content_length(Headers({"Content-Length": "5, 5"}))
    5
    """
    value = headers.get("content-length")
    if value is None:
        return None
    if not _LENGTH.fullmatch(value):
        value = _the_same(value, most)
    length = int(value)
    if most is not None and length > most:
        raise LengthTooLarge(f"a Content-Length of {length}")
    return length


def _the_same(value: str, most: int | None) -> str:
    values = {part.strip(" \t") for part in value.split(",")}
    first = values.pop()
    if values:
        raise ProtocolError(f"Content-Lengths that differ: {value[:60]!r}")  # RFC 9112, 6.3, case 5
    if most is not None and _DIGITS.fullmatch(first) and not _LENGTH.fullmatch(first):
        raise LengthTooLarge(f"a Content-Length of {len(first)} digits")
    if not _LENGTH.fullmatch(first):
        raise ProtocolError(f"a Content-Length that is no length: {value[:60]!r}")
    return first


def _check_codings(value: str) -> None:
    """What a server says to a coding that it does not know: 501, where the framing is sure (RFC 9112, 6.1 and 6.3)."""
    *inner, last = [coding.strip(" \t").lower() for coding in value.split(",")]
    if last == "chunked" and inner and "chunked" not in inner and all(map(_TOKEN.fullmatch, inner)):
        raise UnknownTransferCoding(f"a Transfer-Encoding that is not known: {inner[0][:60]!r}")


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
