"""A WebSocket on its transport: messages in and out, the close, and the clock that finds peers which are gone.

Where the connection comes from, a server's request or a client's, is the business of
`protocols.http.server` and of `connect`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from reactor import Protocol, Reactor, Timer

from ..admission.quiet import tell
from ..admission.rounds import ROUND_TIME
from ..http.server import Request, Response, Upgrade
from . import closing
from .closing import close_payload, cut_reason
from .deflate import frame
from .frames import BINARY, CLOSE, JOINED, MAX_CONTROL, PING, PONG, SHORT, TEXT, Bytes, as_bytes, head, new_key, pack
from .handshake import Agreement
from .limits import BATCH, CLOSING, LATE, LATE_BATCH, MAX_BEHIND, MAX_MAKING, MAX_WAITING, PATIENCE, PIECE, SILENCE
from .outbox import SLICE, Outbox, Work, make, making
from .route import WebSocketRoute
from .unfinished import MAX_UNFINISHED, STEP, unfinished_of
from .wire import MAX_MESSAGE, Close, Event, Failed, Ping, Wire

log = logging.getLogger("protocols.websocket")


class WebSocket(Protocol):
    """One WebSocket, of a server or a client. Subclass it; define `text_received` and `binary_received`.

    `connection_made`, `connection_lost`, `pause_writing` and `resume_writing` are those of every protocol; an override
    of the last three calls them. Settings are attributes of the class, or of what the factory gives.

    >>> from reactor.testing import MemoryReactor
    >>> from protocols.http.server import Server
    >>> from protocols.websocket import connect
    >>> class Echo(WebSocket):
    ...     def text_received(self, text):
    ...         self.send(text)
    >>> class Shown(WebSocket):
    ...     def text_received(self, text):
    ...         print(text)
    ...         self.close()
    >>> with MemoryReactor() as reactor:
    ...     site = Server(reactor)
    ...     site.route("GET", "/echo", Echo)
    ...     listener = site.listen("127.0.0.1", 8000)
    ...     shown = reactor.run_until(connect(reactor, "ws://127.0.0.1:8000/echo", Shown, proxy=False))
    ...     shown.send("hello")
    ...     reactor.settle()
    ...     print(shown.close_code)
    hello
    1000
    """

    subprotocols: Sequence[str] = ()
    """Which a server's WebSocket can speak; the first of the client's that is among them is `subprotocol`."""
    origins: Collection[str] | None = None
    """Pages of which sites may connect: None only this one, ANY_ORIGIN all; see `handshake.check_origin`."""
    compression = True
    """Agree to permessage-deflate, without context takeover."""
    max_message = MAX_MESSAGE
    """Bytes of the longest message taken, decompressed; a longer one ends the connection with 1009."""
    max_unfinished = MAX_UNFINISHED
    """Bytes of messages begun and not ended, of all WebSockets on the reactor together: beyond them those that hold the
    most are ended (1013). One message of `max_message` always has room."""
    max_waiting = MAX_WAITING
    """Bytes not taken by the peer: when another message is to be sent then, the peer is evicted (1013, seen here only:
    it would stand behind what is not read). Above the transport's high watermark nothing is read from it already."""
    ping_after: float | None = SILENCE
    """Seconds without a byte from the peer until it is pinged. None: never."""
    ping_timeout = PATIENCE
    """Seconds that a byte, any one, may take to come then."""
    close_timeout = CLOSING
    """Seconds for the peer to answer a close."""

    is_client = False
    reactor: Reactor
    transport: Any = None
    subprotocol: str | None = None
    """What was agreed."""
    close_code: int | None = None
    """Once it ends: the peer's code, else ours; 1005: a close without one; 1006: the connection was lost."""
    close_reason = ""

    _open = False  # messages may come and be sent
    _shares = False  # open, not crowded, unmasked: takes the frames that broadcast makes
    _crowded = False  # above the high watermark
    _held = False  # by the program
    _outbox: Outbox | None = None  # while a large message is being made
    _counted = 0  # bytes of a message that has not ended, as the sum over all has them
    _window: int | None = None
    _wire: Wire
    _timer: Timer | None = None
    _heard = _began = 0.0  # when the round of the last byte began; a microsecond before the handshake was done
    _pinged: float | None = None

    # -- to be defined ----------------------------------------------------------------------------------------------

    def request_received(self, request: Request) -> None:
        """On a server, before the answer: keep what you need of the request, or raise `Refusal`."""

    def text_received(self, text: str) -> None:
        """A text message. Unless defined, it is refused with 1003."""
        self.close(closing.UNSUPPORTED, "no text is taken here")

    def binary_received(self, data: bytes) -> None:
        """A binary message. Unless defined, it is refused with 1003."""
        self.close(closing.UNSUPPORTED, "only text is taken here")

    def pong_received(self, payload: bytes) -> None:
        """The answer to a ping, or one that nobody has asked for."""

    # -- to be called -----------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Between `connection_made` and the first close, of either side."""
        return self._open

    def send(self, message: str | Bytes) -> None:
        """Send a text message (str) or a binary one (bytes). Ignored once the close has begun."""
        shares = self._shares  # first: it is nearly always true, and implies that the socket is open and not crowded
        if not shares and (not self._open or (self._crowded and not self._has_room())):
            return
        if isinstance(message, str):
            opcode, payload = TEXT, message.encode()
        else:
            opcode, payload = BINARY, as_bytes(message)
        size = len(payload)
        if shares and size < 126:
            self.transport.write(SHORT[opcode][size] + payload)
        elif self.is_client or self._outbox is not None or (size > SLICE and self._window):
            self._post(self._make(opcode, payload))
        elif size <= JOINED or self._window or self.transport.get_write_buffer_size():
            self.transport.write(frame(opcode, payload, self._window))
        else:
            # Nothing waits, so the head alone never passes the watermark: otherwise `pause_writing` would be called
            # between head and payload, and might send something there.
            self.transport.write(head(opcode, size))
            self.transport.write(payload)

    def ping(self, payload: bytes = b"") -> None:
        """Ask for a pong with the same payload, at most 125 bytes."""
        if len(payload) > MAX_CONTROL:
            raise ValueError(f"the payload of a ping has {len(payload)} bytes; it may have {MAX_CONTROL}")
        if self._open:
            self._control(PING, payload)

    def close(self, code: int = closing.NORMAL, reason: str = "") -> None:
        """Say our end; the connection ends when the peer has said its, or after `close_timeout`. Harmless twice.

        Messages that still come are dropped. Raises ValueError for a code that must not be sent, or a reason of more
        than 123 bytes.
        """
        payload = close_payload(code, reason)
        if self._open:
            self.close_code, self.close_reason = code, reason
            self._say_close(payload)
            self._arm(self.close_timeout)

    def pause_reading(self) -> None:
        """Deliver no more messages until `resume_reading`; the peer is held back by TCP. Harmless twice."""
        self._held = True
        self._watch()

    def resume_reading(self) -> None:
        """Deliver again; never from inside this call. Harmless twice."""
        self._held = False
        self._watch()

    @classmethod
    def upgrade(cls, request: Request) -> Upgrade | Response:
        """What makes the class a handler of `protocols.http.Server`'s routes: see `WebSocketRoute`."""
        return WebSocketRoute(cls).upgrade(request)

    # -- the connection ---------------------------------------------------------------------------------------------

    def begin(self, reactor: Reactor, transport: Any, agreed: Agreement, data: bytes = b"") -> BaseException | None:
        """The handshake is done: take the transport over, and what came behind it. Gives as `switch_protocol` does."""
        self.reactor, self.transport = reactor, transport
        self.subprotocol = agreed.subprotocol
        self._window = agreed.window
        inflates = agreed.window is not None
        self._wire = Wire(client=self.is_client, inflates=inflates, max_message=self.max_message)
        self._open, self._shares = True, not self.is_client
        self._heard = self._began = reactor.time() - 1e-6  # a moment early: a byte that comes at once makes them differ
        if self.ping_after is not None:
            self._arm(self.ping_after)
        fault: BaseException | None = transport.switch_protocol(self, data)
        return fault

    def data_received(self, data: bytes) -> None:
        self._heard = self.reactor.now
        wire = self._wire
        message = wire.short(data) if wire.is_idle else None
        if message is None:
            self._read(data)
        elif self._open:  # `_on_event`, written out
            self.text_received(message) if isinstance(message, str) else self.binary_received(message)

    def _read(self, data: bytes) -> None:
        """What comes, message by message, as long as it has its turn and wants more."""
        left = BATCH if self.reactor.time() < self.reactor.now + ROUND_TIME else LATE_BATCH
        wire, transport = self._wire, self.transport
        if wire.message is not None and wire.message.size >= SLICE and making(self.reactor) > MAX_MAKING:
            return transport.unread(data)  # type: ignore[no-any-return]  # it comes again in the next round
        wire.feed(data, 2 * left)
        delivery = transport.delivery
        while (event := wire.next_event()) is not None:
            self._on_event(event)
            left -= 1 + len(event) // PIECE
            if transport.delivery != delivery or left <= 0:
                if left <= 0 or not transport.is_reading() or transport.get_protocol() is not self:
                    transport.unread(wire.take_rest())
                    break
                delivery = transport.delivery
        if wire.busy:
            transport.unread(wire.take_rest())
        if wire.message is not None or self._counted:
            self._count()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end. A subclass that overrides this calls it."""
        self._open = self._shares = False
        self._forget_outbox()
        self._wire.drop()
        self._count()
        if self.close_code is None:
            self.close_code = closing.ABNORMAL
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def giving_way(self) -> int:
        """From whom no byte, nor a pong, has come since the handshake counts as one between two requests."""
        return 1 if self._heard == self._began else 0

    def pause_writing(self) -> None:
        """The peer takes less than it is sent: nothing more is taken from it. An override calls this."""
        self._crowded = True
        self._watch()

    def resume_writing(self) -> None:
        """It goes on. An override calls this."""
        self._crowded = False
        self._watch()

    def draining(self, grace: float) -> bool:
        """The server goes, and says so; the close may still be answered."""
        self.close(closing.GOING_AWAY)
        return True

    # -- inside -----------------------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        if isinstance(event, (str, bytes)):
            if self._open:
                self.text_received(event) if isinstance(event, str) else self.binary_received(event)
        elif isinstance(event, Close):
            self._on_close(event)
        elif isinstance(event, Failed):
            log.debug("%r closed: %d, %s", self.transport, event.code, event.reason)
            self._fail(event.code, event.reason)
        elif self._open:
            self._control(PONG, event.payload) if isinstance(event, Ping) else self.pong_received(event.payload)

    def _on_close(self, close: Close) -> None:
        """RFC 6455, 7.1.1: it is answered, and the server ends TCP first, so that it is the client that waits."""
        self.close_code, self.close_reason = close
        self._forget_outbox()
        if self._open:
            self._say_close(b"" if close.code == closing.NO_CODE else close_payload(close.code))
        if self.is_client:
            self._arm(self.close_timeout)
        else:
            self.transport.close()

    def _fail(self, code: int, reason: str) -> None:
        """RFC 6455, 7.1.7: say why, and end without waiting for an answer."""
        self._forget_outbox()
        if self._open:
            self.close_code, self.close_reason = code, reason
            self._say_close(close_payload(code, cut_reason(reason)))
        self.transport.close()

    def _count(self) -> None:
        """Tell the sum over all how much the message holds that has not ended."""
        message = self._wire.message
        size = 0 if message is None else message.size
        if abs(size - self._counted) >= STEP or (self._counted and not size):
            self._counted = size
            unfinished_of(self.reactor).count(self, size, max(self.max_unfinished, self.max_message))

    def give_up(self, reason: str) -> None:
        """What has come of a message is dropped at once, and the connection ends with 1013."""
        tell(log, self.reactor, "%r closed: %s", self.transport, reason)
        self._wire.drop()
        self._count()
        self._fail(closing.TRY_LATER, "too much is unfinished")

    def _say_close(self, payload: bytes) -> None:
        if self._outbox is None:
            self._control(CLOSE, payload)
        else:  # behind what was sent before
            self._outbox.add(pack(CLOSE, payload, key=new_key() if self.is_client else None))
        self._open = self._shares = False

    def _control(self, opcode: int, payload: bytes) -> None:
        """At once: a ping and its pong may overtake a message."""
        self.transport.write(pack(opcode, payload, key=new_key() if self.is_client else None))

    def _make(self, opcode: int, payload: bytes) -> bytes | Work:
        return make(self.reactor, opcode, payload, self._window, new_key() if self.is_client else None)

    def _post(self, frame: bytes | Work) -> None:
        """Send what was made, or will be, unless the peer is too slow."""
        if not self._open or (self._crowded and not self._has_room()):
            return
        if self._outbox is None and isinstance(frame, bytes):
            return self.transport.write(frame)  # type: ignore[no-any-return]
        if self._outbox is None:
            self._outbox = Outbox(self._send_made, self._on_made, self.transport.abort)
            self._watch()
        if self._outbox.size <= MAX_BEHIND or self._evict(self._outbox.size, MAX_BEHIND):
            self._outbox.add(frame)

    def _send_made(self, frame: bytes) -> None:
        if not self._crowded or self._has_room():
            self.transport.write(frame)

    def _on_made(self) -> None:
        """Nothing waits to be made any more."""
        self._outbox = None
        self._watch()

    def _forget_outbox(self) -> None:
        outbox, self._outbox = self._outbox, None
        if outbox is not None:
            outbox.drop()

    def _watch(self) -> None:
        """Read on, or not: not while more waits to be sent than the peer takes, or than we can make."""
        busy = self._crowded or self._outbox is not None
        self._shares = self._open and not busy and not self.is_client
        if self._held or busy:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _has_room(self) -> bool:
        waiting = self.transport.get_write_buffer_size()
        return waiting <= self.max_waiting or self._evict(waiting, self.max_waiting)

    def _evict(self, waiting: int, limit: int) -> bool:
        tell(log, self.reactor, "%r evicted: %d bytes waiting, over the limit of %d", self.transport, waiting, limit)
        self.close_code, self.close_reason = closing.TRY_LATER, "too slow"
        self._open = self._shares = False
        self.transport.abort()
        return False

    def _arm(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self.reactor.call_later(seconds, self._on_timer)
        else:
            self._timer.reset(seconds)

    def _on_timer(self) -> None:
        """The next thing that is due: the peer's answer to a close, a ping, the answer to it."""
        transport = self.transport
        if transport.is_closing():
            return
        if not self._open:  # our close was not answered, or is not even said
            return self._arm(self.close_timeout) if self._outbox else transport.close()  # type: ignore[return-value]
        assert self._timer is not None and self.ping_after is not None  # noqa: PT018
        now = self.reactor.time()
        if not transport.is_reading():
            self._heard = now  # what it says waits in the kernel because of us; Timeouts.write bounds that
        if now - self._timer.when > LATE:
            return self._arm(LATE)  # the loop was held up, and has perhaps not read what came meanwhile
        quiet_until = self._heard + self.ping_after
        if now < quiet_until:
            self._pinged = None
            self._arm(quiet_until - now)
        elif self._pinged is None or self._heard >= self._pinged:
            self.ping()
            self._pinged = now
            self._arm(self.ping_timeout)
        else:
            self._on_silence(now - self._heard)

    def _on_silence(self, seconds: float) -> None:
        tell(log, self.reactor, "%r closed: no byte for %.0f s", self.transport, seconds)
        self._fail(closing.INTERNAL_ERROR, "no answer to a ping")
