"""Bodies that go: a stream that the program writes, an iterator that is pulled, a file. Below the watermark, always.

A sender is what a connection has while an answer is under way. It is told to go on when the transport has room, that
the client is gone, and that the server is about to end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol as Interface

from protocols.admission.quiet import tell_bug
from reactor import EXITS, Timer

from .answers import FilePart, Framing, Pieces, as_bytes, discard
from .limits import TURN

log = logging.getLogger("http.server")

_END = object()


class Out(Interface):
    """What a sender needs of its connection."""

    transport: Any
    reactor: Any

    @property
    def full(self) -> bool: ...
    def answered(self) -> None: ...
    def broken(self) -> None: ...


class Sender:
    """The three signs that a connection gives; none of them needs an answer."""

    __slots__ = ()

    def begin(self) -> None:
        """The head is written."""

    def go_on(self) -> None:
        """The transport has room again."""

    def lost(self) -> None:
        """The client is gone."""

    def draining(self) -> None:
        """The server ends within seconds; what can end by itself does."""


class Stream(Sender):
    """An answer that the program writes when it has something to say. Made by `request.respond`."""

    __slots__ = ("_framing", "_out", "ended", "endless", "on_drain", "timer")

    on_drain: Callable[[], Any] | None
    """Called when there is room again after `write` gave False."""
    ended: bool
    """Nothing more is sent: after `end`, and once the client is gone."""

    def __init__(self, out: Out, framing: Framing) -> None:
        self._out = out
        self._framing = framing
        self.on_drain = None
        self.ended = False
        self.endless = False  # when the server ends, so does this: there is no last piece to wait for
        self.timer: Timer | None = None  # of who writes; nothing of it is left once the stream has ended

    def write(self, data: bytes | str) -> bool:
        """Send some of the body. False: enough waits for this client, go on at `on_drain`. Ignored once it ended."""
        if self.ended:
            return False
        piece = self._framing.frame(data.encode() if isinstance(data, str) else as_bytes(data))
        if piece:
            self._out.transport.write(piece)
        return not self._out.full

    def end(self) -> None:
        """The body is complete. Harmless twice."""
        if self.ended:
            return
        last = self._framing.end()
        self._over()
        if last:
            self._out.transport.write(last)
        self._out.answered()

    def abort(self) -> None:
        """Give the client up, with what waits for it."""
        if not self.ended:
            self._out.transport.abort()

    def waiting(self) -> int:
        """Bytes that the client has not taken."""
        size: int = self._out.transport.get_write_buffer_size()
        return size

    def go_on(self) -> None:
        if self.on_drain is not None and not self.ended:
            self.on_drain()

    def lost(self) -> None:
        self._over()

    def draining(self) -> None:
        if self.endless:
            self.end()

    def _over(self) -> None:
        self.ended = True
        if self.timer is not None:
            self.timer.cancel()


class Pull(Sender):
    """Takes pieces of an iterator as the client takes them."""

    __slots__ = ("_out", "_pieces", "_stream")

    def __init__(self, out: Out, pieces: Pieces, stream: Stream) -> None:
        self._out = out
        self._pieces = pieces
        self._stream = stream

    def begin(self) -> None:
        self.go_on()

    def go_on(self) -> None:
        sent = 0
        try:
            while not self._out.full and not self._stream.ended:
                piece: Any = next(self._pieces, _END)
                if piece is _END:
                    discard(self._pieces)
                    return self._stream.end()
                self._stream.write(piece)
                sent += len(piece)
                if sent >= TURN:
                    return self._out.reactor.call_soon(self._take_turn)  # type: ignore[no-any-return]
        except EXITS:
            raise
        except BaseException as error:
            text = "exception in the iterator of an answer, which is cut off"
            tell_bug(log, self._out.reactor, error, text)
            self._out.broken()

    def _take_turn(self) -> None:
        if not self._stream.ended:
            self.go_on()

    def lost(self) -> None:
        self._stream.lost()
        discard(self._pieces)


class SendFile(Sender):
    """A part of a file, copied by the kernel where it can."""

    __slots__ = ("_out", "_part")

    def __init__(self, out: Out, part: FilePart) -> None:
        self._out = out
        self._part = part

    def begin(self) -> None:
        file, offset, count = self._part
        self._out.transport.sendfile(file, offset, count).add_done_callback(self._done)

    def _done(self, future: Future[int]) -> None:
        """On the loop; a file that became shorter has ended the connection, which is logged by the transport."""
        discard(self._part)
        if not future.cancelled() and future.exception() is None:
            self._out.answered()
