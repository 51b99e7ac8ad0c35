"""Outgoing connections: resolve, try the addresses side by side, keep the first that answers (RFC 8305)."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from itertools import chain, zip_longest
from typing import Any

from ..boundary import EXITS
from ..errors import ConnectError, ConnectRefused, ConnectTimeout, reasons
from ..limits import Limits, Timeouts, made
from ..loop.futures import Promise, settle
from ..loop.loop import Loop
from ..loop.poller import WRITE
from ..loop.timers import Timer
from ..sockets.addresses import local_addresses, show
from ..sockets.listening import tune
from ..sockets.unix import AF_UNIX, UnixPath, unix_address
from ..transports.stream import StreamTransport
from .resolver import Address, resolve
from .roster import Roster

STAGGER = 0.25  # seconds before the next address is tried beside the last one (RFC 8305, section 5)

BUSY_RETRY = 0.05  # seconds until a Unix socket whose backlog is full is tried again: the kernel does not tell when

UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EALREADY, errno.EINTR})
"""connect(2) reports these while it goes on by itself; WRITE will tell. EAGAIN is none of them: TCP found no room in a
table of the kernel, and a Unix socket no room in the backlog. Neither goes on."""

if sys.platform == "win32":
    UNDER_WAY |= {errno.WSAEWOULDBLOCK}  # what Windows says instead of EINPROGRESS


class Connector:
    """One attempt to reach one host, over as many addresses as it takes. `future` holds (transport, protocol)."""

    def __init__(
        self,
        loop: Loop,
        factory: Callable[[], Any],
        where: str,
        roster: Roster[StreamTransport],
        *,
        timeout: float | None,
        local: tuple[str, int] | None = None,
        allow: Callable[[Any], object] | None = None,
        secure: Callable[[socket.socket], Any] | None = None,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._loop = loop
        self._factory = factory
        self._where = where
        self._roster = roster
        self._local = None if local is None else local_addresses(local)
        self._allow = allow
        self._secure = secure  # makes the carrier that shakes hands
        self._transport: StreamTransport | None = None  # it is shaking hands
        self._has_opened = False  # and is done with it
        self._limits = limits or Limits()
        self._timeouts = timeouts or Timeouts()
        self._addresses: list[Address] = []
        self._attempts: dict[socket.socket, Attempt] = {}
        self._failures: list[tuple[str, OSError]] = []
        self._stagger: Timer | None = None
        self._resolving: Future[list[Address]] | None = None
        self._future: Promise[tuple[StreamTransport, Any]] | None = loop.promise()
        self._future.add_done_callback(self._on_done)
        self._timeout = timeout
        self._timer = None if timeout is None else loop.call_later(timeout, self._on_timeout)
        roster.begin(self, self._fail)

    def resolve(self, host: str, port: int, family: int = 0) -> Promise[tuple[StreamTransport, Any]]:
        """Begin with a name or a literal address. Gives the future of `(transport, protocol)`."""
        assert self._future is not None
        future = self._future
        self._resolving = resolve(self._loop, host, port, family)
        self._resolving.add_done_callback(self._on_resolved)
        return future

    def reach(self, path: UnixPath) -> Promise[tuple[StreamTransport, Any]]:
        """Begin with a Unix socket. Gives the future of `(transport, protocol)`."""
        assert self._future is not None
        future = self._future
        try:
            self._addresses = [(AF_UNIX, unix_address(path))]
        except OSError as exc:
            self._fail(connect_error(self._where, [(self._where, exc)]))
        self._try_next()
        return future

    def _on_resolved(self, resolving: Future[list[Address]]) -> None:
        if self._is_over() or resolving.cancelled():
            return
        error = resolving.exception()
        if error is not None:
            self._fail(error)
        else:
            self._addresses = interleave(resolving.result())
            self._try_next()

    def _try_next(self) -> None:
        while self._addresses and not self._is_over():
            family, address = self._addresses.pop(0)
            try:
                self._begin(family, address)
            except BlockingIOError as exc:
                if family == AF_UNIX:
                    return self._wait_for_room(family, address)
                self._failures.append((show(address), exc))
            except OSError as exc:
                self._failures.append((show(address), exc))
            except EXITS:
                raise
            except BaseException as exc:  # of `allow`: a bug there is for the caller to see
                return self._fail(exc)
            else:
                if self._addresses:
                    self._try_later(STAGGER)
                return
        if not self._attempts and not self._is_over():
            self._fail(connect_error(self._where, self._failures))

    def _wait_for_room(self, family: int, address: Any) -> None:
        # On Linux a full backlog is EAGAIN at once, where TCP would wait for us; on the BSDs it is ECONNREFUSED.
        self._addresses.insert(0, (family, address))
        self._try_later(BUSY_RETRY)

    def _try_later(self, delay: float) -> None:
        if self._stagger is None:
            self._stagger = self._loop.call_later(delay, self._try_next)
        else:
            self._stagger.reset(delay)

    def _begin(self, family: int, address: Any) -> None:
        if self._allow is not None:
            self._allow(address)
        sock = self._loop._kernel.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            tune(sock)
            if self._local is not None:
                bind_to(sock, self._local)
            error = sock.connect_ex(address)
            if error and error not in UNDER_WAY:
                raise OSError(error, os.strerror(error))
            self._attempts[sock] = Attempt(self._loop, sock, address, self._on_outcome)
        except BaseException:
            sock.close()
            raise

    def _on_outcome(self, attempt: Attempt, error: OSError | None) -> None:
        sock = attempt.sock
        del self._attempts[sock]
        if self._is_over():
            sock.close()  # another attempt won, or the caller cancelled, earlier in this batch
        elif error is None:
            self._made(sock, attempt.address)
        else:
            sock.close()
            self._failures.append((show(attempt.address), error))
            self._try_next()

    def _made(self, sock: socket.socket, address: Any) -> None:
        if self._secure is not None:
            return self._shake_hands(sock, address, self._secure)
        future = self._future
        if future is None or not future.set_running_or_notify_cancel():  # from here on it cannot be cancelled
            return sock.close()
        self._clean_up()
        try:
            protocol = made(self._factory)
            transport = self._open(sock, protocol, address)
        except BaseException as exc:
            sock.close()
            settle(future, error=exc)
            if isinstance(exc, EXITS):
                raise
            return
        settle(future, (transport, protocol))

    def _open(self, carrier: Any, protocol: Any, address: Any, opened: Any = None) -> StreamTransport:
        return self._roster.open(carrier, protocol, address, self._limits, self._timeouts, opened)

    def _shake_hands(self, sock: socket.socket, address: Any, secure: Callable[[socket.socket], Any]) -> None:
        self._stop_trying()
        try:
            protocol, carrier = made(self._factory), secure(sock)
        except BaseException as exc:
            sock.close()
            self._fail(exc)
            if isinstance(exc, EXITS):
                raise
            return
        transport = self._open(carrier, protocol, address, partial(self._on_opened, protocol))
        if not self._has_opened:  # a server near by may have shaken hands already
            self._transport = transport

    def _on_opened(self, protocol: Any, transport: StreamTransport, opened: Future[Any]) -> None:
        future, self._transport, self._has_opened = self._future, None, True
        error = opened.exception()
        if error is not None:
            self._fail(error)
        elif future is None or not future.set_running_or_notify_cancel():
            transport.abort()
        else:
            settle(future, (transport, protocol))

    def _on_timeout(self) -> None:
        if self._resolving is not None and not self._resolving.done():
            return self._fail(ConnectTimeout(f"{self._late()}: the name is not resolved yet"))
        if self._transport is not None:
            return self._fail(ConnectTimeout(f"{self._late()}: the handshake is not done yet", self._failures))
        waiting = [(show(attempt.address), TimeoutError("no answer")) for attempt in self._attempts.values()]
        untried = "the backlog is full" if AF_UNIX in dict(self._addresses) else "not tried yet"
        waiting += [(show(address), TimeoutError(untried)) for _, address in self._addresses]
        attempts = [*self._failures, *waiting]
        self._fail(ConnectTimeout(f"{self._late()}: {reasons(self._where, attempts)}", attempts))

    def _late(self) -> str:
        return f"no connection to {self._where} within {self._timeout} s"

    def _is_over(self) -> bool:
        return self._future is None or self._future.done()

    def _fail(self, error: BaseException) -> None:
        if self._future is not None:
            settle(self._future, error=error)

    def _on_done(self, future: Future[Any]) -> None:
        # Cancelling may happen in any thread; what follows touches the poller.
        self._loop.call_soon_threadsafe(self._on_over)

    def _on_over(self) -> None:
        self._clean_up()
        self._roster.done(self)

    def _clean_up(self) -> None:
        """Stop whatever still runs. The future keeps us as its callback: for us to keep it would be a cycle."""
        self._future = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._stop_trying()
        if self._transport is not None:
            self._transport.abort()

    def _stop_trying(self) -> None:
        if self._stagger is not None:
            self._stagger.cancel()
            self._stagger = None
        if self._resolving is not None:
            self._resolving.cancel()
        while self._attempts:
            sock, attempt = self._attempts.popitem()
            attempt.stop()
            sock.close()


class Attempt:
    """One socket that is connecting. Tells `outcome` once, then forgets the socket."""

    def __init__(
        self, loop: Loop, sock: socket.socket, address: Any, outcome: Callable[[Attempt, OSError | None], None]
    ) -> None:
        self.sock = sock
        self.address = address
        self._poller = loop.poller
        self._meter = loop.meter
        self._outcome = outcome
        self._fd = sock.fileno()
        self._poller.register(self._fd, WRITE, self)

    def stop(self) -> None:
        """Watch it no longer."""
        self._poller.unregister(self._fd, self)

    def _on_ready(self, events: int) -> None:
        """Connected or refused: SO_ERROR says which (connect(2))."""
        self._meter.other_events += 1
        if self.sock.fileno() < 0:
            return  # closed earlier in this batch: another attempt won
        self.stop()
        self._outcome(self, self._error())

    def _error(self) -> OSError | None:
        try:
            error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not error and self._reached_itself():
                error = errno.ECONNREFUSED
        except OSError as exc:
            return exc
        return OSError(error, os.strerror(error)) if error else None

    def _reached_itself(self) -> bool:
        # With nobody listening, a port of the ephemeral range may be given to the very socket that connects to it, and
        # TCP's simultaneous open then connects the socket to itself (RFC 9293, 3.5). And a socket that never connected
        # is called writable too, and has no error: only asking for its peer finds out (ENOTCONN).
        return self.sock.getpeername() == self.sock.getsockname() and self.sock.family != AF_UNIX


def interleave(addresses: list[Address]) -> list[Address]:
    """The families in turn, beginning with the one the resolver put first (RFC 8305, section 4)."""
    if not addresses:
        return []
    first = addresses[0][0]
    ours = [address for address in addresses if address[0] == first]
    others = [address for address in addresses if address[0] != first]
    return [address for address in chain.from_iterable(zip_longest(ours, others)) if address is not None]


def bind_to(sock: socket.socket, local: dict[int, Any]) -> None:
    """Bind to the address of the socket's family; OSError says that this is what failed."""
    if sock.family not in local:
        (address,) = local.values()
        raise OSError(errno.EADDRNOTAVAIL, f"cannot be reached from {show(address)}, which is of another family")
    address = local[sock.family]
    if address[1] and sys.platform != "win32":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # our last connection from there may be in TIME_WAIT
    try:
        sock.bind(address)
    except OSError as exc:
        raise OSError(exc.errno, f"cannot connect from {show(address)}: {exc.strerror}") from None


def connect_error(where: str, failures: list[tuple[str, OSError]]) -> ConnectError:
    """One error for all attempts, with the errno that they have in common."""
    numbers = {error.errno for _, error in failures}
    kind = ConnectRefused if numbers == {errno.ECONNREFUSED} else ConnectError
    error = kind(where, failures)
    if len(numbers) == 1:
        error.errno = numbers.pop()
    return error


def lesser(timeout: float | None, timeouts: Timeouts | None) -> float | None:
    """The seconds for connecting: both count, where both are given."""
    other = None if timeouts is None else timeouts.connect
    return min((seconds for seconds in (timeout, other) if seconds is not None), default=None)
