"""The listener under a server of asyncio's: accepts as ours do. Knows nothing of the transports that are made."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from ..boundary import EXITS
from ..endpoints.listener import Listener
from ..limits import Limits, Timeouts, made
from .hosted import HostedEventLoop
from .private import TransportSocket

Seat = Callable[[socket.socket, Any, dict[str, Any], Any], None]
"""Makes the transport of a newcomer: of its socket and protocol, with what is known of it, in that roster."""


class AioListener(Listener):
    """One listening socket of a server. The server owns the socket, and closes it after `release`."""

    _takes_bare = False  # a transport of asyncio's hands its socket out from the start

    def __init__(
        self,
        aio: HostedEventLoop,
        factory: Callable[[], Any],
        sock: socket.socket,
        server: Any,
        seat: Seat,
        limits: Limits,
        timeouts: Timeouts,
        on_gone: Callable[[Listener], None],
    ) -> None:
        self._aio = aio
        self._server = server
        self._make = seat
        self._context = copy_context()
        super().__init__(aio.reactor, factory, [sock], limits, timeouts, on_gone)

    def close(self) -> None:
        """The reactor is drained, or aborted: the server closes, and so releases this."""
        if self._acceptors and self._server is not None:
            self._server.close()

    def release(self) -> None:
        """Accept no more. The connections live on."""
        self._pause()
        self._acceptors.clear()
        self._check_gone()

    def _let_in(self, sock: socket.socket, address: Any) -> None:
        sock.setblocking(False)
        self._context.copy().run(self._let_in_context, sock, address)

    def _let_in_context(self, sock: socket.socket, address: Any) -> None:
        try:
            self._make(sock, made(self._factory), {"peername": address}, self._roster)
        except EXITS:
            raise
        except BaseException as exc:
            self._loop.meter.refused += 1
            sock.close()
            message = "Error on transport creation for incoming connection"
            self._aio.call_exception_handler({"message": message, "exception": exc})
        else:
            self._count(address)

    def _on_exhausted(self, exc: OSError) -> None:
        """As ours, and told as asyncio does."""
        if self._shortage.short is None and self._acceptors:
            message, sock = "socket.accept() out of system resource", TransportSocket(self._acceptors[0].sock)
            self._aio.call_exception_handler({"message": message, "exception": exc, "socket": sock})
        super()._on_exhausted(exc)
