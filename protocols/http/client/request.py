"""A request as bytes. Knows no connection: what is to be sent, its head, and what its caller may not say."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import TextIOBase
from typing import IO, Any

from ..headers import Headers
from ..url import URL
from .arguments import NOT_HEADERS
from .content.codings import ACCEPT_ENCODING
from .cookies import join_cookies

USER_AGENT = "reactor-fetch"  # no version: a server has nothing to do with it
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
IDEMPOTENT = METHODS - {"PATCH", "POST"}  # RFC 9110, 9.2.2: once or twice comes to the same
WITH_LENGTH = frozenset({"PATCH", "POST", "PUT"})  # say Content-Length: 0 as well (RFC 9110, 8.6)

Pairs = tuple[tuple[str, str], ...]
Fields = Mapping[str, Any] | Iterable[tuple[str, Any]]
Body = bytes | bytearray | memoryview | str | IO[bytes] | None

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110, 5.5: a control character is never part of a value
_OURS = {
    "transfer-encoding": "the length of the body is always known, and said in Content-Length",
    "upgrade": "only HTTP/1.1 is spoken here",
    "te": "trailers are not kept",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `fields` are the caller's; those that every request needs are added in `head`."""

    method: str
    url: URL
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes | IO[bytes] = b""
    size: int = 0
    """Bytes of the body."""
    start: int = 0
    """Where in its file the body begins."""
    without: frozenset[str] = frozenset()
    """Names, in lower case, of default fields that the caller does not want."""
    _heads: dict[Any, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def decodes(self) -> bool:
        """A content coding of the answer is undone: only one that we have asked for ourselves (RFC 9110, 8.4)."""
        return "accept-encoding" not in self.without and self.said("accept-encoding") is None

    def said(self, name: str) -> str | None:
        """The value of a field of the caller's, by its name in lower case."""
        return next((value for known, value in self.fields if known.lower() == name), None)

    def dropping(self, names: Iterable[str]) -> Request:
        """The same without these fields; names in lower case."""
        return replace(self, fields=tuple((name, value) for name, value in self.fields if name.lower() not in names))

    def head(self, *, keep_alive: bool, proxy: Pairs | None = None, cookie: str | None = None) -> bytes:
        """Request line and fields (RFC 9112, 3). `proxy`: the fields for a proxy, which is asked by the whole URL.
        `cookie`: cookies that are sent besides those that the caller gave."""
        if cookie is not None:
            return self._with_cookie(cookie)._head(keep_alive, proxy)
        head = self._heads.get((keep_alive, proxy))
        if head is None:
            head = self._heads[keep_alive, proxy] = self._head(keep_alive, proxy)
        return head

    def _with_cookie(self, kept: str) -> Request:
        given = self.said("cookie")
        if given is None:
            return replace(self, fields=(*self.fields, ("Cookie", kept)))
        cookie = ("Cookie", join_cookies(given, kept))
        return replace(self, fields=tuple(cookie if name.lower() == "cookie" else (name, v) for name, v in self.fields))

    def _head(self, keep_alive: bool, proxy: Pairs | None) -> bytes:
        said = {name.lower() for name, _ in self.fields} | self.without
        host = self.said("host") or self.url.netloc  # first, as RFC 9110, 7.2 advises
        lines = [f"{self.method} {self.url.target if proxy is None else self.url} HTTP/1.1", f"Host: {host}"]
        defaults = [
            ("User-Agent", USER_AGENT),
            ("Accept", "*/*"),
            ("Accept-Encoding", ACCEPT_ENCODING),
            ("Connection", "keep-alive" if keep_alive else "close"),
        ]
        if self.url.userinfo is not None:
            defaults.append(("Authorization", basic_auth(*self.url.userinfo)))
        lines += [f"{name}: {value}" for name, value in defaults if name.lower() not in said]
        if self.size or self.method in WITH_LENGTH:
            lines.append(f"Content-Length: {self.size}")
        lines += [f"{name}: {value}" for name, value in self.fields if name.lower() not in ("host", "content-length")]
        lines += [f"{name}: {value}" for name, value in proxy or () if name.lower() not in said]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def make_request(method: str, url: URL, headers: Fields | None = None, body: Body = None) -> Request:
    """A request of what a caller gives. Raises ValueError or TypeError for what must not be sent.

    A header with the value None is not sent, though it be one of the defaults. A `str` body is sent as UTF-8; a file
    from where it stands to its end, so it must be able to tell where that is.
    """
    if isinstance(headers, Headers):
        headers = headers.raw
    try:
        given = tuple(headers.items() if isinstance(headers, Mapping) else headers or ())
        kinds = tuple([value.__class__ for _, value in given])
    except (TypeError, ValueError) as exc:
        raise TypeError(NOT_HEADERS) from exc
    try:
        if body is None:
            return _without_body(method, url, given, kinds)
    except TypeError:
        pass  # a value that has no hash is no text either: said below
    fields = tuple([check_field(name, value) for name, value in given if value is not None])
    content, size, start = _content(body)
    _check_framing(fields, size)
    without = frozenset([name.lower() for name, value in given if value is None])
    return Request(check_method(method), url, fields, content, size, start, without)


@lru_cache(256)  # a program asks for the same few things, in the same words: 20 microseconds of each request become 2
def _without_body(method: str, url: URL, given: tuple[tuple[str, Any], ...], kinds: tuple[type, ...]) -> Request:
    return make_request(method, url, given, b"")  # `kinds`, because 1 and True are the same key


def check_method(method: str) -> str:
    """The method. Those that everybody knows may be given in lower case, in which no server would know them."""
    if not isinstance(method, str) or not _TOKEN.fullmatch(method):
        raise ValueError(f"a method is a word such as GET, not {method!r}")
    upper = method.upper()
    if upper == "CONNECT":
        raise ValueError("CONNECT asks a proxy for a tunnel, and is sent where one is needed")
    return upper if upper in METHODS else method


def check_field(name: str, value: Any) -> tuple[str, str]:
    """A field that may be sent. A line break in it would be another field, or the end of the head."""
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise ValueError(f"a header's name is a word such as Accept, not {name!r}")
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    elif not isinstance(value, str):
        raise TypeError(f"the value of the header {name} is text, not {type(value).__name__}")
    if _BAD_VALUE.search(value):
        raise ValueError(f"the value of the header {name} has a control character in it")
    if value and ord(max(value)) > 0xFF:
        raise ValueError(f"the value of the header {name} is not latin-1: give bytes, encoded as the server wants them")
    if reason := _OURS.get(name.lower()):
        raise ValueError(f"the header {name} cannot be given: {reason}")
    return name, value.strip(" \t")


def basic_auth(user: str | bytes, password: str | bytes) -> str:
    """The value of Authorization for a name and a password (RFC 7617), as UTF-8.

    >>> basic_auth("Aladdin", "open sesame")
    'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='
    """
    name, secret = (part.encode() if isinstance(part, str) else part for part in (user, password))
    if b":" in name:
        raise ValueError("a name with a colon in it cannot be said in Basic authentication")
    return "Basic " + b64encode(name + b":" + secret).decode("ascii")


def bearer_auth(token: str) -> str:
    """The value of Authorization for a token (RFC 6750, 2.1)."""
    return f"Bearer {token}"


def _content(body: Body) -> tuple[bytes | IO[bytes], int, int]:
    if body is None:
        return b"", 0, 0
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        content = bytes(body)
        return content, len(content), 0
    try:
        if isinstance(body, TextIOBase):
            raise AttributeError
        start, end = body.tell(), body.seek(0, 2)
        body.seek(start)
    except (AttributeError, OSError):
        raise TypeError(f"a body is bytes, a str or a binary file that can seek, not {body!r}") from None
    return body, end - start, start


def _check_framing(fields: tuple[tuple[str, str], ...], size: int) -> None:
    """Two lengths for one body are how requests are smuggled (RFC 9112, 11.2)."""
    names = [name.lower() for name, _ in fields]
    if names.count("host") > 1:
        raise ValueError("more than one Host header")
    for name, value in fields:
        if name.lower() == "content-length" and value != str(size):
            raise ValueError(f"Content-Length is {value}, and the body has {size} bytes")
