"""The verbs: `Client` keeps connections, `fetch` makes one and closes it, `get` blocks."""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from types import EllipsisType
from typing import IO, Any, Self

from reactor import Reactor

from ..errors import HTTPError
from ..url import parse_url
from .failures import ClientClosed
from .fetching import Fetch, Options
from .guard import Guard
from .pool import KEEP_IDLE, PER_HOST, Pool
from .proxy import Choose, make_proxy, no_proxy, proxies_from_environment
from .request import Body, Fields, Request, make_request
from .response import Response
from .timeouts import TOTAL, FetchTimeouts, make_timeouts

MAX_REDIRECTS = 10  # enough for every honest chain: a shortener, http to https, a language, a login
MAX_BODY = 64 * 1024 * 1024  # bytes in memory, decoded: more is a file, and has on_data and file=

ProxyChoice = str | bool | Choose | None


class Client:
    """Fetches, and keeps connections for the next fetch. To be used on the loop's thread, and closed.

    per_host: connections to one origin at a time; further fetches wait for their turn.
    idle: seconds that a connection without a fetch is kept.
    tls: for https, an `ssl.SSLContext`; None verifies against the system's roots.
    proxy: None is what the environment says now (see `proxy`), False is none, "http://host:port" is one for all.
    guard: see `Guard`: where strangers choose what is fetched.

    >>> from reactor import Reactor
    >>> with Reactor() as reactor, Client(reactor, proxy=False) as client:
    ...     futures = [client.fetch(f"http://127.0.0.1:1/{name}") for name in "ab"]  # nobody is there
    ...     for future in futures:
    ...         try:
    ...             print(reactor.run_until(future).status)
    ...         except HTTPError as error:
    ...             print(error)
    cannot connect to 127.0.0.1:1: Connection refused
    cannot connect to 127.0.0.1:1: Connection refused
    """

    def __init__(
        self,
        reactor: Reactor,
        *,
        per_host: int = PER_HOST,
        idle: float = KEEP_IDLE,
        tls: ssl.SSLContext | None = None,
        proxy: ProxyChoice = None,
        guard: Guard | None = None,
    ) -> None:
        if per_host < 1 or not idle >= 0:
            raise ValueError(f"per_host must be at least 1 and idle not negative: {per_host!r}, {idle!r}")
        self._tls = _check_tls(tls)
        self._choose = _proxy_choice(proxy)
        self._pool = Pool(reactor, per_host=per_host, idle=idle, guard=guard)
        self._fetches: dict[Fetch, None] = {}
        self._open = reactor.promise()  # the reactor fails it when it is closed
        self._open.add_done_callback(lambda _: self.close())

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Fields | None = None,
        body: Body = None,
        timeout: float | FetchTimeouts | None = TOTAL,
        max_redirects: int = MAX_REDIRECTS,
        max_body: int | EllipsisType | None = ...,
        tls: ssl.SSLContext | None = None,
        on_head: Callable[[Response], Any] | None = None,
        on_data: Callable[[bytes], Any] | None = None,
        file: IO[bytes] | None = None,
        allow_downgrade: bool = False,
    ) -> Future[Response]:
        """Ask for `url`; the future holds a `Response`, or the `HTTPError` that was in the way of one.

        Raises ValueError or TypeError for what must not be sent, before anything is. 4xx and 5xx are answers.
        Cancelling the future, at any moment and from any thread, closes the connection.

        headers: a mapping or pairs; a value of None leaves out a header that is sent by default.
        body: bytes, a str (sent as UTF-8), or a binary file, sent from where it stands.
        timeout: seconds for all of it, or `FetchTimeouts` to bound its parts. None bounds only those.
        max_redirects: 0 gives the redirect itself.
        max_body: bytes of content, decoded, that are accepted. 64 MiB in memory, any where it is streamed; None: any.
        on_head: called with the Response of the final head, before any content.
        on_data: called with the content piece by piece, decoded; `body` stays empty. Nothing more is read until the
            future that it may return is done.
        file: a binary file that the content is written to, in the same way. It is not closed.
        allow_downgrade: follow redirects from https to http.
        """
        if self._pool.closed:
            return _failed(ClientClosed("the client is closed"))
        asked = method, headers, body, timeout, max_redirects, max_body, on_head, on_data, file, allow_downgrade
        request, options = _plan(url, *asked)
        options.tls = self._tls if tls is None else _check_tls(tls)
        options.choose_proxy = self._choose
        options.keep_alive = True
        fetch = Fetch(self._pool, request, options, self._fetches.pop)
        self._fetches[fetch] = None
        return fetch.begin()

    def close(self) -> None:
        """Close every connection. Fetches under way fail with ClientClosed. Harmless twice."""
        self._open.cancel()
        self._pool.close()
        for fetch in list(self._fetches):
            fetch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def fetch(
    reactor: Reactor,
    url: str,
    *,
    method: str = "GET",
    headers: Fields | None = None,
    body: Body = None,
    timeout: float | FetchTimeouts | None = TOTAL,
    max_redirects: int = MAX_REDIRECTS,
    max_body: int | EllipsisType | None = ...,
    tls: ssl.SSLContext | None = None,
    on_head: Callable[[Response], Any] | None = None,
    on_data: Callable[[bytes], Any] | None = None,
    file: IO[bytes] | None = None,
    allow_downgrade: bool = False,
    proxy: ProxyChoice = None,
    guard: Guard | None = None,
) -> Future[Response]:
    """Ask for `url` on a connection of its own, which is closed when the answer has come. All as `Client.fetch`.

    proxy, guard: as for `Client`. To be called on the loop's thread, or before the loop runs.

    >>> from reactor import Reactor
    >>> with Reactor() as reactor:
    ...     reactor.run_until(fetch(reactor, "http://127.0.0.1:1/", proxy=False))
    Traceback (most recent call last):
    protocols.http.ConnectionFailed: cannot connect to 127.0.0.1:1: Connection refused
    """
    asked = method, headers, body, timeout, max_redirects, max_body, on_head, on_data, file, allow_downgrade
    request, options = _plan(url, *asked)
    options.tls = _check_tls(tls)
    options.choose_proxy = _proxy_choice(proxy)
    return Fetch(Pool(reactor, guard=guard), request, options).begin()


