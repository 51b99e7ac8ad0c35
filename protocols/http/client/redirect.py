"""What a redirect asks for: the answer and its request in, the next request or an error out. Pure (RFC 9110, 15.4)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from urllib.parse import quote

from ..errors import HTTPError
from ..headers import Headers
from ..url import URL, brief
from .request import Request

REDIRECTS = frozenset({301, 302, 303, 307, 308})  # 300 offers a choice, 304 is no redirect, 305 is dangerous

SECRETS = frozenset({"authorization", "cookie", "host", "proxy-authorization"})
"""What one origin is told and another must not be; Host is no secret, but is wrong there."""

ABOUT_THE_BODY = frozenset(
    {"content-encoding", "content-language", "content-length", "content-location", "content-type"}
)
"""What describes a body, and goes with it (RFC 9110, 15.4, and the Fetch Standard)."""

_ASCII = "".join(map(chr, range(128)))

Visited = tuple[str, str]


class RedirectError(HTTPError):
    """A redirect that cannot be followed, or one too many."""


class Downgrade(RedirectError):
    """From https to http."""

    def __init__(self, url: URL) -> None:
        super().__init__(f"redirect from https to {brief(url)}, which is not encrypted: refused")


class TooManyRedirects(RedirectError):
    """One more than was allowed."""

    def __init__(self, allowed: int, last: URL) -> None:
        super().__init__(f"more than {allowed} redirects, the last from {brief(last)}")


def is_redirect(status: int, headers: Headers) -> bool:
    """True where the answer says where to go on. Without a Location it is an answer like others."""
    return status in REDIRECTS and "location" in headers


def next_request(
    request: Request, status: int, headers: Headers, *, visited: Collection[Visited] = (), allow_downgrade: bool = False
) -> Request:
    """The request that follows. Raises RedirectError.

    visited: the `(method, url)` of requests that will be answered as before: coming back to them is a loop.
    allow_downgrade: from https to http, where everybody on the way can read and change it.
    """
    url = _target(request.url, headers)
    if request.url.scheme == "https" and url.scheme == "http" and not allow_downgrade:
        raise Downgrade(url)
    following = _keeping_secrets(_with_method(replace(request, url=url), status), request.url)
    if (following.method, url.text) in visited:
        raise RedirectError(f"redirect loop: {brief(url)} was asked for before")
    return following


def _target(base: URL, headers: Headers) -> URL:
    locations = set(headers.get_all("location"))
    if len(locations) > 1:
        raise RedirectError("redirect to several places: there are different Location headers")
    location = locations.pop()
    try:
        return base.join(_as_meant(location))
    except ValueError as exc:
        raise RedirectError(f"redirect to a bad URL: {exc}") from None


def _as_meant(location: str) -> str:
    """Raw bytes came in as latin-1. UTF-8 may stand in a host as well; other bytes are kept as they are (RFC 3986,
    2.5: a URI has no charset)."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return quote(location, safe=_ASCII, encoding="latin-1")
    except UnicodeEncodeError:
        return location  # no wire gives it


def turns_to_get(method: str, status: int) -> bool:
    """301 and 302 turn POST into GET, because everybody does (15.4.2, 15.4.3); 303 turns all but HEAD (15.4.4)."""
    return method == "POST" if status in (301, 302) else status == 303 and method != "HEAD"


def _with_method(request: Request, status: int) -> Request:
    if not turns_to_get(request.method, status):
        return request
    return replace(request, method="GET", body=b"", size=0, start=0).dropping(ABOUT_THE_BODY)


def _keeping_secrets(request: Request, before: URL) -> Request:
    """To another origin nothing goes that was said to the first; in the same the URL's own credentials hold on."""
    if request.url.origin != before.origin:
        return request.dropping(SECRETS)
    if request.url.userinfo is None and before.userinfo is not None:
        return replace(request, url=replace(request.url, userinfo=before.userinfo))
    return request
