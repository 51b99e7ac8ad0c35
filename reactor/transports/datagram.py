"""The datagram transport: a socket that sends and receives datagrams, each whole or not at all.

It is a connection with the life, the states and the deadlines of the others; only its lanes differ:

    in      a burst is read in one go, up to READ_BATCH of it, and delivered one by one
    out     sent at once, since datagrams cannot be joined; what the kernel does not take waits, in order and uncut

A carrier is anything that behaves as a non-blocking datagram socket: `recvfrom sendto send close fileno`, raising
BlockingIOError for "not now".

What goes wrong with one datagram ends nothing: a refusal that a peer's machine sent back (ICMP), a datagram that is
too large or that found no room is told to `error_received`, never from inside `sendto`, and the socket lives on.
"""

from __future__ import annotations

import errno
from collections import deque
from typing import Any

from ..boundary import EXITS, class_of, log
from ..errors import DatagramDropped, PeerError
from ..limits import Limits, Timeouts
from ..loop.ground import Ground
from ..loop.poller import READ, WRITE
from ..protocol import Bytes
from ..sockets.addresses import show
from ..sockets.udp import set_membership, take_error
from .connection import Connection, Home
from .lanes import In, Out, Phase
from .slots import SLOTS

READ_SIZE = 64 * 1024
"""Bytes asked of one recvfrom: no UDP datagram is longer, so none is ever cut. The size costs nothing (1.2
microseconds as with 2 KiB) as long as malloc takes it from its heap: at 256 KiB each read costs 16 microseconds."""

READ_BATCH = 64  # datagrams a tick: a flood on one socket must not starve the others, nor cost a tick for each

SEND_BATCH = 256  # waiting datagrams sent a tick, for the same reason: loopback takes them as fast as we send

ERROR = ~(READ | WRITE)  # the poller's other bits

COST = 256  # bytes counted for a waiting datagram beside its data, so that empty ones are bounded as well

UNTOLD = 64  # errors kept until they can be told; beyond it one more says how many there were

BROKEN = frozenset({errno.EBADF, errno.ENOTSOCK})  # the descriptor is not ours any more: nothing can live on

LEFT_OVER = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EPROTO, errno.ENOPROTOOPT})
"""What a peer's machine answered to an earlier datagram (ICMP), told by whichever call comes next (ip(7), udp(7))."""

NO_LOOKUP = frozenset({"", "<broadcast>"})  # names that the socket module knows without asking anybody

DIGITS = frozenset("0123456789.")  # of an IPv4 address: other scripts have digits too, and those are a name

READING, FLOWING, OPEN = In.READING, Out.FLOWING, Phase.OPEN


