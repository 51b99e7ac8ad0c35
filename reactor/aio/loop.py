"""asyncio's loop with our transports, in the rounds of the reactor: one send a tick. Leans on the names in `private`.

    +-> 1 poll      asyncio's descriptors and the reactor's
    |   2 I/O       our transports and the reactor's call their protocols; asyncio's other callbacks are noted
    |   3 timers    the reactor's
    |   4 soon      the reactor's calls; then asyncio's: what was noted, its timers, its calls, each task's step
    |   5 flush     every transport that was written to, of both worlds
    |   6 reap      the reactor's connections; asyncio's end by call_soon
    +---- until stopped

The round is the reactor's (`reactor.loop.loop`), and asyncio's part of it is in `guest`.

All but the streams is inherited: datagrams, pipes, subprocesses, sock_*, name lookups, TLS (asyncio's SSLProtocol over
our transport), servers, executors, debug mode.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from ..diagnostics.debug import is_equipped, report_open
from ..limits import Limits, Timeouts
from ..reactor import Reactor
from .debug import DebugAioStream
from .guest import AsyncioGuest
from .hosted import HostedEventLoop
from .private import SSLProtocol
from .serving import AioListener
from .stream import AioStream

H = TypeVar("H", bound=asyncio.Handle)

LIMITS = Limits(output=None)
TIMEOUTS = Timeouts(connect=None, handshake=None, idle=None, write=None)
"""asyncio's programs expect no bounds; but one who has closed does not wait for ever for a peer that takes nothing."""


