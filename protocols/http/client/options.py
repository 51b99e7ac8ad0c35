"""What a caller may choose of a fetch, spelled once: the keywords of `Client.fetch`, `fetch` and `get`."""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from types import EllipsisType
from typing import IO, TYPE_CHECKING, Any, TypedDict

from ..errors import HTTPError
from .arguments import check_callbacks, check_count, check_file, check_names
from .cookies import Cookies
from .guard import Guard
from .proxies.choice import Choose, make_proxy, proxies_from_environment, straight
from .request import Body, Fields
from .response import Response
from .timeouts import TOTAL, FetchTimeouts, make_timeouts

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

MAX_REDIRECTS = 10  # enough for every honest chain: a shortener, http to https, a language, a login
MAX_BODY = 64 * 1024 * 1024  # bytes in memory, decoded: more is a file, and has on_data and file=

ProxyChoice = str | bool | Choose | None


class FetchOptions(TypedDict, total=False):
    """The keywords of a fetch. `Client.fetch` says what each means, and what it is where it is not given."""

    method: str
    headers: Fields | None
    body: Body
    timeout: float | FetchTimeouts | None
    max_redirects: int
    max_body: int | EllipsisType | None
    tls: ssl.SSLContext | None
    on_head: Callable[[Response], Any] | None
    on_data: Callable[[bytes], Any] | None
    file: IO[bytes] | None
    allow_downgrade: bool
    repeatable: bool
    trace: Callable[[str], Any] | None


_KNOWN = frozenset(FetchOptions.__annotations__)


class SingleFetchOptions(FetchOptions, total=False):
    """The keywords of a fetch that has no client, and so chooses what a client chooses for all of its own."""

    proxy: ProxyChoice
    guard: Guard | None
    cookies: CookieJar | None


@dataclass(slots=True)
class Options:
    """What was chosen, checked. The request itself is apart."""

    timeouts: FetchTimeouts
    max_redirects: int
    max_body: int | None
    allow_downgrade: bool
    repeatable: bool
    on_head: Callable[[Response], Any] | None
    on_data: Callable[[bytes], Any] | None
    sink: str
    """What `on_data` is called where it fails."""
    tls: ssl.SSLContext | None
    trace: Callable[[str], Any] | None
    cookies: Cookies | None = None
    """None: those of this fetch alone, from one redirect to the next."""
    choose_proxy: Choose = straight
    keep_alive: bool = False


def make_options(given: FetchOptions) -> Options:
    """Of the keywords, those that are no part of the request. Raises ValueError and TypeError."""
    if not given.keys() <= _KNOWN:
        check_names(given, {*SingleFetchOptions.__annotations__})
    on_head, on_data, trace, sink = given.get("on_head"), given.get("on_data"), given.get("trace"), "on_data"
    if on_head is not None or on_data is not None or trace is not None:
        check_callbacks(on_head=on_head, on_data=on_data, trace=trace)
    file = given.get("file")
    if file is not None:
        if on_data is not None:
            raise TypeError("the body goes to on_data or to file, not to both")
        check_file(file)
        on_data, sink = partial(_write_all, file), "the file of the body"
    max_redirects = given.get("max_redirects", MAX_REDIRECTS)
    if max_redirects.__class__ is not int or max_redirects < 0:
        check_count("max_redirects", max_redirects)
    return Options(
        timeouts=make_timeouts(given.get("timeout", TOTAL)),
        max_redirects=max_redirects,
        max_body=_max_body(given.get("max_body", ...), streamed=on_data is not None),
        allow_downgrade=given.get("allow_downgrade", False),
        repeatable=given.get("repeatable", False),
        on_head=on_head,
        on_data=on_data,
        sink=sink,
        tls=check_tls(given.get("tls")),
        trace=trace,
    )


def check_tls(tls: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """Raises TypeError for what is no context."""
    if tls is None or isinstance(tls, ssl.SSLContext):
        return tls
    raise TypeError(f"tls is an ssl.SSLContext, or None for the system's roots, not {tls!r}")


def proxy_choice(proxy: ProxyChoice) -> Choose:
    """The function that `proxy=` comes to. Raises ValueError for a URL that is none, and TypeError."""
    if proxy is None:
        return proxies_from_environment()
    if proxy is False:
        return straight
    if isinstance(proxy, str):
        known = make_proxy(proxy)
        return lambda url: known
    if callable(proxy):
        return proxy
    raise TypeError(f"proxy is a URL, False, None or a function of a URL, not {proxy!r}")


def failed(error: HTTPError) -> Future[Response]:
    """A fetch that was over before it began."""
    future: Future[Response] = Future()
    future.set_exception(error)
    return future


def _max_body(value: int | EllipsisType | None, *, streamed: bool) -> int | None:
    if isinstance(value, EllipsisType):
        return None if streamed else MAX_BODY
    if value is not None:
        check_count("max_body", value)
    return value


def _write_all(file: IO[bytes], data: bytes) -> None:
    """A raw file may take a part, and says how much; a full disk raises with the next."""
    written = file.write(data)
    while isinstance(written, int) and written < len(data):
        data = data[written:]
        written = file.write(data)
    if written is None and isinstance(file, io.RawIOBase):
        raise BlockingIOError("a non-blocking file takes no more")