def get(url: str, **options: Any) -> Response:
    """Fetch and wait, on a reactor of its own; in any thread. `options` are those of `fetch`. Raises HTTPError.

    >>> get("http://127.0.0.1:1/", proxy=False)
    Traceback (most recent call last):
    protocols.http.ConnectionFailed: cannot connect to 127.0.0.1:1: Connection refused
    """
    with Reactor() as reactor:
        return reactor.run_until(fetch(reactor, url, **options))


def _plan(
    url: str,
    method: str,
    headers: Fields | None,
    body: Body,
    timeout: float | FetchTimeouts | None,
    max_redirects: int,
    max_body: int | EllipsisType | None,
    on_head: Callable[[Response], Any] | None,
    on_data: Callable[[bytes], Any] | None,
    file: IO[bytes] | None,
    allow_downgrade: bool,
) -> tuple[Request, Options]:
    """What both verbs take. Raises ValueError and TypeError, and has begun nothing."""
    if file is not None and on_data is not None:
        raise TypeError("the body goes to on_data or to file, not to both")
    if max_redirects < 0:
        raise ValueError(f"max_redirects must not be negative: {max_redirects!r}")
    if isinstance(max_body, EllipsisType):
        max_body = MAX_BODY if on_data is None and file is None else None
    elif max_body is not None and max_body < 0:
        raise ValueError(f"max_body must not be negative: {max_body!r}")
    request = make_request(method, parse_url(url), headers, body)
    options = Options(make_timeouts(timeout), max_redirects, max_body, allow_downgrade, on_head, on_data)
    if file is not None:
        options.on_data, options.sink = partial(_write_all, file), "the file of the body"
    return request, options


def _write_all(file: IO[bytes], data: bytes) -> None:
    """A raw file may take a part, and says how much; a full disk raises with the next."""
    written = file.write(data)
    while isinstance(written, int) and written < len(data):
        data = data[written:]
        written = file.write(data)
    if written is None and isinstance(file, io.RawIOBase):
        raise BlockingIOError("a non-blocking file takes no more")


def _check_tls(tls: ssl.SSLContext | None) -> ssl.SSLContext | None:
    if tls is None or isinstance(tls, ssl.SSLContext):
        return tls
    raise TypeError(f"tls is an ssl.SSLContext, or None for the system's roots, not {tls!r}")


def _proxy_choice(proxy: ProxyChoice) -> Choose:
    if proxy is None:
        return proxies_from_environment()
    if proxy is False:
        return no_proxy
    if isinstance(proxy, str):
        known = make_proxy(proxy)
        return lambda url: known
    if callable(proxy):
        return proxy
    raise TypeError(f"proxy is a URL, False, None or a function of a URL, not {proxy!r}")


def _failed(error: HTTPError) -> Future[Response]:
    future: Future[Response] = Future()
    future.set_exception(error)
    return future
