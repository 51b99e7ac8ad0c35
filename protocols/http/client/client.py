"""The verbs: `Client` keeps connections, `fetch` makes one and closes it, `get` blocks."""

from __future__ import annotations

import ssl
from concurrent.futures import Future
from typing import TYPE_CHECKING, Self, Unpack

from reactor import Reactor

from ..url import parse_url
from .arguments import check_guard, check_jar
from .cookies import Cookies
from .failures import ClientClosed
from .fetching import Fetch
from .guard import Guard
from .options import (
    FetchOptions,
    Options,
    ProxyChoice,
    SingleFetchOptions,
    check_tls,
    failed,
    make_options,
    proxy_choice,
)
from .pool import KEEP_IDLE, PER_HOST, Pool
from .request import Request, make_request
from .response import Response

if TYPE_CHECKING:
    from http.cookiejar import CookieJar


class Client:
    """Fetches, and keeps connections for the next fetch. To be used on the loop's thread, and closed.

    per_host: connections to one origin at a time; further fetches wait for their turn.
    idle: seconds that a connection without a fetch is kept.
    tls: for https, an `ssl.SSLContext`; None verifies against the system's roots.
    proxy: None is what the environment says now (see `proxies`), False is none, "http://host:port" is one for all.
    guard: see `Guard`: where strangers choose what is fetched.
    cookies: an `http.cookiejar.CookieJar` for all fetches; None: each has its own, and forgets them when it is over.

    >>> from protocols.http import HTTPError
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
        cookies: CookieJar | None = None,
    ) -> None:
        if per_host < 1 or not idle >= 0:
            raise ValueError(f"per_host must be at least 1 and idle not negative: {per_host!r}, {idle!r}")
        self._tls = check_tls(tls)
        self._choose = proxy_choice(proxy)
        self._cookies = None if check_jar(cookies) is None else Cookies(cookies)
        self._pool = Pool(reactor, per_host=per_host, idle=idle, guard=check_guard(guard))
        self._fetches: dict[Fetch, None] = {}
        self._open = reactor.promise()  # the reactor fails it when it is closed
        self._open.add_done_callback(lambda _: self.close())

    def fetch(self, url: str, **options: Unpack[FetchOptions]) -> Future[Response]:
        """Ask for `url`; the future holds a `Response`, or the `HTTPError` that was in the way of one.

        Raises ValueError or TypeError for what must not be sent, before anything is. 4xx and 5xx are answers.
        Cancelling the future, at any moment and from any thread, closes the connection. The options:

        method: "GET" unless given.
        headers: a mapping or pairs; a value of None leaves out a header that is sent by default. Who gives an
            Accept-Encoding gets the content in the coding that the server has chosen, as it is.
        body: bytes, a str (sent as UTF-8), or a binary file, sent from where it stands. None unless given.
        timeout: seconds for all of it, or `FetchTimeouts` to bound its parts. None bounds only those. 30 s.
        max_redirects: 10; 0 gives the redirect itself.
        max_body: bytes of content, decoded, that are accepted. 64 MiB in memory, any where it is streamed; None: any.
        tls: for this fetch, instead of the client's.
        on_head: called with the Response of the final head, before any content.
        on_data: called with the content piece by piece, decoded; `body` stays empty. Nothing more is read until the
            future that it may return is done.
        file: a binary file that the content is written to, in the same way. It is not closed.
        allow_downgrade: follow redirects from https to http. False.
        repeatable: that it is asked twice does no harm, also where the method does not say so (POST; RFC 9110, 9.2.2).
            False. What may be repeated is sent once more, on a new connection, where a kept one ends without a byte of
            an answer: servers close those at any moment.
        trace: called with lines for people: `* ` what is done, `> ` what is asked, `< ` what is answered. They have
            what the server wrote, and no passwords.
        """
        if self._pool.closed:
            return failed(ClientClosed("the client is closed"))
        request, chosen = _plan(url, options)
        if chosen.tls is None:
            chosen.tls = self._tls
        chosen.choose_proxy = self._choose
        chosen.cookies = self._cookies
        chosen.keep_alive = True
        fetch = Fetch(self._pool, request, chosen, self._fetches.pop)
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


def fetch(reactor: Reactor, url: str, **options: Unpack[SingleFetchOptions]) -> Future[Response]:
    """Ask for `url` on a connection of its own, which is closed when the answer has come. Options as `Client.fetch`.

    proxy, guard, cookies: as for `Client`. To be called on the loop's thread, or before the loop runs.

    >>> with Reactor() as reactor:
    ...     reactor.run_until(fetch(reactor, "http://127.0.0.1:1/", proxy=False))
    Traceback (most recent call last):
    protocols.http.ConnectionFailed: cannot connect to 127.0.0.1:1: Connection refused
    """
    choose, guard = proxy_choice(options.pop("proxy", None)), check_guard(options.pop("guard", None))
    jar = check_jar(options.pop("cookies", None))
    request, chosen = _plan(url, options)
    chosen.choose_proxy = choose
    chosen.cookies = None if jar is None else Cookies(jar)
    return Fetch(Pool(reactor, guard=guard), request, chosen).begin()


def get(url: str, **options: Unpack[SingleFetchOptions]) -> Response:
    """Fetch and wait, on a reactor of its own; in any thread. Options as `fetch`. Raises HTTPError.

    >>> get("http://127.0.0.1:1/", proxy=False)
    Traceback (most recent call last):
    protocols.http.ConnectionFailed: cannot connect to 127.0.0.1:1: Connection refused
    """
    with Reactor() as reactor:
        return reactor.run_until(fetch(reactor, url, **options))


def _plan(url: str, given: FetchOptions) -> tuple[Request, Options]:
    """Raises ValueError and TypeError, and has begun nothing."""
    options = make_options(given)
    return make_request(given.get("method", "GET"), parse_url(url), given.get("headers"), given.get("body")), options
