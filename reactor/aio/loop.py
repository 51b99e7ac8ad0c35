"""asyncio's loop with our transports and our tick under it: one send a tick. Leans on the names in `private`.

    +-> 1 poll      asyncio's descriptors and the reactor's
    |   2 I/O       our transports and the reactor's call their protocols; asyncio's other callbacks are noted
    |   3 timers    the reactor's
    |   4 soon      the reactor's calls; then asyncio's: what was noted, its timers, its calls, each task's step
    |   5 flush     every transport that was written to, of both worlds
    |   6 reap      the reactor's connections; asyncio's end by call_soon
    +---- until stopped

All but the streams is inherited: datagrams, pipes, subprocesses, sock_*, name lookups, TLS (asyncio's SSLProtocol over
our transport), servers, executors, debug mode.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from asyncio.base_events import _format_handle  # type: ignore[attr-defined]
from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop
from types import CodeType
from typing import Any

from ..diagnostics.debug import is_equipped, report_open
from ..diagnostics.watchdog import watch
from ..limits import Limits, Timeouts
from ..loop.lag import QUICK
from ..loop.loop import MAX_WAIT, Loop
from ..loop.poller import MAX_EVENTS
from ..reactor import Reactor
from .debug import DebugAioStream
from .hosted import HostedEventLoop
from .private import SSLProtocol
from .serving import AioListener
from .stream import AioStream

log = logging.getLogger("asyncio")

LIMITS = Limits(output=None)
TIMEOUTS = Timeouts(connect=None, handshake=None, idle=None, write=None)
"""asyncio's programs expect no bounds; but one who has closed does not wait for ever for a peer that takes nothing."""

MANY = 100  # timers from which on the cancelled ones are swept out, once they are half of them


class ReactorEventLoop(HostedEventLoop):
    """See `reactor.aio.new_event_loop`."""

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
        self._watch(type(self)._run_once.__code__)

    def _watch(self, tick: CodeType) -> None:
        """Let the watchdog, where there is one, look for the rounds where they are."""
        sentry = self.reactor._sentry
        if sentry is not None:
            watch(self.reactor, sentry.threshold, tick)

    # -- the tick -----------------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        """Round after round, as drawn above, until stopped. `Loop._tick` with asyncio's part; mend them together.

        In one piece and with its names local, as that one: the goal is to cost no more than asyncio where a round has
        one call, which is 1.6 microseconds in all.
        """
        reactor, selector, ready, scheduled = self.reactor, self._reactor_selector, self._ready, self._scheduled
        clock, poll, timers, meter = reactor.clock, reactor.poller.poll, reactor.timers, reactor.meter
        soon, inbox, dirty, doomed = reactor._soon, reactor._inbox, reactor.dirty, reactor.doomed
        found, resolution, done = selector.ready, self._clock_resolution, clock()
        while True:
            if ready or soon or inbox or dirty or doomed or self._stopping:
                events = poll(0)
            else:
                reactor.asleep = True
                events = poll(self._wait(done) if scheduled or timers.entries else MAX_WAIT)
                reactor.asleep = False
            reactor.now = now = clock()
            meter.ticks += 1
            if now >= meter.turn_at:
                reactor._turn(now)
            if events:
                for handler, mask in events:
                    handler._on_ready(mask)
                meter.events += len(events)
            if timers.entries and timers.entries[0][0] <= now:
                timers.fire_due(now, len(events) == MAX_EVENTS)
            if inbox or soon:
                reactor._run_soon()
            if found:
                self._process_events(selector.take())  # type: ignore[attr-defined]
            if scheduled and scheduled[0]._when < now + resolution:
                self._make_ready(now + resolution)
            for _ in range(len(ready)):  # a snapshot: what they add has its turn in the next round
                handle = ready.popleft()
                if not handle._cancelled:
                    if self._debug:
                        self._run_timed(handle)
                    else:
                        handle._run()
            if dirty:
                for transport in dirty:
                    transport._on_flush()
                meter.flushes += len(dirty)
                dirty.clear()
            while doomed:
                doomed.popleft()._on_reap()
            if self._timer_cancelled_count > MANY:
                self._sweep()
            done = clock()
            lag = done - now
            meter.busy += lag
            if lag > QUICK:
                reactor._on_slow(lag)
            if self._stopping:
                return

    def _wait(self, now: float) -> float:
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heappop(scheduled)._scheduled = False
        longest = min(max(scheduled[0]._when - now, 0.0), MAX_WAIT) if scheduled else MAX_WAIT
        return self.reactor.timers.wait(now, longest)

    def _make_ready(self, end: float) -> None:
        scheduled = self._scheduled
        while scheduled and scheduled[0]._when < end:
            handle = heappop(scheduled)
            handle._scheduled = False
            if handle._cancelled:
                self._timer_cancelled_count -= 1
            else:
                self._ready.append(handle)

    def _sweep(self) -> None:
        """Timers that were cancelled are let go once they are half of all."""
        scheduled = self._scheduled
        if 2 * self._timer_cancelled_count > len(scheduled):
            for handle in scheduled:
                if handle._cancelled:
                    handle._scheduled = False
            scheduled[:] = [handle for handle in scheduled if not handle._cancelled]
            heapify(scheduled)
            self._timer_cancelled_count = 0

    def _run_timed(self, handle: Any) -> None:
        self._current_handle = handle
        began = self.time()
        try:
            handle._run()
            took = self.time() - began
            if took >= self.slow_callback_duration:
                log.warning("Executing %s took %.3f seconds", _format_handle(handle), took)
        finally:
            self._current_handle = None

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        """As asyncio's; without its three frames where neither debug mode nor the end of the loop asks for them."""
        if self._debug or self._closed:
            handle = super().call_soon(callback, *args, context=context)
            if handle._source_traceback:  # type: ignore[attr-defined]
                del handle._source_traceback[-1]  # type: ignore[attr-defined]  # this very line: it is nobody's
            return handle
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
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
        self._watch(Loop._tick.__code__)
        super()._leave()
