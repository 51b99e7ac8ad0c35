"""A WebSocket as a client: the way there, straight or through a proxy, the handshake, and one deadline for it all."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Any

from reactor import Limits, Protocol, Reactor, ReactorClosed, StreamTransport, Timeouts

from ..http.client.arguments import NOT_HEADERS, check_guard
from ..http.client.failures import ConnectionFailed, FetchTimeout, network_failure
from ..http.client.guard import Guard
from ..http.client.options import ProxyChoice, check_tls, proxy_choice
from ..http.client.proxies.tunnel import open_tunnel
from ..http.client.request import Fields, basic_auth
from ..http.errors import HTTPError
from ..http.events import Event, Failed, Head
from ..http.headers import Headers
from ..http.url import URL, parse_url
from ..http.wire import ResponseWire
from .handshake import check_answer, make_key, request_head
from .protocol import WebSocket

TIMEOUT = 30.0  # seconds from the call to the open WebSocket: as long as a connection alone may take
LIMITS = Limits()
TIMEOUTS = Timeouts(connect=None, handshake=None, write=60.0, close=5.0)
"""connect, handshake: `timeout` covers them. write: a server that takes nothing for so long has gone."""

SCHEMES = {"ws": "http", "wss": "https"}


def connect(
    reactor: Reactor,
    url: str,
    factory: Callable[[], WebSocket] = WebSocket,
    *,
    subprotocols: Sequence[str] = (),
    headers: Fields | None = None,
    compression: bool = True,
    tls: ssl.SSLContext | None = None,
    proxy: ProxyChoice = None,
    guard: Guard | None = None,
    timeout: float = TIMEOUT,
    limits: Limits = LIMITS,
    timeouts: Timeouts = TIMEOUTS,
) -> Future[WebSocket]:
    """Open a WebSocket to a URL of ws or wss; the future holds what `factory` made, open, or an `HTTPError`.

    Raises ValueError and TypeError for what must not be sent, or is of a wrong kind, before anything is. Cancelling the
    future ends the attempt. To be called on the loop's thread, or before the loop runs.

    subprotocols: what we can speak, best first; `subprotocol` of the WebSocket says what the server chose.
    headers: more fields of the request: Origin, Authorization, Cookie. A name and password in the URL are sent too.
    tls, proxy, guard: as for `protocols.http.Client`. A proxy is asked for a tunnel, for ws as well (RFC 6455, 4.1).
    timeout: seconds for all of it, from the name's lookup to the server's answer.
    """
    address, fields = _parse(url), _fields(headers)
    check_guard(guard)
    check_tls(tls)
    if address.userinfo is not None and "authorization" not in fields:
        fields = Headers([*fields.raw, ("Authorization", basic_auth(*address.userinfo))])
    key = make_key()
    head = request_head(address.target, address.netloc, key, subprotocols, compression, fields)
    check = partial(check_answer, key=key, subprotocols=subprotocols, compression=compression)
    opening = _Opening(reactor, factory, head, check)
    try:
        way = _way(reactor, address, opening, tls, proxy_choice(proxy), guard, timeout, limits, timeouts)
    except (HTTPError, ValueError) as error:
        opening.fail(network_failure(error) if isinstance(error, HTTPError) else ConnectionFailed(str(error)))
        return opening.future
    opening.start(way, timeout)
    return opening.future


def _fields(headers: Fields | None) -> Headers:
    try:
        pairs = dict(headers or {})
    except (TypeError, ValueError) as exc:
        raise TypeError(NOT_HEADERS) from exc
    return Headers(pairs)


def _parse(url: str) -> URL:
    scheme, colon, rest = url.partition(":")
    known = SCHEMES.get(scheme.lower())
    if not colon or known is None:
        raise ValueError("the URL of a WebSocket begins with ws:// or wss://")
    if "#" in rest:  # RFC 6455, 3
        raise ValueError("the URL of a WebSocket has no fragment")
    return parse_url(f"{known}:{rest}")


def _way(
    reactor: Reactor,
    url: URL,
    opening: _Opening,
    tls: ssl.SSLContext | None,
    choose: Callable[[URL], Any],
    guard: Guard | None,
    timeout: float,
    limits: Limits,
    timeouts: Timeouts,
) -> Future[Any]:
    """The connection to the server. `opening` is its protocol once it stands."""
    proxy = choose(url)
    if proxy is not None:
        if guard is not None:
            guard.check_proxied(url.host, url.port)
        return open_tunnel(reactor, lambda: opening, url, proxy, tls, timeout, limits, timeouts)
    secure = url.scheme == "https"
    return reactor.connect_tcp(
        lambda: opening,
        url.place,
        url.port,
        tls=(tls or True) if secure else None,
        server_hostname=url.certificate_name if secure else None,
        allow=None if guard is None else guard.check_connect,
        timeout=timeout,
        limits=limits,
        timeouts=timeouts,
    )


class _Opening(Protocol):
    """The handshake, until the WebSocket has the connection."""

    def __init__(
        self, reactor: Reactor, factory: Callable[[], WebSocket], head: bytes, check: Callable[[int, Headers], Any]
    ) -> None:
        self._reactor = reactor
        self._factory = factory
        self._head = head
        self._check = check
        self._wire = ResponseWire("GET", upgrade=True)
        self._transport: StreamTransport | None = None
        self._way: Future[Any] | None = None
        self.future: Future[WebSocket] = reactor.promise()

    def start(self, way: Future[Any], timeout: float) -> None:
        """`way` is the attempt to connect."""
        self._way = way
        timer = self._reactor.call_later(timeout, self.fail, FetchTimeout(f"no WebSocket within {timeout:g} s"))
        self.future.add_done_callback(lambda _: self._soon(timer.cancel))
        self.future.add_done_callback(lambda _: self._soon(self._give_up))
        way.add_done_callback(self._on_way)

    def connection_made(self, transport: StreamTransport) -> None:
        self._transport = transport
        transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        for event in self._wire.feed(data):
            self._take(event)
            if self._transport is None or self.future.done():
                return

    def eof_received(self) -> None:
        for event in self._wire.finish():
            self._take(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(network_failure(exc or ConnectionFailed("the server closed the connection during the handshake")))

    def fail(self, error: BaseException) -> None:
        """No WebSocket comes of it. Harmless once it is decided."""
        try:
            self.future.set_exception(error)
        except InvalidStateError:
            pass

    def _take(self, event: Event) -> None:
        if isinstance(event, Failed):
            self.fail(event.error)
        elif isinstance(event, Head):
            try:
                agreed = self._check(event.status, event.headers)
            except HTTPError as error:
                return self.fail(error)
            self._open(agreed)

    def _open(self, agreed: Any) -> None:
        transport, self._transport = self._transport, None
        assert transport is not None
        if self.future.done():
            return transport.abort()
        try:
            socket = self._factory()
            socket.is_client = True
        except BaseException as exc:
            self.fail(exc)
            raise  # it is not ours: the transport logs it, and ends
        if (error := socket.begin(self._reactor, transport, agreed, self._wire.leftover)) is not None:
            return self.fail(error)
        try:
            self.future.set_result(socket)
        except InvalidStateError:  # cancelled in this very moment, from another thread
            socket.close()

    def _on_way(self, way: Future[Any]) -> None:
        if not way.cancelled() and (error := way.exception()) is not None:
            self.fail(network_failure(error))

    def _give_up(self) -> None:
        """What is under way for a future that is done already."""
        if self._way is not None:
            self._way.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _soon(self, fn: Callable[[], Any]) -> None:
        """In whatever thread the future was cancelled."""
        with suppress(ReactorClosed):  # then nothing is under way any more
            self._reactor.call_soon_threadsafe(fn)
