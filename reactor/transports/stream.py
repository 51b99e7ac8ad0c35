"""The stream transport: one machine for every carrier. Owns a connection from accept or connect to connection_lost.

A carrier is anything that behaves as a non-blocking socket: `recv recv_into send shutdown close fileno`, raising
BlockingIOError for "not now". TCP and Unix sockets are used as they are, so the hot path has no frame to spare:

    poller -> _on_ready -> sock.recv -> protocol.data_received -> write (queue, mark dirty) -> _on_flush -> sock.send

Small writes are queued and leave once a tick, in one send. A write of SEND_NOW or more with nothing queued before it
is sent at once: holding a hundred replies of 10 KiB until the end of the tick costs 40 % more (cache and heap).

Nothing here calls the protocol from inside `write`, `close` or `abort`, but for `pause_writing`: what they find out
(a dead peer, a passed limit) is told by `connection_lost` at the end of the tick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..boundary import EXITS
from ..loop.futures import Promise
from ..loop.poller import EDGE, READ, WRITE
from ..sockets.carrier import reads_all
from .buffered import feed, receive_into
from .discarding import discard
from .lanes import DISCARDING, ENDED, FINISHING, OPEN, OPENING, READING, SHUT
from .outbound import Outbound
from .reads import FIRST_READ, SMALL, more
from .slots import NO_SLOTS, SLOTS
from .switch import switch

if TYPE_CHECKING:
    import ssl


class Stream(Outbound):
    """All of a stream transport but its slots."""

    __slots__ = NO_SLOTS

    def _start(self) -> None:
        if reads_all(self._sock):  # TCP: a short read empties it; and it has no handshake
            self._edge = EDGE
            self._open()
        else:
            super()._start()

    def _on_ready(self, events: int) -> None:
        """The poller found us readable, writable, hung up or broken."""
        if events != READ or not self._plain_read:
            return self._on_ready_otherwise(events)
        try:
            data = self._sock.recv(self._read_size)
        except BlockingIOError:
            self._loop.meter.eagains += 1
        except EXITS:
            raise
        except BaseException as exc:
            self._on_broken(exc)
        else:
            if size := len(data):
                self.bytes_in += size
                self._stamp = self._loop.now
                try:
                    self._protocol.data_received(data)
                except EXITS:
                    raise
                except BaseException as exc:
                    self._blame(exc, "data_received")
                if size > SMALL:
                    self._on_large_read(size)
            else:
                self._on_eof()

    def _on_ready_otherwise(self, events: int) -> None:
        """More than input, or input that does not go straight to `data_received`."""
        if events == WRITE or not self._interest & READ:
            # Nothing to read: output, or a hang-up, which is told unasked. What waits to be sent will find it.
            self._loop.meter.other_events += 1
        elif events != READ:
            self._on_ready(READ)  # first the input, as if it came alone
        elif self._in is DISCARDING:
            discard(self)
        else:
            receive_into(self)
        if events != READ and (self._size or self._out is FINISHING):
            self._flush()
        if self._interest & EDGE:
            self._watch_level()  # more room, the end or urgent data would not be told again

    def _on_large_read(self, size: int) -> None:
        """A read so large that it may have left some."""
        if self._plain_read:  # it has taken all and did not pause, so its reads may be larger
            self._read_size = more(self._read_size, size)
        if self._edge:
            self._watch_level()

    def pause_reading(self) -> None:
        """Deliver no more until `resume_reading`; the peer is held back by TCP. Harmless twice."""
        self._loop.runner.check()
        self.delivery += 1
        self._in = self._in.pause
        self._watch_input()

    def resume_reading(self) -> None:
        """Deliver again; never from inside this call. Harmless twice."""
        self._loop.runner.check()
        self._in = self._in.resume
        if self._unread:
            self._loop.call_soon(self._redeliver)
        else:
            self._watch_input()

    def is_reading(self) -> bool:
        """True unless paused, closing, at the peer's end, or in the handshake of `start_tls`."""
        return self._in is READING and self._upgrade is None

    def unread(self, data: bytes) -> None:
        """Give back the end of what `data_received` was given: it comes again, first, in the next `soon` step.

        This is how a framer stops in the middle of a batch, because the program paused, closed, changed the protocol,
        or because the batch is long. Meanwhile nothing is read from the peer, so nothing piles up.
        """
        if data and not self._in.is_leaving:
            self._loop.runner.check()
            self._unread = data + self._unread
            self._read_size = FIRST_READ
            self._watch_input()
            self._loop.call_soon(self._redeliver)

    def switch_protocol(self, protocol: Any, data: bytes = b"") -> BaseException | None:
        """Give the connection to another protocol, which begins: it hears `connection_made`, then `data`, first of all.

        For an upgrade, a tunnel, a choice by the first line: `data` is what the former protocol was given and is not
        its own; a framer gives its rest back by itself. The former one hears nothing more, `connection_lost` neither;
        reading goes on where it had paused. A peer that has said its end, or takes no more, is told of to the new one.

        None: it is the new one's. What its `connection_made` raises ends the connection, is logged as ever, and comes
        back; so does a ConnectionAbortedError if the connection is ending already: then nobody hears anything.
        """
        self._loop.runner.check()
        return switch(self, protocol, data)

    def _resume(self) -> None:
        super()._resume()
        if self._unread:
            self._loop.call_soon(self._redeliver)

    def _redeliver(self) -> None:
        if self._in is not READING or not self._unread or self._upgrade is not None or self._phase is OPENING:
            return
        data, self._unread = self._unread, b""
        try:
            if self._buffered:
                feed(self, data)
            else:
                self._protocol.data_received(data)
        except EXITS:
            raise
        except BaseException as exc:
            self._blame(exc, "buffer_updated" if self._buffered else "data_received")
        else:
            self._watch_input()

    def _on_eof(self) -> None:
        self._in = self._in.eof
        self._plain_read = False
        self._watch(self._interest & WRITE)  # for input there is nothing left to wait for
        try:  # `_callback`, written out: most connections come by here
            stays = self._protocol.eof_received()
        except EXITS:
            self._leave()  # nobody would ever look at it again
            raise
        except BaseException as exc:
            return self._blame(exc, "eof_received")
        # Not ENDED: the callback gave the connection to another protocol, which will be told of the end itself.
        if stays or self._in is not ENDED:
            self._check_phase()
        elif self._phase is OPEN:
            self._leave()

    def start_tls(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Promise[StreamTransport]:
        """Encrypt from here on, on the same connection and protocol (STARTTLS). Gives a future of this transport.

        What was written before leaves in the clear first; what is written after waits for the handshake. Nothing is
        delivered until then: whatever came in the clear and was not handled yet is taken for the peer's handshake,
        which it then breaks, so nobody can slip a command in (RFC 3207, 6). `timeout` is `Timeouts.handshake` unless
        given. A handshake that fails ends the connection; the future holds ssl.SSLError, OSError or HandshakeTimeout.
        """
        from .upgrade import upgrade  # it loads OpenSSL

        return upgrade(self, context, server_side, server_hostname, timeout)

    def close(self) -> None:
        """Send all that was written, say our end, wait for the peer's; at most `Timeouts.close`. Harmless twice.

        Nothing more is delivered; what the peer still sends is read and dropped, so that no reset cuts off our bytes.
        A handshake that is under way is given up, unless something was written already.
        """
        self._loop.runner.check()
        if self.is_closing():
            return self._loop._check_process()
        if self._phase is OPENING and not self._size:
            return self._end(None)
        self._leave()

    def _leave(self) -> None:
        """What `close` does once nothing speaks against it; after the peer's end too."""
        self.delivery += 1
        self._in, self._out = self._in.close, self._out.finish
        self._unread = b""
        if not self._size and self._out is not SHUT:
            self._shut()
        if self._in is DISCARDING:
            self._watch_input()
        self._check_phase()


class StreamTransport(Stream):
    """One connection. Made by listeners and connectors; protocols get it in `connection_made`."""

    __slots__ = SLOTS
