"""Cookies from one request to the next, by the standard library's rules (RFC 6265). Knows no connection.

Only for what is fetched: which cookies there are is the jar's business, and it may be kept in a file by others. What a
server may put into it is bounded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..headers import Headers
from ..url import URL

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

MAX_FIELDS = 50  # Set-Cookie of one answer that are looked at, as in curl
MAX_FIELD = 4096  # bytes of one: what browsers take
MAX_SENT = 8190  # bytes of a Cookie field: what servers take (Apache, LimitRequestFieldSize)
MAX_COOKIES = 3000  # in a jar: RFC 6265, 6.1

_AGE = re.compile(r'"?-?[0-9]{1,12}"?')  # seconds; more than 30,000 years is nonsense


class Cookies:
    """The cookies of one fetch with its redirects, or of all that share a jar.

    >>> cookies, url = Cookies(), URL("http", "example.com", 80, "/login")
    >>> cookies.store(url, Headers([("Set-Cookie", "session=1; Path=/"), ("Set-Cookie", "x=2; Domain=com")]))
    True
    >>> cookies.header_for(URL("http", "example.com", 80, "/")), cookies.header_for(URL("http", "other.org", 80, "/"))
    ('session=1', None)
    """

    __slots__ = ("_jar",)

    def __init__(self, jar: CookieJar | None = None) -> None:
        """jar: an `http.cookiejar.CookieJar`; None: a new one, made with the first cookie."""
        self._jar = jar

    def store(self, url: URL, headers: Headers) -> bool:
        """Take what an answer sets. Whether it has set anything."""
        fields = [field for field in headers.get_all("set-cookie") if len(field) <= MAX_FIELD][:MAX_FIELDS]
        fields = [_without_odd_age(field) for field in fields]
        if not fields:
            return False
        if self._jar is None:
            self._jar = make_jar()
        if len(self._jar) < MAX_COOKIES:
            self._jar.extract_cookies(_Answer(fields), _request(url))  # type: ignore[arg-type]
        return True

    def header_for(self, url: URL) -> str | None:
        """The value of Cookie for a request, None for none."""
        if self._jar is None:
            return None
        request = _request(url)
        self._jar.add_cookie_header(request)
        value: str | None = request.get_header("Cookie")
        if value is not None and len(value) > MAX_SENT:
            value = value[: value.rfind("; ", 0, MAX_SENT)]
        return None if value is None else _as_bytes_read(value)


def make_jar() -> CookieJar:
    """An empty jar, that takes no cookie for all of a country."""
    from http.cookiejar import CookieJar, DefaultCookiePolicy  # 30 ms, with all that it imports

    return CookieJar(DefaultCookiePolicy(strict_domain=True))


def join_cookies(given: str, kept: str) -> str:
    """What the caller says, and what is kept under other names.

    >>> join_cookies("a=1; b=2", "b=9; c=3")
    'a=1; b=2; c=3'
    """
    names = {part.partition("=")[0].strip() for part in given.split(";")}
    return "; ".join([given, *(part for part in kept.split("; ") if part.partition("=")[0] not in names)])


def _as_bytes_read(value: str) -> str:
    """Characters that a server cannot have set are the caller's own, and are sent as UTF-8, as browsers do."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


def _without_odd_age(field: str) -> str:
    """The jar does not take a Max-Age that is no number, or a very long one: it tells of a bug of its own on stderr."""
    cookie, *attributes = field.split(";")
    return ";".join([cookie, *(part for part in attributes if not _is_odd_age(part))])


def _is_odd_age(attribute: str) -> bool:
    name, _, value = attribute.partition("=")
    return name.strip().lower() == "max-age" and not _AGE.fullmatch(value.strip())


class _Answer:
    """What the jar asks of an answer."""

    def __init__(self, fields: list[str]) -> None:
        self._fields = fields

    def info(self) -> _Answer:
        return self

    def get_all(self, name: str, default: Any = None) -> Any:
        return self._fields if name.lower() == "set-cookie" else default


def _request(url: URL) -> Any:
    from urllib.request import Request  # the jar knows how to ask it

    return Request(str(url))
