"""TLS over any carrier: a socket and a poller to the transport above, an ordinary user of both to the carrier below.

    transport --recv send shutdown--> TLSSocket --recv send shutdown--> TCP, Unix, memory, another TLSSocket
              --register modify ----> (the same) --register modify ---> the poller below

OpenSSL has needs of its own, to read where the program only writes and the other way round: what the transport waits
for is not what the kernel must be asked for, and `_watch_below` works out the one from the other.

The transport must know exactly what was sent. So `send` keeps OpenSSL's own rule: either all that was encrypted is
handed down, or BlockingIOError is raised, and the same bytes, given again first, count as sent when they are.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from ..boundary import EXITS
from ..loop.poller import READ, WRITE, Handler, Watch
from .carrier import carrier_info, stop
from .handshake import Handshake
from .records import KNOWN, MOST, SLICE, Records

ANSWERS = 256 * 1024  # bytes: twice the records of one send; no honest peer has so many alerts wait beside them


class Session(Enum):
    """How far it is: CLEAR, SHAKING, OPEN, SAID in this order; a close that comes before the end of the handshake
    leads from the first two to DEAF."""

    CLEAR = auto()  # bytes are still to go in the clear
    SHAKING = auto()  # the handshake is under way, to be begun, or has failed
    OPEN = auto()
    SAID = auto()  # our end is said; perhaps close_notify is not handed down yet
    DEAF = auto()  # there is no session to end: what comes is there to be dropped


CLEAR, SHAKING, OPEN, SAID, DEAF = Session

PASSES = {CLEAR: WRITE, SHAKING: 0, OPEN: READ | WRITE, SAID: READ | WRITE, DEAF: READ | WRITE}
"""What the transport waits for, as far as it can come from below."""


class TLSSocket:
    """One end of a TLS connection: `Records` over a carrier.

    below, poller: the carrier, and what watches it. context, server_side, server_hostname: as for
    `SSLContext.wrap_bio`, which may raise ValueError or ssl.SSLError here. clear: as many bytes go out in the clear
    before the handshake begins (STARTTLS).
    """

    __slots__ = (
        "_accepted", "_below", "_call_soon", "_fd", "_handler", "_handshake", "_held", "_interest", "_plain", "_poller",
        "_records", "_renegotiating", "_session", "_unsent", "_watched", "fileno",
    )  # fmt: skip

    def __init__(
        self,
        call_soon: Callable[..., None],
        below: Any,
        poller: Watch,
        context: ssl.SSLContext,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        clear: int = 0,
    ) -> None:
        self._call_soon = call_soon
        self._below = below
        self._poller = poller
        self._fd = below.fileno()
        self.fileno = below.fileno
        self._records = records = Records(context, server_side, server_hostname)
        self._session = CLEAR if clear else SHAKING
        self._handshake: Handshake | None = Handshake(records, below, self._flush, clear)
        self._handler: Handler | None = None
        self._interest = 0  # what the transport waits for
        self._watched = 0  # what we have the poller below watch
        self._unsent: bytes | memoryview = b""  # encrypted, and not taken by the carrier yet
        self._accepted = 0  # bytes given to `send` that are in `_unsent`, and were not reported as sent
        self._plain = b""  # decrypted, and more than the caller had room for
        self._held = False  # there is something to receive of which the carrier below knows nothing any more
        self._renegotiating = False  # nothing can be sent before the peer has answered (TLS 1.2)

    # -- the handshake ------------------------------------------------------------------------------------------

    def begin(self, handler: Handler, opened: Callable[[BaseException | None], None], early: bytes = b"") -> None:
        """Shake hands, then call `opened` with None or with the error; perhaps before this returns.

        early: what the peer has sent already.
        """
        if self._handshake is None:
            return  # closed meanwhile: the transport fails what waits
        self._handler, self._handshake.opened = handler, opened
        self._records.incoming.write(early)
        if self._session is CLEAR:
            self._watch_below()
        else:
            self._advance()

    def _advance(self) -> None:
        """Go as far in the handshake as the carrier lets us."""
        if self._handshake is None or self._handshake.opened is None:
            return
        try:
            self._handshake.advance()
        except BlockingIOError:
            self._await_handshake()
        except EXITS:
            raise
        except BaseException as exc:  # of the context's callbacks, too
            self._say_alert()
            self._end_handshake(self._records.name_host(exc))
        else:
            self._session = OPEN
            self._held = self._records.incoming.pending > 0  # the peer said more in the same breath
            self._end_handshake(None)

    def _await_handshake(self) -> None:
        try:
            self._watch_below()
        except OSError as exc:  # the machine can watch no more
            self._end_handshake(exc)

    def _end_handshake(self, error: BaseException | None) -> None:
        handshake, self._handshake = self._handshake, None
        assert handshake is not None
        assert handshake.opened is not None
        handshake.opened(error)
        self._watch_below()

    def _say_alert(self) -> None:
        try:
            self._flush()
        except OSError:
            pass  # the peer does not hear why; the connection is lost all the same

    # -- the poller of the transport ----------------------------------------------------------------------------

    def register(self, fd: int, events: int, handler: Handler) -> None:
        """As `Poller.register`."""
        self._handler = handler
        self.modify(fd, events)

    def modify(self, fd: int, events: int, handler: Handler | None = None) -> None:
        """As `Poller.modify`."""
        self._interest = events
        if events & READ:
            self._held = self._held or self._records.ended  # reading is asked for after the end: report it again
            if self._held:
                self._call_soon(self._deliver_held)
        self._watch_below()

    def unregister(self, fd: int, handler: Handler | None = None) -> None:
        """As `Poller.unregister`: the transport waits for nothing. We may go on, for OpenSSL's own sake."""
        self.modify(fd, 0)

    def stop(self) -> None:
        """Watch the carrier no more, and let go of the transport: the connection is over."""
        self._handler = self._handshake = None
        self._interest = 0
        self._unsent = b""
        self._held = False
        self._watch_below()
        stop(self._below)

    def _watch_below(self) -> None:
        wanted = self._interest & PASSES[self._session]
        if self._renegotiating:
            wanted &= READ
        if self._unsent:
            wanted |= WRITE
        elif self._session is SHAKING and self._handshake is not None and self._handshake.opened is not None:
            wanted = READ  # not before its flight is out: it would only be told again and again
        if wanted == self._watched:
            return
        if not wanted:
            self._poller.unregister(self._fd, self)
        elif self._watched:
            self._poller.modify(self._fd, wanted, self)
        else:
            self._poller.register(self._fd, wanted, self)
        self._watched = wanted  # not before: what raises has changed nothing

    def _on_ready(self, events: int) -> None:
        """The carrier is readable, writable, hung up or broken."""
        handler = self._handler
        if self._handshake is not None and self._session is SHAKING:
            self._advance()
        elif handler is not None:
            if self._unsent and not self._interest & WRITE:
                self._flush_alone()
            handler._on_ready(events)
        if self._held:
            self._call_soon(self._deliver_held)

    def _deliver_held(self) -> None:
        if self._held and self._interest & READ and self._handler is not None:
            self._handler._on_ready(READ)
            if self._held:
                self._call_soon(self._deliver_held)

    # -- receiving ----------------------------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        """What the peer said; b"" once it said close_notify. Raises ssl.SSLEOFError if it left without."""
        if self._held:
            return self._recv_held()
        if self._session is not OPEN and self._session is not SAID:
            return self._recv_without_session(size)
        data = self._below.recv(size)
        return self._receive(data) if data else self._on_end_below()

    def _recv_without_session(self, size: int) -> bytes:
        """Before a session nothing is given; after one was given up (DEAF) it is read, to be dropped."""
        if self._session is not DEAF:
            raise BlockingIOError
        return self._below.recv(size)  # type: ignore[no-any-return]

    def _receive(self, data: bytes) -> bytes:
        records = self._records
        try:
            parts = records.decrypt(data)
        except OSError:
            self._say_alert()
            raise
        if self._renegotiating:
            self._renegotiating = False  # perhaps: sending finds out
            self._watch_below()
        if records.outgoing.pending:
            self._answer()
        if records.ended or records.fault is not None:
            self._held = bool(parts)  # the end comes with the next call
        elif not parts:
            raise BlockingIOError
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _recv_held(self) -> bytes:
        data, self._plain = self._plain, b""
        if data:
            self._held = self._records.ended or self._records.fault is not None or self._records.incoming.pending > 0
            return data
        self._held = False
        return b"" if self._records.ended else self._receive(b"")

    def recv_into(self, buffer: memoryview) -> int:
        """As `recv`, into the buffer of a BufferedProtocol. What has no room in it is kept for the next call."""
        data = self.recv(max(len(buffer), SLICE))
        count = min(len(data), len(buffer))
        buffer[:count] = data[:count]
        if count < len(data):
            self._plain = data[count:]
            self._held = True
        return count

    def _on_end_below(self) -> bytes:
        if self._records.ended:
            return b""
        # Anybody on the way can end a TCP connection, and pass a part off as the whole (RFC 8446, 6.1).
        raise self._records.name_host(ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the peer ended without close_notify"))

    # -- sending ------------------------------------------------------------------------------------------------

    def send(self, data: bytes | memoryview) -> int:
        """Encrypt and hand down; how many bytes of `data` went. After BlockingIOError give the same bytes again."""
        if self._session is not OPEN:
            return self._send_clear(data)
        if self._unsent:
            self._flush()
        if self._accepted:
            count, self._accepted = self._accepted, 0
            return count
        if len(data) > MOST:
            data = memoryview(data)[:MOST]
        try:
            encrypted = self._records.encrypt(data)
        except ssl.SSLWantReadError:
            self._renegotiating = True
            raise BlockingIOError from None
        try:
            sent = self._below.send(encrypted)
        except BlockingIOError:
            sent = 0
        if sent == len(encrypted):
            return len(data)
        self._unsent = memoryview(encrypted)[sent:]
        self._accepted = len(data)
        raise BlockingIOError

    def _send_clear(self, data: bytes | memoryview) -> int:
        if self._handshake is None:
            raise BlockingIOError
        sent = self._handshake.send_clear(data)
        if self._session is CLEAR and not self._handshake.clear:
            self._session = SHAKING
            self._call_soon(self._advance)  # not here: nobody is told anything from inside a `write`
        return sent

    def _flush(self) -> None:
        """Hand down what is encrypted. Raises BlockingIOError while the carrier does not take all of it."""
        if self._records.outgoing.pending:
            self._unsent = bytes(self._unsent) + self._records.outgoing.read()
        if self._unsent:
            sent = self._below.send(self._unsent)
            if sent < len(self._unsent):
                self._unsent = memoryview(self._unsent)[sent:]
                raise BlockingIOError
            self._unsent = b""  # an empty view would hold all 128 KiB for as long as the connection lives

    def _answer(self) -> None:
        """OpenSSL has answered by itself (a refused renegotiation, say), or still answers behind what waits."""
        if not self._interest & WRITE:
            self._flush_alone()
        if self._records.outgoing.pending + len(self._unsent) > ANSWERS:
            raise OSError(errno.ENOBUFS, "the peer asks of TLS what it does not read the answers to")

    def _flush_alone(self) -> None:
        """Send what the transport does not wait for: an answer of OpenSSL's own."""
        try:
            self._flush()
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = b""  # the peer is gone: receiving tells
        self._watch_below()

    # -- ending -------------------------------------------------------------------------------------------------

    def shutdown(self, how: int) -> None:
        """Say close_notify, then the end of the carrier. Receiving goes on: TLS has a half-close (RFC 8446, 6.1).

        Raises BlockingIOError while close_notify waits for the peer: call it again then.
        """
        if self._session is OPEN:
            if self._records.incoming.pending:
                self._plain = b"".join([self._plain, *self._records.decrypt(b"")])
                self._held = self._records.ended or self._records.fault is not None or bool(self._plain)
            self._records.end()
            self._session = SAID
        elif self._session is not SAID:
            self._session, self._handshake, self._unsent = DEAF, None, b""
        self._watch_below()
        if self._session is SAID:
            self._flush()
        self._below.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the carrier."""
        self._below.close()

    def setsockopt(self, *args: Any) -> None:
        """As the carrier's."""
        self._below.setsockopt(*args)

    def getsockname(self) -> Any:
        """As the carrier's."""
        return self._below.getsockname()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """asyncio's `ssl_object sslcontext peercert cipher compression`, and `alpn_protocol tls_version`."""
        if name not in KNOWN:
            return carrier_info(self._below, name, default)
        known = self._records.info(name)  # never the carrier's: it may be TLS as well, with another peer's certificate
        return default if known is None else known
