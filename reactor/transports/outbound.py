"""The lane out: what is written waits here, leaves once a tick, and presses back when the peer is slow."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import IO

from ..boundary import EXITS
from ..errors import LimitExceeded
from ..loop.budget import STEP
from ..loop.futures import Promise
from ..loop.poller import WRITE
from ..protocol import Bytes
from ..sockets.carrier import can_write_eof
from .buffers import copied, gather
from .connection import Connection
from .lanes import CLOSED, DISCARDING, FINISHING, FLOWING, FULL, OPEN, OPENING
from .slots import NO_SLOTS
from .watermarks import least

SEND_NOW = 4096  # bytes from which sending at once beats waiting for the flush
JOIN_ALL = 64 * 1024  # bytes of chunks that are joined without a look at each


class Outbound(Connection):
    """A connection that can be written to."""

    __slots__ = NO_SLOTS

    def write(self, data: Bytes) -> None:
        """Send `data`, after all that was written before. Never blocks; `bytearray` and `memoryview` are copied.

        After `close` or loss it is ignored and counted. Raises RuntimeError after `write_eof`.
        """
        if type(data) is not bytes:
            data = copied(data)
        if (self._out is not FLOWING and not self._may_write()) or not data:
            return
        if self._first is None:
            if self._loop.asleep:  # then it is not the loop's thread that writes
                self._loop.runner.check()
            if (size := len(data)) < SEND_NOW:
                self._first = data
                self._size = size
                self._loop.dirty.append(self)
            else:
                self._send_now(data, size)
        else:
            self._later.append(data)
            self._size = waiting = self._size + len(data)
            if waiting > self._notice_at:
                self._on_crowded()

    def _send_now(self, data: bytes, size: int) -> None:
        """A large write, nothing before it: a copy of `_on_flush` for one chunk, to save 700 instructions."""
        self._first = data
        self._size = size
        self._loop.meter.flushes += 1
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            self._loop.meter.eagains += 1
            sent = 0
        except EXITS:
            raise
        except BaseException as exc:
            return self._on_broken(exc)
        self.bytes_out += sent
        self._stamp = self._loop.now
        if sent == self._size:
            self._first = None
            self._size = 0
        else:
            self._keep_rest(data, 1, sent)
            self._on_blocked(sent)
        if self._out is not FLOWING:
            self._settle()

    def _flush(self) -> None:
        """`_on_flush` at another time than step 5, which counts its own."""
        self._loop.meter.flushes += 1
        self._on_flush()

    def _on_flush(self) -> None:
        """Step 5 of the tick, or the peer takes bytes again: one send, and what follows from it."""
        data, count = self._first, 1
        if data is None:
            self._loop.meter.empty_flushes += 1
        else:
            try:
                if self._later:
                    chunks = [data, *self._later]
                    if self._size <= JOIN_ALL:
                        data, count = b"".join(chunks), len(chunks)
                    else:
                        data, count = gather(chunks)
                    self._loop.meter.joined += count - 1
                sent = self._sock.send(data)
            except BlockingIOError:
                self._loop.meter.eagains += 1
                sent = 0
            except EXITS:
                raise
            except BaseException as exc:
                return self._on_broken(exc)
            self.bytes_out += sent
            self._stamp = self._loop.now
            if sent == self._size:
                self._first, self._size = None, 0
                if count > 1:
                    self._later.clear()
                if self._blocked:
                    self._on_unblocked()
            else:
                self._keep_rest(data, count, sent)
                self._on_blocked(sent)
        if self._out is not FLOWING:
            self._settle()

    def _keep_rest(self, data: Bytes, count: int, sent: int) -> None:
        """Only `sent` bytes have left, and more waits. `data` is the first `count` chunks, joined."""
        self._size -= sent
        del self._later[: count - 1]
        if sent == len(data):
            self._first = self._later.pop(0)
        else:
            self._first = memoryview(data)[sent:]
            self._loop.meter.joined -= 1  # it counts again as one, with the send of the rest

    def _settle(self) -> None:
        """What was sent may let the writer go on, or be the last of it."""
        if self._out is FULL:
            if self._size <= self._low:
                self._out = FULL.drain
                self._callback("resume_writing")
        elif self._out is FINISHING and not self._size:
            self._shut()
            self._check_phase()

    def writelines(self, chunks: Iterable[Bytes]) -> None:
        """Write many chunks as one."""
        self.write(b"".join(chunks))

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> Promise[int]:
        """Send a file, or `count` bytes of it, behind all that was written before and before all that is written later.

        Gives a future of the bytes sent. Without `count` the file is sent as long as it is now; one that turns out
        shorter ends the connection with FileTruncated, which the future holds too: the peer must not take a part for
        the whole. Keep the file open until then; its position is left alone where it is a regular file. The kernel
        copies from the file to a TCP or Unix socket by itself; other carriers, TLS above all, are given 64 KiB at a
        time. Reading blocks the loop for as long as the disk takes. While a file is being sent the timeouts `write`
        and `close` begin anew with each piece that leaves, so a long download is not cut.

        >>> import io
        >>> from reactor import Protocol
        >>> from reactor.testing import Recorder, connected_pair
        >>> client = Recorder()
        >>> with connected_pair(client, Protocol()) as pair:
        ...     sent = pair.b.sendfile(io.BytesIO(b"of a file"), offset=3)
        ...     pair.b.write(b", then more")
        ...     pair.settle()
        ...     sent.result(), client.data
        (6, b'a file, then more')
        """
        self._loop.runner.check()
        from .files import send_file

        return send_file(self, file, offset, count)

    def _may_write(self) -> bool:
        if self._out is FULL:
            return True
        if self._in is not DISCARDING and self._phase in (OPENING, OPEN):
            raise RuntimeError("write() after write_eof()")
        self._loop._check_process()
        self._loop.meter.ignored_writes += 1
        return False

    def _resume(self) -> None:
        if self._size or self._out is not FLOWING:
            self._on_unblocked()
            self._loop.dirty.append(self)

    def _on_crowded(self) -> None:
        if self._blocked:
            self._press_back()
        else:
            self._flush()  # nothing has refused it so far: perhaps it need not wait at all

    def _on_unblocked(self) -> None:
        self._soft_since = None
        self._notice_at = least(self._high, self._limits)
        self._loop.budget.release(self)
        self._watch(self._interest & ~WRITE)

    def _press_back(self) -> None:
        """The peer does not take what waits, and there is more of it than when we last looked."""
        limits, size = self._limits, self._size
        if limits.output is not None and size > limits.output:
            return self._lose(LimitExceeded(f"{size} bytes of output waiting, over the limit of {limits.output}"))
        if limits.output_soft is not None and size > limits.output_soft and self._soft_since is None:
            self._soft_since = self._loop.now
            self._loop.wheel.arm(self, self._loop.now, self._loop.now + limits.output_soft_seconds)
        if size > self._high and self._out is FLOWING and self._phase is not OPENING:
            self._out = FLOWING.fill
            self._callback("pause_writing")
        self._book()

    def _book(self) -> None:
        if self._phase is not CLOSED:
            bounds = (self._high, self._limits.output, self._limits.output_soft)
            ahead = (bound for bound in bounds if bound is not None and bound >= self._size)
            self._notice_at = min([self._size + STEP, *ahead])  # what must be noticed next
            self._loop.budget.book(self, self._size)

    def _on_blocked(self, sent: int) -> None:
        """Something is left: wait for the peer, with a deadline, and press back on the writer."""
        if self._soft_since is not None and self._size <= (self._limits.output_soft or 0):
            self._soft_since = None
        if sent or not self._blocked:
            self._moved = self._loop.now
        if not self._blocked:
            self._watch(self._interest | WRITE)
            if self._timeouts.write is not None and self._phase is OPEN:
                self._loop.wheel.arm(self, self._loop.now, self._moved + self._timeouts.write)
        if self._phase is not CLOSED:
            self._press_back()

    def can_write_eof(self) -> bool:
        """True: every carrier of a stream has a half-close, or says so itself."""
        return can_write_eof(self._sock)

    def write_eof(self) -> None:
        """Say our end to the peer once all that was written is sent; go on reading. Harmless twice."""
        self._loop.runner.check()
        if self._out.is_leaving:
            return self._loop._check_process()
        self._out = self._out.finish
        if not self._size:
            self._shut()
        self._check_phase()

    def _shut(self) -> None:
        if self._phase is OPENING or (self._upgrade is not None and self._in is not DISCARDING):
            return  # a handshake needs both ways, and comes back to here; a close needs no handshake
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return self._on_blocked(0)  # the carrier has a last word of its own: close_notify
        except OSError:
            pass  # the peer is gone already: reading will tell
        if self._blocked:
            self._on_unblocked()
        self._out = self._out.sent
        self._stamp = self._loop.now
