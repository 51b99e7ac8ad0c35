"""STARTTLS: an open connection changes to TLS. Owns what exists only until the handshake is over."""

from __future__ import annotations

import errno
import ssl
from concurrent.futures import Future
from typing import Any

from ..loop.futures import Promise, settle
from ..sockets.carrier import as_python_socket
from ..sockets.tls import TLSSocket
from .connection import Connection
from .lanes import Phase


class Upgrade:
    """One `start_tls`. While a connection has one, it delivers no input, and says no end but that of its own close."""

    __slots__ = ("_future", "_tls", "_transport", "begun", "timeout")

    def __init__(self, transport: Connection, tls: TLSSocket, future: Future[Any], timeout: float | None) -> None:
        self._transport = transport
        self._tls = tls
        self._future = future
        self.begun = transport._loop.now
        self.timeout = timeout

    def begin(self) -> None:
        """Shake hands: in the `soon` step, when the protocol has given back what it does not handle."""
        transport = self._transport
        if transport._phase is not Phase.CLOSED:
            early, transport._unread = transport._unread, b""
            self._tls.begin(transport, self._on_over, early)

    def _on_over(self, error: BaseException | None) -> None:
        transport = self._transport
        if transport._phase is Phase.CLOSED:
            return
        transport._upgrade = None
        transport._stamp = transport._loop.now
        if error is None:
            transport._keep_promise(self._future, transport)
            transport._watch_input()
            transport._settle()
        elif transport._phase is Phase.OPEN:
            transport._on_broken(error)
        else:
            transport._end(None)  # our own close() came first


def upgrade(
    transport: Connection,
    context: ssl.SSLContext,
    server_side: bool,
    server_hostname: str | None,
    timeout: float | None,
) -> Promise[Any]:
    """Put TLS on top of the carrier of `transport`, and let it shake hands. For its contract see `start_tls`."""
    if transport._upgrade is not None or transport._phase is Phase.OPENING:
        raise RuntimeError("start_tls() while another handshake is under way")
    loop = transport._loop
    future = loop.promise()
    if transport._phase is not Phase.OPEN or transport._out.is_leaving:
        settle(future, error=ConnectionAbortedError(errno.ECONNABORTED, "start_tls() on a connection that ends"))
        return future
    transport._sock = as_python_socket(transport._sock)  # TLSSocket gives it to who asks for it
    tls = TLSSocket(
        loop.call_soon,
        transport._sock,
        transport._poller,
        context,
        server_side=server_side,
        server_hostname=server_hostname,
        clear=transport._size,
    )
    transport._promises = [*transport._promises, future]
    timeout = transport._timeouts.handshake if timeout is None else timeout
    under_way = transport._upgrade = Upgrade(transport, tls, future, timeout)
    if timeout is not None:
        loop.wheel.arm(transport, loop.now, loop.now + timeout)
    _change_carrier(transport, tls)
    loop.call_soon(under_way.begin)
    return future


def _change_carrier(transport: Connection, tls: TLSSocket) -> None:
    transport.delivery += 1
    interest = transport._interest
    transport._watch(0)
    transport._sock = transport._poller = tls
    transport._watch(interest)
    transport._watch_input()
