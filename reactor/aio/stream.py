"""Our stream transport under asyncio's contract. Knows asyncio's loop, and of its private parts the exceptions' texts.

It is the transport of `reactor.transports` with the same lanes and bounds, and one send a tick. What asyncio's
programs rely on is different from our own contract, and is put here:

    connection_made, reading, the waiter    one after the other, each by call_soon
    connection_lost                         by call_soon, right after what was called before the end
    close()                                 ends as soon as all is sent: the peer's end is not waited for
    abort(), an exception                   what waits has one send before it is given up
    the end of both lanes                   ends nothing: close() does
    the protocol's callbacks                run in the context that the transport was made in; what they raise, of
                                            whatever class, is told to the exception handler and ends the connection;
                                            out of pause_writing and resume_writing it is told and ends nothing

Small writes leave at the end of the tick, as everywhere here: a callback that writes, and then waits for the answer
without giving the loop back, waits for bytes that have not left.
"""

from __future__ import annotations

import asyncio
import socket
import warnings
from asyncio import constants
from collections.abc import Iterable
from contextvars import copy_context
from typing import Any

from ..boundary import EXITS
from ..errors import PeerError
from ..limits import Limits, Timeouts
from ..loop.poller import READ
from ..protocol import Bytes
from ..transports.connection import BROKEN, Home
from ..transports.lanes import In, Out, Phase
from ..transports.reads import READ_SIZE
from ..transports.slots import SLOTS
from ..transports.stream import Stream
from .hosted import HostedEventLoop
from .private import TransportSocket, attach, detach

TOLD = frozenset({"pause_writing", "resume_writing"})  # callbacks after whose exception the connection lives on