class DatagramTransport(Connection):
    """One datagram socket. Made by `Reactor.open_udp`; the protocol gets it in `connection_made`.

    Beside bytes_in and bytes_out it counts datagrams_in, datagrams_out, and dropped: those given to `sendto` that did
    not leave. All but `sendto`, `join` and `leave` is as on a stream transport.
    """

    __slots__ = (*SLOTS, "_failures", "_further", "_queue", "datagrams_in", "datagrams_out", "dropped")

    def __init__(
        self,
        loop: Ground,
        sock: Any,
        protocol: Any,
        home: Home,
        peername: Any = None,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        timeouts: Timeouts = Timeouts(write=None),  # noqa: B008 (frozen)
    ) -> None:
        super().__init__(loop, sock, protocol, home, peername, limits, timeouts)
        self._queue: deque[tuple[bytes, Any]] = deque()  # with None for the address where the socket is connected
        self._failures: list[Exception] = []
        self._further = 0
        self.datagrams_in = 0
        self.datagrams_out = 0
        self.dropped = 0

    # -- in -----------------------------------------------------------------------------------------------------

    def _on_ready(self, events: int) -> None:
        """The poller found us readable or writable, or an error, in a queue of its own or told by the next call."""
        if events & ERROR:
            self._take_errors()
        if events != WRITE and self._in is READING:
            recvfrom = self._sock.recvfrom
            for _ in range(READ_BATCH):
                try:
                    data, addr = recvfrom(READ_SIZE)
                except BlockingIOError:
                    break
                except OSError as exc:
                    self._on_receive_error(exc)
                else:
                    self.datagrams_in += 1
                    self.bytes_in += len(data)
                    self._stamp = self._loop.now
                    try:
                        self._protocol.datagram_received(data, addr)
                    except EXITS:
                        raise
                    except BaseException as exc:
                        self._on_refused(addr, exc)
                if self._in is not READING:
                    break
        else:
            self._loop.meter.other_events += 1
        if events != READ and self._queue:
            self._on_flush()

    def _on_refused(self, addr: Any, exc: BaseException) -> None:
        """A datagram is all that its sender has of us: what it breaks is its own, and the socket serves the others."""
        if isinstance(exc, PeerError):
            log.info("a datagram from %s is dropped: %s", show(addr), exc)
        else:
            where = f"{class_of(self._protocol)}.datagram_received"
            log.error("exception in %s of %r, for a datagram from %s", where, self, show(addr), exc_info=exc)

    def _take_errors(self) -> None:
        for _ in range(READ_BATCH):
            exc = take_error(self._sock) if self._phase in (OPEN, Phase.CLOSING) else None
            if exc is None:
                return
            if exc.errno:  # time stamps come this way as well
                self._callback("error_received", exc)

    def _on_receive_error(self, exc: OSError) -> None:
        if exc.errno in BROKEN:
            self._lose(exc)
        else:
            self._callback("error_received", exc)

    def pause_reading(self) -> None:
        """Deliver no more until `resume_reading`; the kernel keeps what fits its buffer. Harmless twice."""
        self._loop.runner.check()
        self._in = self._in.pause
        self._watch_input()

    def resume_reading(self) -> None:
        """Deliver again; never from inside this call. Harmless twice."""
        self._loop.runner.check()
        self._in = self._in.resume
        self._watch_input()

    def is_reading(self) -> bool:
        """True unless paused or closing."""
        return self._in is READING

    # -- out ----------------------------------------------------------------------------------------------------

    def sendto(self, data: Bytes, addr: Any = None) -> None:
        """Send one datagram, which may be empty, after those sent before. Never blocks.

        addr: (host, port) with a literal address; a name would be looked up for every datagram, so it is refused. A
        socket opened with `remote` needs none, and takes no other. Raises ValueError for a wrong address. What fails
        later is told by `error_received`. After `close` or loss it is ignored and counted.
        """
        if self._loop.asleep:  # then it is not the loop's thread that sends
            self._loop.runner.check()
        if self._phase is not OPEN:
            self._loop._check_process()
            self._loop.meter.ignored_writes += 1
            return
        if self._peername is not None:
            self._check_peer(addr)
            addr = None
        elif addr is None:
            raise ValueError("this socket was opened without `remote`: sendto() needs an address")
        elif isinstance(addr[1], int) and not 0 <= addr[1] <= 65535:
            raise ValueError(f"a port is 0 to 65535, not {addr[1]}")
        elif ":" not in addr[0] and not DIGITS.issuperset(addr[0]) and addr[0] not in NO_LOOKUP:
            raise ValueError(f"sendto() looks no names up: resolve {addr[0]!r} once, and send to its address")
        if self._queue:
            return self._enqueue(data, addr)
        try:
            sent = self._send(data, addr)
        except BlockingIOError:
            return self._enqueue(data, addr)
        except OSError as exc:
            return self._fail(exc)
        self.datagrams_out += 1
        self.bytes_out += sent
        self._stamp = self._loop.now

    def _send(self, data: Bytes, addr: Any) -> int:
        """One datagram. An error that an earlier one has left says nothing of this, so it is told and this goes out."""
        send, to = (self._sock.send, ()) if addr is None else (self._sock.sendto, (addr,))
        try:
            return int(send(data, *to))
        except OSError as exc:
            if exc.errno not in LEFT_OVER:
                raise
            left_over = exc
        try:
            sent = int(send(data, *to))
        except OSError as exc:
            if exc.errno != left_over.errno:
                self._tell_later(left_over)
            raise
        self._tell_later(left_over)
        return sent

    def _check_peer(self, addr: Any) -> None:
        """Who is connected may name the peer, as an echo does, and nobody else."""
        if addr is not None and tuple(addr[:2]) != self._peername[:2]:
            raise ValueError(f"this socket is connected to {self._peername!r} and cannot send to {addr!r}")

    def _enqueue(self, data: Bytes, addr: Any) -> None:
        """Not now: the datagram waits behind the others, or is dropped where too many bytes wait already."""
        if type(data) is not bytes:
            data = bytes(memoryview(data))  # a copy, of nothing but bytes
        limit, size = self._limits.output, self._size + len(data) + COST
        if limit is not None and size > limit:
            return self._fail(DatagramDropped(errno.ENOBUFS, f"dropped: {self._size} bytes wait, the limit is {limit}"))
        self._queue.append((data, addr))
        self._size = size
        if not self._blocked:
            self._moved = self._loop.now
            self._watch(self._interest | WRITE)
            if self._timeouts.write is not None:
                self._loop.wheel.arm(self, self._loop.now, self._moved + self._timeouts.write)
        if size > self._notice_at:
            self._on_crowded()

    def _on_flush(self) -> None:
        """The kernel takes datagrams again: as many as it takes, and what follows from it."""
        queue = self._queue
        for _ in range(min(SEND_BATCH, len(queue))):
            data, addr = queue[0]
            try:
                self._send(data, addr)
            except BlockingIOError:
                break
            except Exception as exc:  # a wrong address is not a wrong protocol: its caller is long gone
                self._fail(exc)
            else:
                self.datagrams_out += 1
                self.bytes_out += len(data)
                self._stamp = self._moved = self._loop.now
            if not queue:
                return  # the descriptor is broken, and we are over
            queue.popleft()
            self._size -= len(data) + COST
        if not queue:
            self._watch(self._interest & ~WRITE)
        self._settle()

    def _settle(self) -> None:
        """What was sent may let the writer go on, or be the last of it."""
        if self._out is Out.FULL and self._size <= self._low:
            self._out = self._out.drain
            self._callback("resume_writing")
        elif self._out is Out.FINISHING and not self._queue:
            self._out = self._out.sent
            self._check_phase()

    def _resume(self) -> None:
        """Nothing: no carrier of datagrams shakes hands."""

    def _on_crowded(self) -> None:
        if self._size > self._high and self._out is FLOWING:
            self._out = self._out.fill
            self._callback("pause_writing")

    # -- failures -----------------------------------------------------------------------------------------------

    def _fail(self, exc: Exception) -> None:
        """A datagram did not leave. `error_received` tells, in the next `soon` step: we may be inside `sendto`."""
        self.dropped += 1
        self._loop.meter.dropped_datagrams += 1
        if isinstance(exc, OSError) and exc.errno in BROKEN:
            return self._lose(exc)
        self._tell_later(exc)

    def _tell_later(self, exc: Exception) -> None:
        if not self._failures:
            self._loop.call_soon(self._tell)
        if len(self._failures) < UNTOLD:
            self._failures.append(exc)
        else:
            self._further += 1

    def _tell(self) -> None:
        failures, self._failures = self._failures, []
        if self._further:
            failures.append(DatagramDropped(errno.ENOBUFS, f"{self._further} more datagrams were not sent"))
            self._further = 0
        for exc in failures:
            if self._protocol is None or self._exc is not None:
                return  # over, or ended by what an earlier one raised
            self._callback("error_received", exc)

    # -- ending -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Send what waits, for at most `Timeouts.close`, then end. Nothing more is delivered. Harmless twice."""
        self._loop.runner.check()
        if self._phase is not OPEN:
            return self._loop._check_process()
        self._in = self._in.lost  # there is no end of the peer's to wait for
        self._out = self._out.finish
        if not self._queue:
            self._out = self._out.sent
        self._watch_input()
        self._check_phase()

    def _end_lingering(self, quiet: float) -> None:
        """Nothing: datagrams have no peer whose end could be waited for."""

    def _end(self, exc: BaseException | None) -> None:
        self.dropped += len(self._queue)
        self._loop.meter.dropped_datagrams += len(self._queue)
        self._queue.clear()
        super()._end(exc)

    def _on_reap(self) -> None:
        """Step 6 of the tick: the end, after what was still to be told."""
        self._tell()
        self._loop.meter.datagrams_in += self.datagrams_in
        self._loop.meter.datagrams_out += self.datagrams_out
        super()._on_reap()

    # -- about --------------------------------------------------------------------------------------------------

    def join(self, group: str, interface: str | int | None = None) -> None:
        """Receive what is sent to a multicast group, IPv4 or IPv6 as the socket is.

        interface: a name ("eth0") or an index, for IPv4 also an address of it; None lets the routing table choose.
        Raises ValueError for what is no group, and OSError. Which interface to send by, how far and whether we hear
        ourselves are options of `get_extra_info("socket")`: IP_MULTICAST_IF, IP_MULTICAST_TTL, IP_MULTICAST_LOOP.
        """
        set_membership(self._sock, group, interface, joined=True)

    def leave(self, group: str, interface: str | int | None = None) -> None:
        """Receive it no more; with the interface that was given to `join`. Closing leaves every group."""
        set_membership(self._sock, group, interface, joined=False)

    def __repr__(self) -> str:
        return self._describe(self.get_extra_info("sockname"), f" {len(self._queue)} waiting" if self._queue else "")