class ReactorEventLoop(HostedEventLoop):
    """See `reactor.aio.new_event_loop`."""

    guest: AsyncioGuest
    _ready: deque[Any]
    _scheduled: list[Any]
    _timer_cancelled_count: int
    _clock_resolution: float
    _debug: bool
    _closed: bool
    _stopping: bool
    _transports: Any
    _current_handle: Any

    def __init__(
        self, reactor: Reactor | None = None, *, limits: Limits | None = None, timeouts: Timeouts | None = None
    ) -> None:
        self.limits = limits or LIMITS
        self.timeouts = timeouts or TIMEOUTS
        self._serving: dict[socket.socket, AioListener] = {}
        super().__init__(reactor)
        self.guest = AsyncioGuest(self)

    # -- the tick -----------------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        """Round after round of the reactor's, until stopped: we are its guest in them."""
        if self._stopping:
            self.reactor._stopping = True
        self.reactor._tick(forever=True)

    def stop(self) -> None:
        """As asyncio's, and the reactor's."""
        super().stop()
        self.reactor._stopping = self.reactor._running

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        """As asyncio's; without its three frames where neither debug mode nor the end of the loop asks for them."""
        if self._debug or self._closed:
            return _unseen(super().call_soon(callback, *args, context=context))
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """As asyncio's; see `call_soon` and `timers`."""
        if self._debug or self._closed or when is None:
            handle = _unseen(super().call_at(when, callback, *args, context=context))
            self.guest.timers.adopt(self._scheduled)
            return handle
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.guest.timers.add(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """As asyncio's."""
        if self._debug or self._closed or delay is None:
            return _unseen(super().call_later(delay, callback, *args, context=context))
        handle = asyncio.TimerHandle(self.reactor.clock() + delay, callback, args, self, context)
        self.guest.timers.add(handle)
        return handle

    # -- transports ---------------------------------------------------------------------------------------------

    def _make_socket_transport(
        self,
        sock: socket.socket,
        protocol: Any,
        waiter: asyncio.Future[None] | None = None,
        *,
        extra: dict[str, Any] | None = None,
        server: Any = None,
        home: Any = None,
    ) -> AioStream:
        self._ensure_fd_no_transport(sock)  # type: ignore[attr-defined]
        home = self.reactor._inventory.clients if home is None else home
        kind = DebugAioStream if self._debug or is_equipped(self.reactor) else AioStream
        transport = kind(self, sock, protocol, waiter, extra, server, home, self.limits, self.timeouts)
        home.add(transport)
        return transport

    def _make_ssl_transport(
        self,
        rawsock: socket.socket,
        protocol: Any,
        sslcontext: Any,
        waiter: asyncio.Future[None] | None = None,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        extra: dict[str, Any] | None = None,
        server: Any = None,
        home: Any = None,
        **timeouts: Any,
    ) -> Any:
        self._ensure_fd_no_transport(rawsock)  # type: ignore[attr-defined]
        tls = SSLProtocol(self, protocol, sslcontext, waiter, server_side, server_hostname, **timeouts)
        self._make_socket_transport(rawsock, tls, extra=extra, server=server, home=home)
        return tls._app_transport

    async def _sendfile_fallback(self, transp: Any, file: Any, offset: int, count: int | None) -> int:
        if not isinstance(transp, AioStream):
            sent: int = await super()._sendfile_fallback(transp, file, offset, count)  # type: ignore[misc]
            return sent
        # As `_sendfile_native` does: the socket is lent to `sock_sendfile`, and the transport stands still meanwhile.
        was_reading = transp.is_reading()
        transp.pause_reading()
        await transp._make_empty_waiter()
        del self._transports[transp._sock_fd]
        try:
            return await self.sock_sendfile(transp._sock, file, offset, count)
        finally:
            self._transports[transp._sock_fd] = transp
            transp._reset_empty_waiter()
            if was_reading:
                transp.resume_reading()

    # -- servers ------------------------------------------------------------------------------------------------

    def _start_serving(
        self,
        protocol_factory: Callable[[], Any],
        sock: socket.socket,
        sslcontext: Any = None,
        server: Any = None,
        backlog: int = 100,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> None:
        def seat(conn: socket.socket, protocol: Any, extra: dict[str, Any], home: Any) -> None:
            known = {"extra": extra, "server": server, "home": home}
            if sslcontext is None:
                self._make_socket_transport(conn, protocol, **known)
            else:
                times = {"ssl_handshake_timeout": ssl_handshake_timeout, "ssl_shutdown_timeout": ssl_shutdown_timeout}
                self.create_task(self._shake_hands(conn, protocol, sslcontext, {**known, **times}))

        listener = AioListener(
            self, protocol_factory, sock, server, seat, self.limits, self.timeouts, self.reactor._inventory.remove
        )
        self._serving[sock] = listener
        self.reactor._inventory.add(listener)

    async def _shake_hands(self, conn: socket.socket, protocol: Any, context: Any, options: dict[str, Any]) -> None:
        waiter: Any = self.create_future()
        transport = self._make_ssl_transport(conn, protocol, context, waiter, server_side=True, **options)
        try:
            await waiter
        except BaseException as exc:
            transport.close()
            waiter = None  # it holds the exception, and that the protocol: a circle
            if not isinstance(exc, Exception):
                raise
            if self.get_debug():  # strangers who fail at TLS are nothing to wake anybody for, as in asyncio
                message = "Error on transport creation for incoming connection"
                about = {"message": message, "exception": exc, "protocol": protocol, "transport": transport}
                self.call_exception_handler(about)

    def _stop_serving(self, sock: socket.socket) -> None:
        listener = self._serving.pop(sock, None)
        if listener is not None:
            listener.release()
        super()._stop_serving(sock)  # type: ignore[misc]

    # -- ending -------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        """What asyncio's program has not closed is its own to close: it gets no connection_lost from a closed loop."""
        for transport in self.reactor.dirty:
            transport._on_flush()
        self.reactor.dirty.clear()
        for listener in self._serving.values():
            listener.release()
        inventory = self.reactor._inventory
        rosters = (*(listener._roster for listener in inventory.listeners), inventory.clients)
        left = [each for roster in rosters for each in roster.connections if isinstance(each, AioStream)]
        if self._debug or is_equipped(self.reactor):
            report_open(left)
        for transport in left:
            transport.forget()
        self.guest.timers.heap.clear()
        super()._leave()


def _unseen(handle: H) -> H:
    """Without the line of ours in what debug mode tells of where it was made: it is nobody's."""
    if handle._source_traceback:  # type: ignore[attr-defined]
        del handle._source_traceback[-1]  # type: ignore[attr-defined]
    return handle
