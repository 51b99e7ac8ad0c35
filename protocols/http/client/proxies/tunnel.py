"""A way through a proxy to a server: CONNECT, and for https the handshake of TLS inside (RFC 9110, 9.3.6)."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import cache
from typing import Any

from reactor import Limits, Protocol, Reactor, ReactorClosed, StreamTransport, Timeouts, attempt

from ...url import URL
from ...wire.messages import Failed, Head, ResponseWire
from ..failures import ProxyError, proxy_failure
from ..request import USER_AGENT
from .choice import Proxy


def open_tunnel(
    reactor: Reactor,
    make: Callable[[], Any],
    url: URL,
    proxy: Proxy,
    tls: ssl.SSLContext | None,
    timeout: float | None,
    limits: Limits,
    timeouts: Timeouts,
) -> Future[tuple[StreamTransport, Any]]:
    """Connect to `url` through `proxy`. As `connect_tcp`, with the protocol that `make` gives on what is inside.

    That is TLS, unless the scheme of `url` is http.
    `timeout` bounds the connection to the proxy and what follows on it, each.
    """
    future: Future[tuple[StreamTransport, Any]] = Future()
    tunnel = Tunnel(reactor, make, url, proxy, tls or _system_context(), future)
    secure = proxy.url.scheme == "https"
    connecting = reactor.connect_tcp(
        lambda: tunnel,
        proxy.url.host,
        proxy.url.port,
        tls=(proxy.tls or tls or True) if secure else None,
        server_hostname=proxy.url.certificate_name if secure else None,
        timeout=timeout,
        limits=limits,
        timeouts=timeouts,
    )
    tunnel.begin(connecting, timeout)
    return future


@cache
def _system_context() -> ssl.SSLContext:
    return ssl.create_default_context()


class Tunnel(Protocol):
    """The conversation with the proxy, until it steps aside."""

    def __init__(
        self,
        reactor: Reactor,
        make: Callable[[], Any],
        url: URL,
        proxy: Proxy,
        tls: ssl.SSLContext,
        future: Future[tuple[StreamTransport, Any]],
    ) -> None:
        self._reactor = reactor
        self._make = make
        self._url = url
        self._place = f"{url.bracketed}:{url.port}"  # what the proxy is asked for: it learns nothing of the path
        self._proxy = proxy
        self._tls = tls
        self._future = future
        self._wire = ResponseWire("CONNECT")
        self._connecting: Future[Any] | None = None
        self._transport: StreamTransport | None = None
        self._answered = False  # the way is open: what fails from now on may be the server's
        self._through = False

    def begin(self, connecting: Future[Any], timeout: float | None) -> None:
        """`connecting` is the attempt to reach the proxy."""
        self._connecting = connecting
        self._timer = None if timeout is None else self._reactor.call_later(2 * timeout, self._on_late)
        self._future.add_done_callback(self._on_done)
        connecting.add_done_callback(self._on_connected)

    def connection_made(self, transport: StreamTransport) -> None:
        self._transport = transport
        place = self._place
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", f"User-Agent: {USER_AGENT}"]
        lines += [f"{name}: {value}" for name, value in self._proxy.fields]
        transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def data_received(self, data: bytes) -> None:
        for event in self._wire.feed(data):
            if isinstance(event, Failed):
                self._fail(ProxyError(f"the proxy {self._proxy} broke HTTP: {event.error}"))
            elif isinstance(event, Head):
                self._on_answer(event)

    def eof_received(self) -> None:
        self._fail(ProxyError(f"the proxy {self._proxy} closed the connection without an answer"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._through:
            closed = ProxyError(f"the proxy {self._proxy} closed the connection")
            error = exc if self._answered or exc is None else proxy_failure(self._proxy, exc)
            self._fail(error or closed)

    def _on_answer(self, head: Head) -> None:
        if not 200 <= head.status < 300:
            hint = ": it wants a name and a password" if head.status == 407 else ""
            return self._fail(
                ProxyError(f"the proxy {self._proxy} refused the way to {self._place}: {head.status}{hint}")
            )
        if self._wire.leftover:
            return self._fail(ProxyError(f"the proxy {self._proxy} sent something of its own into the tunnel"))
        transport = self._transport
        assert transport is not None
        self._answered = True
        if self._url.scheme == "http":
            return self._step_aside(transport)
        shaking = transport.start_tls(self._tls, server_hostname=self._url.certificate_name)
        shaking.add_done_callback(self._on_secure)

    def _on_secure(self, shaking: Future[StreamTransport]) -> None:
        error = shaking.exception()
        if error is not None:
            return self._fail(error)
        self._step_aside(shaking.result())

    def _step_aside(self, transport: StreamTransport) -> None:
        protocol, error = attempt(self._make)
        if error is not None:
            return self._fail(error)
        self._through = True
        if (error := transport.switch_protocol(protocol)) is not None:
            return self._fail(error)
        try:
            self._future.set_result((transport, protocol))
        except InvalidStateError:
            transport.abort()  # cancelled in this very moment, from another thread

    def _on_connected(self, connecting: Future[Any]) -> None:
        if not connecting.cancelled() and (error := connecting.exception()) is not None:
            self._fail(proxy_failure(self._proxy, error))

    def _on_late(self) -> None:
        self._fail(ProxyError(f"the proxy {self._proxy} does not open the way to {self._place}"))

    def _fail(self, error: BaseException) -> None:
        try:
            self._future.set_exception(error)
        except InvalidStateError:
            pass

    def _on_done(self, future: Future[Any]) -> None:
        """In whatever thread it was cancelled."""
        with suppress(ReactorClosed):  # then nothing is under way any more
            self._reactor.call_soon_threadsafe(self._clean_up)

    def _clean_up(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None and not self._through:
            self._transport.abort()
