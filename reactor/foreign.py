"""The transport of another loop, with the verbs that ours has and it lacks. Imports no other loop.

The callbacks of a `Protocol` are asyncio's, so any loop that speaks asyncio's can serve one: asyncio's own, uvloop.
Framing needs a little more of a transport: to give back what it does not handle yet (`unread`), and to be told when it
may have to stop (`delivery`). A protocol that needs those calls `adopt` in its `connection_made`:

    def connection_made(self, transport):
        self.transport = adopt(transport, self)

On the reactor that is the transport itself. On another loop it is a stand-in that takes the protocol's place there.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from .boundary import Quota, attempt, class_of, log
from .errors import PeerError
from .protocol import Bytes

QUOTA = Quota()  # of this process: loops of others have no counters of ours


def adopt(transport: Any, protocol: Any) -> Any:
    """What `protocol` keeps as its transport: `transport` where that is one of ours, else a stand-in for it."""
    return transport if hasattr(transport, "unread") else ForeignTransport(transport, protocol)


class ForeignTransport:
    """Stands between another loop's transport and a protocol of ours, and is a transport to the one, a protocol to the
    other. Verbs that it does not have are those of the transport below.
    """

    def __init__(self, below: Any, protocol: Any) -> None:
        self._below = below
        self._protocol = protocol
        self._unread = b""
        self._paused = False  # by the program
        self._held = False  # we have paused the transport below
        self._full = False  # the transport below wants no more for now
        self._ended = False  # the peer's end has come
        self._owes_end = False  # and the protocol is to be told of it, behind what is held
        self._fault: BaseException | None = None  # what ends the connection: the peer's fault, or the protocol's
        self.bytes_in = self.bytes_out = 0
        self.delivery = 0
        below.set_protocol(self)

    # -- a transport to the protocol ----------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)

    def write(self, data: Bytes) -> None:
        """As ours: ignored once the end has begun."""
        if not self._below.is_closing():
            self.bytes_out += len(data)
            self._below.write(data)

    def writelines(self, chunks: Iterable[Bytes]) -> None:
        """As ours."""
        self.write(b"".join(chunks))

    def close(self) -> None:
        """As ours: nothing more is delivered."""
        self.delivery += 1
        self._unread = b""
        self._below.close()

    def abort(self) -> None:
        """As ours."""
        self.delivery += 1
        self._unread = b""
        self._below.abort()

    def pause_reading(self) -> None:
        """As ours."""
        self.delivery += 1
        self._paused = True
        self._watch()

    def resume_reading(self) -> None:
        """As ours: nothing is delivered from inside this call."""
        self._paused = False
        if self._unread or self._owes_end:
            _call_soon(self._redeliver)
        else:
            self._watch()

    def is_reading(self) -> bool:
        """As ours."""
        return not (self._paused or self._ended or self._below.is_closing())

    def unread(self, data: bytes) -> None:
        """As ours: `data` comes again, first."""
        if data and not self._below.is_closing():
            self._unread = data + self._unread
            self._watch()
            _call_soon(self._redeliver)

    def set_protocol(self, protocol: Any) -> None:
        """As ours."""
        self.delivery += 1
        self._protocol = protocol

    def switch_protocol(self, protocol: Any, data: bytes = b"") -> BaseException | None:
        """As ours."""
        if self._below.is_closing():
            return ConnectionAbortedError(errno.ECONNABORTED, "switch_protocol() on a connection that ends")
        self._paused, self._owes_end = False, self._ended
        self.set_protocol(protocol)
        error = self._tell("connection_made", self)
        if error is None:
            self.unread(data)
            _call_soon(self._redeliver)  # what the former one gave back, and the end that it was told of
            if self._full and self._protocol is protocol:  # else it has given the connection away in its turn
                self._tell("pause_writing")
        return error

    def _tell(self, name: str, *args: Any) -> BaseException | None:
        """Call the protocol where the loop below does not; what it raises ends the connection, and is given."""
        protocol = self._protocol
        _, error = attempt(lambda: getattr(protocol, name)(*args))
        if error is not None:
            log.error("exception in %s.%s, which ends %r", class_of(protocol), name, self, exc_info=error)
            self._fault = error
            self.abort()
        return error

    def get_protocol(self) -> Any:
        """As ours."""
        return self._protocol

    def _watch(self) -> None:
        hold = self._paused or bool(self._unread)
        if hold is self._held or self._ended or self._below.is_closing():
            return  # after the peer's end there is nothing to read: some loops would tell of it again
        self._held = hold
        if hold:
            self._below.pause_reading()
        else:
            self._below.resume_reading()

    # -- a protocol to the transport ----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Called by the transport below."""
        self.bytes_in += len(data)
        if self._unread or self._paused:  # a TLS transport may hand out what it had decrypted when it was paused
            self._unread += data
            self._watch()
        else:
            self._guard(self._protocol.data_received, data)

    def _redeliver(self) -> None:
        if self._paused or self._below.is_closing():
            return
        try:
            self._deliver_held()
        except BaseException as exc:  # nobody but us ends the connection for it: the loop below has not called us
            self._fault = exc
            self.abort()
            raise

    def _deliver_held(self) -> None:
        if self._unread:
            data, self._unread = self._unread, b""
            self._guard(self._protocol.data_received, data)
        if self._owes_end and not (self._unread or self._paused):
            self._owes_end = False
            if not self._guard(self._protocol.eof_received):
                self._below.close()
        else:
            self._watch()

    def eof_received(self) -> bool:
        """Called by the transport below."""
        self._ended = True
        if self._unread or self._paused:
            self._owes_end = True
            return True
        return bool(self._guard(self._protocol.eof_received))

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the transport below."""
        self._unread = b""
        self._protocol.connection_lost(self._fault or exc)

    def pause_writing(self) -> None:
        """Called by the transport below."""
        self._full = True
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Called by the transport below."""
        self._full = False
        self._protocol.resume_writing()

    def _guard(self, callback: Callable[..., Any], *args: Any) -> Any:
        """A fault of the peer's is one quiet line, as on ours; what else is raised is the other loop's to tell."""
        try:
            return callback(*args)
        except PeerError as exc:
            if (others := QUOTA.ask(type(exc).__name__, monotonic())) is not None:
                log.info("%r lost: %s%s", self._below, exc, others)
            self._fault = exc
            self.abort()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._below!r}>"


def _call_soon(fn: Callable[[], None]) -> None:
    from asyncio import get_running_loop  # here, where one is running: nothing else in this package needs asyncio

    get_running_loop().call_soon(fn)
