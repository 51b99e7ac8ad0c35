"""The life of a connection: its state, its deadlines, its end, and the one boundary to the protocol's code.

How bytes go in and out is the business of `outbound` and `stream`, which add a lane each to this class. Their
attributes are set here all the same: one `__init__` for each newcomer costs a third of three.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol as Interface

from ..boundary import EXITS, class_of, has, log
from ..errors import PeerError
from ..limits import Limits, Timeouts
from ..loop.futures import settle
from ..loop.ground import Ground
from ..loop.poller import EDGE, READ, WRITE
from ..protocol import Bytes
from ..sockets.addresses import show
from ..sockets.carrier import as_python_socket, carrier_info, handshaker, reset_on_close
from .expiry import deadlines
from .lanes import CLOSED, CLOSING, DISCARDING, ENDED, FLOWING, OPEN, OPENING, READING, SHUT
from .reads import FIRST_READ
from .slots import NO_SLOTS
from .watermarks import HIGH, LOW, chosen, least

BROKEN = (OSError, MemoryError)
"""What a carrier raises when it cannot go on. Without memory for 120 KiB one connection ends, and not the loop."""


class Home(Interface):
    """Who counts this connection: its listener, or the reactor."""

    def on_gone(self, transport: Any) -> None: ...


class Connection(ABC):
    """What `StreamTransport` is apart from its lanes."""

    __slots__ = NO_SLOTS

    _protocol: Any

    def __init__(
        self,
        loop: Ground,
        sock: Any,
        protocol: Any,
        home: Home,
        peername: Any = None,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        timeouts: Timeouts = Timeouts(),  # noqa: B008 (frozen)
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._fd = sock.fileno()
        self._poller: Any = loop.poller  # a carrier may have needs of its own, and then stands in between
        self._home = home
        self._peername = peername
        self._limits = limits
        self._timeouts = timeouts
        self._phase, self._in, self._out = OPENING, READING, FLOWING
        self._told_made = False  # connection_made was called
        self._promises: Iterable[Future[Any]] = ()  # what waits for this connection, and fails with it
        self._upgrade: Any = None  # a start_tls under way (`upgrade.Upgrade`): no input until its handshake is done
        self._plain_read = False  # what recv gives may go straight to data_received: see _watch_input, _on_eof
        self._edge = 0  # EDGE while every read so far has emptied the socket: see `_watch_level`
        self._interest = 0  # what the poller watches
        self._blocked = False  # WRITE is in it: the peer is not taking our bytes
        self._first: Bytes | None = None  # the first chunk that waits to be sent; None exactly where _size is 0
        self._later: list[Bytes] = []  # the chunks behind it
        self._size = 0  # bytes in both; if there are any we are in loop.dirty or wait for WRITE
        self._high, self._low, self._notice_at = HIGH, LOW, least(HIGH, limits)
        self._unread = b""
        self._read_size = FIRST_READ  # bytes asked of the next recv
        self._exc: BaseException | None = None
        self._born = self._stamp = loop.now  # when it was made; when a byte last went in or out
        self._entered = self._moved = loop.now  # when this phase began; when output last moved, if it is blocked
        self._soft_since: float | None = None
        self.bytes_in = self.bytes_out = 0
        self._slot: float | None = None
        self.delivery = 0  # goes up when a batch in delivery may have to stop: a framer looks at one integer a frame
        self._protocol = protocol
        self._buffered = has(protocol, "get_buffer")

    def _start(self) -> None:
        """Shake hands if the carrier does, tell the protocol, then read. Called once, by who made us."""
        shaking = handshaker(self._sock)
        if shaking is None:
            return self._open()
        self._poller = shaking
        if self._timeouts.handshake is not None:
            self._loop.wheel.arm(self, self._loop.now, self._entered + self._timeouts.handshake)
        shaking.begin(self, partial(self._on_handshake, self._promises))

    def _opened(self) -> Future[Any]:
        """Done when the handshake is; holds what ended the connection before. Cancelling it changes nothing."""
        future = self._loop.promise()
        self._promises = [*self._promises, future]
        return future

    def _on_handshake(self, opened: Iterable[Future[Any]], error: BaseException | None) -> None:
        if self._phase is not OPENING:
            return
        if error is not None:
            return self._on_broken(error)
        self._stamp = self._entered = self._loop.now  # it was not idle while it shook hands
        self._resume()
        self._open()
        if self._told_made:  # else those who wait hear of the end
            for future in opened:
                self._keep_promise(future, self)

    def _open(self) -> None:
        self._phase = OPEN
        if self._in is DISCARDING:  # closed while it shook hands: what was written leaves, and nobody is told
            self._check_phase()
        else:
            self._told_made = True
            try:
                self._protocol.connection_made(self)
            except EXITS:
                self._end(None)  # nobody would ever look at it again
                raise
            except BaseException as exc:
                self._blame(exc, "connection_made")
        if self._phase is not CLOSED:
            self._watch_input()
        if self._timeouts.idle is not None and self._phase is OPEN:
            self._loop.wheel.arm(self, self._loop.now, self._stamp + self._timeouts.idle)

    @abstractmethod
    def _resume(self) -> None:
        """The handshake is over: what was done meanwhile has its effect now."""

    @abstractmethod
    def _on_ready(self, events: int) -> None:
        """The poller found us readable, writable, hung up or broken."""

    @abstractmethod
    def _on_flush(self) -> None:
        """Step 5 of the tick, or the peer takes bytes again: one send, and what follows from it."""

    @abstractmethod
    def close(self) -> None:
        """Send what waits, then end."""

    @abstractmethod
    def _settle(self) -> None:
        """What was sent may let the writer go on, or be the last of it."""

    @abstractmethod
    def _on_crowded(self) -> None:
        """More waits than the least bound."""

    def _on_reap(self) -> None:
        """Step 6 of the tick: the end. Afterwards nothing here refers to the protocol or to the exception."""
        exc, self._exc = self._exc, None  # its traceback may hold a frame that holds us
        try:  # `_callback`, written out here and in `_open`: each connection comes by
            if self._told_made:
                self._protocol.connection_lost(exc)
        except EXITS:
            raise
        except BaseException as fault:
            self._blame(fault, "connection_lost")
        finally:
            self._protocol = None
            self._close()
            meter = self._loop.meter
            meter.bytes_in += self.bytes_in
            meter.bytes_out += self.bytes_out
            self._home.on_gone(self)
            for future in self._promises:
                error = exc or ConnectionAbortedError(errno.ECONNABORTED, "the connection ended before that was done")
                settle(future, error=error, told=True)
            self._promises = ()

    def _close(self) -> None:
        try:
            self._sock.close()
        except OSError:
            pass  # close(2): the descriptor is gone all the same, and what it could not do was told by send before

    def _keep_promise(self, future: Future[Any], result: Any = None, error: BaseException | None = None) -> None:
        self._promises = [other for other in self._promises if other is not future]
        settle(future, result, error)

    def _on_deadline(self, now: float) -> float | None:
        """A deadline that we gave has come: end, or give the next one."""
        found = deadlines(self)
        if not found:
            return None
        when, error = min(found, key=lambda deadline: deadline[0])
        if now < when:
            return when
        if self._phase is CLOSING and self._out is SHUT:
            self._end(None)  # our every byte is sent, and the peer only keeps its end open: that is no fault
        else:
            self._lose(error)
        return None

    def _watch_input(self) -> None:
        reading = self._in is READING and not self._unread and self._upgrade is None
        self._plain_read = reading and not self._buffered
        interest = READ | self._edge if reading or self._in is DISCARDING else 0
        if self._blocked:
            interest |= WRITE
        if interest != self._interest:  # most often it is the same
            self._watch(interest)

    def _watch_level(self) -> None:
        """By level from now on: told as long as input waits. An edge is told once, and some input may be left."""
        self._edge = 0
        self._watch(self._interest & ~EDGE)

    def _watch(self, interest: int) -> None:
        held = self._interest
        if interest == held or self._phase is OPENING or self._phase is CLOSED:
            return
        try:
            if not interest:
                self._poller.unregister(self._fd, self)
            elif held:
                self._poller.modify(self._fd, interest, self)
            else:
                self._poller.register(self._fd, interest, self)
        except OSError as exc:  # ENOSPC, ENOMEM (epoll_ctl(2)): the machine can watch no more
            return self._lose(exc)
        self._interest = interest  # not before: what raises has changed nothing
        self._blocked = interest & WRITE != 0

    # -- ending -------------------------------------------------------------------------------------------------

    def abort(self) -> None:
        """End at once. What was not sent is lost; if that is anything, the peer sees a reset rather than an end."""
        self._loop.runner.check()
        if self._phase is CLOSED:
            self._loop._check_process()
        self._end(None)

    def _lose(self, exc: Exception) -> None:
        """End at once because of the peer: one quiet log line, and `connection_lost(exc)`."""
        if self._phase is not CLOSED:
            shown = repr(self)
            self._end(exc)
            if (others := self._loop.meter.quota.ask(type(exc).__name__, self._loop.now)) is not None:
                log.info("%s lost: %s%s", shown, exc, others)

    def _end_lingering(self, quiet: float) -> None:
        """End now if all that is left is to wait for the peer's end, and nothing has moved for `quiet` seconds."""
        if self._phase is CLOSING and self._out is SHUT and self._loop.now - self._stamp >= quiet:
            self._end(None)

    def _drain(self, grace: float) -> None:
        """A drain begins: tell the protocol, and close unless it wants to finish something within `grace` seconds."""
        asked = self._phase is OPEN and has(self._protocol, "draining")
        if not (self.is_closing() or (asked and self._callback("draining", grace))):
            self.close()

    def is_closing(self) -> bool:
        """True once the end has begun, whoever began it."""
        return self._phase is CLOSING or self._phase is CLOSED or self._in is DISCARDING

    def _check_phase(self) -> None:
        if self._phase is CLOSED or not (self._in.is_leaving and self._out.is_leaving):
            return
        if self._in is ENDED and self._out is SHUT:
            self._end(None)
        elif self._phase is OPEN:
            self._phase = CLOSING
            self._entered = self._loop.now
            if self._timeouts.close is not None:
                self._loop.wheel.arm(self, self._entered, self._entered + self._timeouts.close)

    def _callback(self, name: str, *args: Any) -> Any:
        """What the protocol raises, or lacks, ends this connection and nothing else; see `boundary`."""
        try:
            return getattr(self._protocol, name)(*args)
        except EXITS:
            raise
        except BaseException as exc:
            self._blame(exc, name)

    def _on_broken(self, exc: BaseException) -> None:
        """The carrier cannot go on, or what the program has put into it: a file that is sent, a callback of TLS."""
        if isinstance(exc, BROKEN):
            self._lose(exc)
        else:
            self._blame(exc, "transport")

    def _blame(self, exc: BaseException, callback: str = "data_received") -> None:
        if isinstance(exc, PeerError):
            return self._lose(exc)
        where, shown = f"{class_of(self._protocol)}.{callback}", repr(self)
        self._end(exc)
        log.error("exception in %s, which ends %s", where, shown, exc_info=exc)

    def _on_forked(self) -> None:
        """In a forked child: nothing here may send, shut or watch any more, for it would do so for the parent."""
        self._phase, self._in, self._out = CLOSED, ENDED, SHUT
        self._plain_read, self._interest, self._first, self._size = False, 0, None, 0

    def _abandon(self) -> None:
        """Close this process's copy of the descriptor; the connection is another process's."""
        self._sock.close()

    def _end(self, exc: BaseException | None) -> None:
        if self._phase is CLOSED:
            return
        self._exc = exc
        if exc is not None:
            self._loop.meter.lost[type(exc).__name__] += 1
        if self._size:
            # Bytes are lost here: a reset tells the peer so, an end of file would pass off a part as the whole.
            reset_on_close(self._sock)
        if self._interest:
            self._watch(0)
        if self._poller is not self._loop.poller:
            self._poller.stop()
        self.delivery += 1
        self._plain_read = False
        self._phase = CLOSED
        self._in, self._out = self._in.lost, self._out.lost
        self._unread, self._first, self._size = b"", None, 0
        self._later.clear()
        self._upgrade = None
        if self._loop.budget.held:
            self._loop.budget.release(self)
        if self._slot is not None:
            self._loop.wheel.disarm(self)
        self._doom()

    def _doom(self) -> None:
        self._loop.doomed.append(self)

    # -- about --------------------------------------------------------------------------------------------------

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`peername` (still known in connection_lost), `sockname`; others as the carrier has them.

        `peercred` is the `(pid, uid, gid)` of the other end of a Unix socket (Linux). Ask for
        `socket` in the loop's thread only: it may have to be made first. It is closed with the connection.
        """
        if name == "peername":
            return default if self._peername is None else self._peername
        if name == "socket":
            self._loop.runner.check()
            self._sock = as_python_socket(self._sock)
        return carrier_info(self._sock, name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the watermarks in bytes: `pause_writing` above `high`, `resume_writing` at or below `low`.

        Without `high` it is 64 KiB, or four times `low`; without `low` it is a quarter of `high`. As in asyncio.
        """
        self._high, self._low = chosen(high, low)
        self._notice_at = least(self._high, self._limits)
        if self._size > self._notice_at:
            self._on_crowded()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """The watermarks `(low, high)`, in asyncio's order."""
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        """Bytes written and not yet taken by the kernel."""
        return self._size

    def set_protocol(self, protocol: Any) -> None:
        """Give the connection to another protocol, which goes on with it: nobody calls its `connection_made`.

        It hears everything from now on, `connection_lost` too. The former one hears what this one passes on.
        """
        self._loop.runner.check()
        self.delivery += 1
        self._protocol = protocol
        self._buffered = has(protocol, "get_buffer")
        self._watch_input()

    def get_protocol(self) -> Any:
        """The protocol; None once the connection is over."""
        return self._protocol

    def __repr__(self) -> str:
        return self._describe(self._peername, f" {self._size} bytes" if self._size else "")

    def _describe(self, address: Any, waiting: str) -> str:
        where = show(address) if address else f"fd {self._fd}"
        in_out = f"in={self._in.name} out={self._out.name}"
        return f"<{type(self).__name__} {where} {self._phase.name} {in_out}{waiting}>"