class AioStream(Stream, asyncio.Transport):
    """One connection of an asyncio program."""

    __slots__ = (
        *SLOTS, "_aio", "_context", "_empty_waiter", "_eof", "_owes_resume", "_server",
    )  # fmt: skip

    _start_tls_compatible = True
    _sendfile_compatible = constants._SendfileMode.TRY_NATIVE

    def __init__(
        self,
        aio: HostedEventLoop,
        sock: socket.socket,
        protocol: Any,
        waiter: asyncio.Future[None] | None,
        extra: dict[str, Any] | None,
        server: Any,
        home: Home,
        limits: Limits,
        timeouts: Timeouts,
    ) -> None:
        self._aio = aio
        self._extra = {} if extra is None else extra
        self._extra["socket"] = TransportSocket(sock)
        self._extra["sockname"] = _asked(sock.getsockname)
        if "peername" not in self._extra:
            self._extra["peername"] = _asked(sock.getpeername)
        Stream.__init__(self, aio.reactor, sock, protocol, home, self._extra["peername"], limits, timeouts)
        self._phase = Phase.OPEN
        self._told_made = True
        self._eof = False  # write_eof was called
        self._owes_resume = False  # pause_writing was called, and `_out` says so no more
        self._empty_waiter: asyncio.Future[None] | None = None  # somebody sends a file past us, or is about to
        self._context = copy_context()
        self._server = server
        if server is not None:
            attach(server, self)
        aio._transports[self._fd] = self  # type: ignore[attr-defined]
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                pass  # another protocol than TCP, or the peer has gone already: reading will tell
        aio.call_soon(protocol.connection_made, self, context=self._context)
        aio.call_soon(self._begin)
        if waiter is not None:
            aio.call_soon(_tell, waiter)

    def _start(self) -> None:
        """Nothing is left to do: the calls are queued."""

    def _begin(self) -> None:
        if self._phase is Phase.OPEN:
            self._watch_input()
            if self._timeouts.idle is not None:
                self._loop.wheel.arm(self, self._loop.now, self._stamp + self._timeouts.idle)

    # -- in -----------------------------------------------------------------------------------------------------

    def _on_ready(self, events: int) -> None:
        """As `Stream._on_ready`, with asyncio's boundary."""
        if events != READ or not self._plain_read:
            return self._on_ready_otherwise(events)
        try:
            data = self._sock.recv(READ_SIZE)
        except BlockingIOError:
            self._loop.meter.eagains += 1
        except BROKEN as exc:
            self._fatal_error(exc, "Fatal read error on socket transport")
        else:
            if data:
                self.bytes_in += len(data)
                self._stamp = self._loop.now
                try:
                    self._context.run(self._protocol.data_received, data)
                except EXITS:
                    raise
                except BaseException as exc:
                    self._fatal_error(exc, "Fatal error: protocol.data_received() call failed.")
            else:
                self._on_eof()

    def _on_eof(self) -> None:
        """As `Stream._on_eof`, in the connection's context and with the `close` of this class."""
        self._in = self._in.eof
        self._watch_input()
        if not self._callback("eof_received") and self._in is In.ENDED:
            self.close()

    def is_reading(self) -> bool:
        """True unless paused or closing; at the peer's end too."""
        return self._phase is Phase.OPEN and self._in is not In.PAUSED

    def pause_reading(self) -> None:
        """As asyncio's."""
        if self._phase is Phase.OPEN:
            super().pause_reading()

    def resume_reading(self) -> None:
        """As asyncio's."""
        if self._phase is Phase.OPEN:
            super().resume_reading()

    # -- out ----------------------------------------------------------------------------------------------------

    def writelines(self, list_of_data: Iterable[Bytes]) -> None:
        """As asyncio's."""
        if self._eof:
            raise RuntimeError("Cannot call writelines() after write_eof()")
        if self._empty_waiter is not None:
            raise RuntimeError("unable to writelines; sendfile is in progress")
        super().writelines(list_of_data)

    def write_eof(self) -> None:
        """As asyncio's."""
        if self._phase is Phase.OPEN and not self._eof:
            self._eof = True
            self._owes_resume = self._owes_resume or self._out is Out.FULL
            super().write_eof()

    def _may_write(self) -> bool:
        if self._eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._empty_waiter is not None:
            raise RuntimeError("unable to write; sendfile is in progress")
        # Until the last byte has left a closing connection takes more, as asyncio's does: the close_notify of TLS is
        # written when `resume_writing` lets it, and that may be after `close`.
        return self._phase is Phase.CLOSING or super()._may_write()

    def _on_blocked(self, sent: int) -> None:
        if sent and self._phase is Phase.CLOSING:
            self._entered = self._loop.now  # `Timeouts.close` is for who takes nothing, not for who is slow
        super()._on_blocked(sent)

    def _shut(self) -> None:
        if self._phase is Phase.CLOSING:
            self._end(None)
        else:
            super()._shut()

    def _settle(self) -> None:
        if self._owes_resume and self._size <= self._low:
            self._owes_resume = False
            self._callback("resume_writing")
        if self._empty_waiter is None:
            super()._settle()
        elif not self._size:
            _tell(self._empty_waiter)
            if self._out is Out.FINISHING:
                self._shut()

    def _make_empty_waiter(self) -> asyncio.Future[None]:
        """For `loop.sendfile`: done when all is sent, from when on nobody may write, until `_reset_empty_waiter`."""
        if self._empty_waiter is not None:
            raise RuntimeError("Empty waiter is already set")
        if self._size and not self._blocked:
            self._flush()
        waiter = self._empty_waiter = self._aio.create_future()
        self._owes_resume = self._out is Out.FULL
        self._out = self._out.fill
        if self._phase is Phase.CLOSED:
            waiter.set_exception(ConnectionError("Connection is closed by peer"))
        elif not self._size:
            waiter.set_result(None)
        return waiter

    def _reset_empty_waiter(self) -> None:
        self._empty_waiter = None
        if not self._owes_resume:
            self._out = self._out.drain

    # -- ending -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Send what waits, then end. Nothing is read any more; what stands still for `Timeouts.close` is given up."""
        if self._phase is not Phase.OPEN:
            return
        self.delivery += 1
        self._phase = Phase.CLOSING
        self._entered = self._loop.now
        self._in = self._in.eof
        self._owes_resume = self._owes_resume or (self._out is Out.FULL and self._empty_waiter is None)
        self._out = self._out.finish
        self._unread = b""
        self._watch_input()
        if self._size and not self._blocked:
            self._flush()
        if not self._size:
            self._end(None)
        elif self._timeouts.close is not None:
            self._loop.wheel.arm(self, self._entered, self._entered + self._timeouts.close)

    def abort(self) -> None:
        """End at once, with one send for what waits."""
        self._end(None)

    def _check_phase(self) -> None:
        """The end of both lanes is not the end here."""

    def _end(self, exc: BaseException | None) -> None:
        if self._size and not self._blocked:
            self._send_last()
        super()._end(exc)

    def _send_last(self) -> None:
        assert self._first is not None  # `_size` is not 0 here
        data = b"".join([self._first, *self._later])
        try:
            sent = self._sock.send(data)
        except BROKEN:
            return
        self.bytes_out += sent
        self._size -= sent

    def _doom(self) -> None:
        self._aio.call_soon(self._on_reap)

    def _on_reap(self) -> None:
        """The end, by `call_soon`. Told here, in the connection's context: `Connection._on_reap` knows of none."""
        try:
            self._callback("connection_lost", self._exc)
        finally:
            self._told_made = False  # so that it is not told twice
            super()._on_reap()
        if self._server is not None:
            server, self._server = self._server, None
            detach(server, self)
        if self._empty_waiter is not None and not self._empty_waiter.done():
            self._empty_waiter.set_exception(ConnectionError("Connection is closed by peer"))

    def _force_close(self, exc: BaseException | None) -> None:
        """As asyncio's SSLProtocol calls it."""
        self._end(exc)

    def forget(self) -> None:
        """The loop closes, and the program has left this open: nothing happens here any more."""
        self._watch(0)
        self._loop.wheel.disarm(self)
        self._loop.budget.release(self)
        self._home.on_gone(self)

    def __del__(self) -> None:
        if not hasattr(self, "_server"):
            return  # never made
        if self._protocol is not None:
            warnings.warn(f"unclosed transport {self!r}", ResourceWarning, source=self, stacklevel=2)
            self._sock.close()
            if self._server is not None:
                detach(self._server, self)

    # -- the boundary -------------------------------------------------------------------------------------------

    def _callback(self, name: str, *args: Any) -> Any:
        try:
            fn = getattr(self._protocol, name)  # not every protocol is made from asyncio.Protocol: it may lack one
            if name == "pause_writing":
                return fn()  # from inside `write`, in the context of whoever writes
            return self._context.run(fn, *args)
        except EXITS:
            raise
        except BaseException as exc:
            if name in TOLD:
                self._tell_handler(exc, f"protocol.{name}() failed")
            else:
                self._fatal_error(exc, f"Fatal error: protocol.{name}() call failed.")

    def _blame(self, exc: BaseException, callback: str = "") -> None:
        self._fatal_error(exc, "Fatal error on transport")

    def _fatal_error(self, exc: BaseException, message: str = "Fatal error on transport") -> None:
        if isinstance(exc, (OSError, PeerError)):
            return self._lose(exc)
        self._tell_handler(exc, message)
        self._end(exc)

    def _tell_handler(self, exc: BaseException, message: str) -> None:
        about = {"message": message, "exception": exc, "transport": self, "protocol": self._protocol}
        self._aio.call_exception_handler(about)

    # -- about --------------------------------------------------------------------------------------------------

    @property
    def _sock_fd(self) -> int:
        fd: int = self._fd
        return fd

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As asyncio's, from what was known when the connection was made; `peercred` besides."""
        if name in self._extra:
            return self._extra[name]
        return super().get_extra_info(name, default)


def _tell(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _asked(question: Any) -> Any:
    try:
        return question()
    except OSError:
        return None
