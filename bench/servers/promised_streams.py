"""The connections of promises.py, each promise in the cheapest way that is known. Knows no clock and no listeners.

A message pays for few of them, since a state is a value that it looks at anyhow:

- who does not read asks for no bytes (`room`), and Python then gives none without asking the kernel;
- who may not send always has something that waits (`first`), so that what is written behind it is looked at (`bound`);
- who has been closed talks to NOBODY, who drops what comes;
- the loop asleep has another list of who has written: who finds it is another thread;
- epoll tells of a connection once (EDGE) until a read may have left something, and need not look again in each poll;
- an event is a hint, and what a receive or a send says counts: its number may be another's within a batch;
- a silence is counts that stay the same, so there is no stamp of time.
"""

import select
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from socket import SHUT_WR, SO_LINGER, SOL_SOCKET
from typing import Any

from servers import contract

READ, WRITE = select.EPOLLIN, select.EPOLLOUT
EDGE = select.EPOLLRDHUP | select.EPOLLPRI  # tell once; and of these two, of which a short read says nothing
FIRST_READ, MORE_READ = 16 * 1024, 120 * 1024  # bytes of a read: at first, and once one was over SMALL
SMALL, SEND_NOW = contract.SMALL, contract.SEND_NOW
HIGH, OUTPUT = 64 * 1024, 64 << 20  # bytes that wait: from which a writer is told to pause, and at most
JOINED = 64 * 1024  # bytes of a first chunk to which others are joined: more would be copied time and again
IDLE, STALLED, CLOSING = 300.0, 60.0, 30.0  # seconds without a byte: usually, with output that waits, once closed
EXITS = (KeyboardInterrupt, SystemExit)
RESET = struct.pack("ii", 1, 0)
FLOWING, FULL, LEAVING, SHUT, OVER = range(5)  # of the lane out
READING, PAUSED, ENDED = range(3)  # of the lane in


class Protocol(contract.Protocol):
    """What the framework calls besides."""

    def eof_received(self) -> bool | None: ...  # true: our end comes later
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


class Asleep(list):
    """Who has written while the loop sleeps."""

    def append(self, transport: "Transport") -> None:
        transport.first = None
        raise RuntimeError("written in another thread than the loop's: use call_soon")


class Transport:
    """One connection."""

    __slots__ = ("behind", "bound", "bytes_in", "bytes_out", "edge", "fd", "first", "hearer", "interest", "lane_in",
                 "lane_out", "more", "moved", "peername", "protocol", "rest", "room", "since", "sock")  # fmt: skip

    def __init__(self, sock: Any, fd: int, protocol: Any, peername: Any) -> None:
        self.sock, self.fd, self.peername = sock, fd, peername
        self.protocol = self.hearer = protocol  # who hears of the end, and who of input
        self.lane_in, self.lane_out, self.interest, self.edge = READING, FLOWING, READ | EDGE, EDGE
        self.room = FIRST_READ  # bytes to ask for; none unless it reads
        self.first: Any = None  # what waits to be sent; "" while that is not to be tried
        self.rest = memoryview(b"")  # what a slow peer has not taken
        self.more: list[bytes] = []  # what waits behind it
        self.behind, self.bound = 0, HIGH  # bytes of that, and up to which nobody need look
        self.bytes_in = self.bytes_out = self.moved = 0  # `moved`: both, when somebody last looked
        self.since = now  # when that was, or something else that begins a silence

    def write(self, data: Any) -> None:
        """As contract's. After `close` it is ignored; RuntimeError after `write_eof`, and in another thread."""
        if type(data) is not bytes:
            data = copied(data)
        if self.first is not None:
            self.more.append(data)
            self.behind += len(data)
            if self.behind > self.bound:
                self.crowd()
        elif len(data) < SEND_NOW or written is asleep:
            self.first = data
            written.append(self)
        else:  # as in `flush`, which would be a call
            try:
                sent = self.sock.send(data)
            except BlockingIOError:
                sent = 0
            except EXITS:
                raise
            except BaseException as exc:
                return self.end(exc)
            self.bytes_out += sent
            if sent != len(data):
                self.block(memoryview(data)[sent:])

    def crowd(self) -> None:
        """More waits than may without a look; or nothing may."""
        if self.lane_out >= LEAVING:
            self.behind -= len(self.more.pop())
            if self.lane_out < OVER and self.hearer is not NOBODY:
                raise RuntimeError("write() after write_eof()")
        elif self.interest & WRITE:
            self.press()
        else:
            flush((self,))  # nothing has refused it so far; it stays in `written`, with nothing to be sent

    def block(self, rest: memoryview) -> None:
        """The peer is slow: go on once it takes more."""
        self.first, self.rest, self.since, self.edge = "", rest, now, 0
        self.watch(self.interest & READ | WRITE)
        self.press()

    def press(self) -> None:
        """Whoever writes is told that much waits. Who does not heed it loses the connection."""
        waiting = len(self.rest) + self.behind
        if waiting > OUTPUT:
            return self.end(BufferError(f"{waiting} bytes wait for a peer that does not take them"))
        if waiting > HIGH and self.lane_out is FLOWING:
            self.lane_out = FULL
            self.call(self.protocol.pause_writing)
        if self.lane_out < LEAVING:
            self.bound = (HIGH if self.lane_out is FLOWING else OUTPUT) - len(self.rest)

    def on_other(self, event: int) -> bool:
        """More than input: the peer takes more, has ended, or is gone, which a send or a receive will tell."""
        if self.interest & WRITE:
            self.go_on()
        if self.edge:
            again.append(self)  # the end may stand behind what comes now
        return False

    def go_on(self) -> None:
        """Send more of what the peer has not taken."""
        if self.more and len(self.rest) <= JOINED:
            self.rest, self.behind = memoryview(b"".join([self.rest, *self.more])), 0
            self.more.clear()
        try:
            sent = self.sock.send(self.rest)
        except BlockingIOError:
            return
        except OSError as exc:
            return self.end(exc)
        self.bytes_out += sent
        self.rest = self.rest[sent:]
        if not (self.rest or self.more):
            self.unblock()

    def unblock(self) -> None:
        """The peer has taken all."""
        self.watch(self.interest & READ)
        if self.lane_out is LEAVING:
            return self.shut()
        self.first, self.bound = None, HIGH
        if self.lane_out is FULL:
            self.lane_out = FLOWING
            self.call(self.protocol.resume_writing)

    def pause_reading(self) -> None:
        if self.lane_in is READING:
            self.lane_in, self.room = PAUSED, 0
            self.watch(self.interest & WRITE)

    def resume_reading(self) -> None:
        if self.lane_in is PAUSED:
            self.lane_in, self.room = READING, FIRST_READ
            self.watch(self.interest | READ | self.edge)

    def on_nothing(self) -> None:
        """A receive has brought nothing: the peer's end, unless nothing was asked for."""
        if self.room:
            self.lane_in, self.room = ENDED, 0
            self.watch(self.interest & WRITE)
            try:
                stays = self.hearer.eof_received()
            except EXITS:
                raise
            except BaseException as exc:
                return self.blame(exc)
            if not stays or self.lane_out is SHUT:
                self.close()

    def write_eof(self) -> None:
        """Say our end once all is sent, and go on reading."""
        if self.lane_out < LEAVING:
            self.lane_out, self.bound = LEAVING, -1
            if self.first is None:
                self.shut()
            elif not self.interest & WRITE:
                leaving.append(self)

    def close(self) -> None:
        """The same, and wait for the peer's end: what it still sends is dropped, so that no reset takes our bytes."""
        if self.hearer is not NOBODY:
            self.hearer, self.since = NOBODY, now
            if self.lane_in is PAUSED:
                self.resume_reading()
            self.write_eof()
        if self.lane_in is ENDED and self.lane_out is SHUT:
            self.end(None)

    def shut(self) -> None:
        """All is sent: say our end. If it is the last word, this is over."""
        self.first, self.lane_out = "", SHUT
        try:
            self.sock.shutdown(SHUT_WR)
        except OSError:
            pass  # the peer has gone: a receive will tell
        if self.lane_in is ENDED:
            self.end(None)

    def abort(self) -> None:
        self.end(None)

    def end(self, exc: BaseException | None) -> None:
        """Now. The protocol hears of it, and the descriptor is closed, at the end of the round."""
        if self.lane_out is not OVER:
            if self.first or self.rest:
                self.sock.setsockopt(SOL_SOCKET, SO_LINGER, RESET)  # an end would pass off a part as the whole
            self.lane_in, self.room, self.lane_out, self.bound, self.first = ENDED, 0, OVER, -1, ""
            self.more.clear()
            if self.interest:
                self.watch(0)
            ended.append((self, exc))

    def watch_level(self) -> None:
        """From now on be told as long as there is anything."""
        self.edge = 0
        self.watch(self.interest & ~EDGE)

    def watch(self, interest: int) -> None:
        """Have epoll tell of this. Of no interest it must not know, since it tells of a hang-up unasked."""
        held, self.interest = self.interest, interest
        if interest == held:
            return
        mask = interest | select.EPOLLET if interest & EDGE else interest
        try:
            if not interest:
                poller.unregister(self.fd)
            elif held:
                poller.modify(self.fd, mask)
            else:
                poller.register(self.fd, mask)
        except OSError as exc:  # others have closed it, or the system can watch no more
            self.end(exc)

    def call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except EXITS:
            raise
        except BaseException as exc:
            self.blame(exc)

    def blame(self, exc: BaseException) -> None:
        """A callback has raised."""
        sys.excepthook(type(exc), exc, exc.__traceback__)
        self.end(exc)

    def look(self) -> None:
        """Is it silent for too long?"""
        limit = CLOSING if self.hearer is NOBODY else STALLED if self.interest & WRITE else IDLE
        moved = self.bytes_in + self.bytes_out
        if moved != self.moved:
            self.moved, self.since = moved, now
        elif now - self.since >= limit:
            self.end(TimeoutError(f"no byte in or out for {limit} s"))


def copied(data: Any) -> bytes:
    """What may change is copied."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"write() takes bytes, not {type(data).__name__}")
    return bytes(data)


NOBODY = Protocol()
poller = select.epoll()
handlers: dict[int, Any] = {}  # by descriptor: connections, and whatever else has `on_other`
awake: list[Transport] = []  # who has written in this round
asleep = Asleep()
written = awake
leaving: list[Transport] = []  # whose end is to be said once all is sent
again: list[Transport] = []  # of whom epoll is to tell again
ended: list[tuple[Transport, BaseException | None]] = []
peers: Counter[str] = Counter()  # connections by address, where those are limited
waiting: list[Any] = []  # who accepts, once somebody has gone
now = 0.0  # when this round began


def receive(events: Iterable[tuple[int, int]]) -> None:
    """What came goes to the protocols. Who is no connection registers for more than READ, and is not taken for one."""
    for fd, event in events:
        transport = handlers[fd]
        if event != READ and transport.on_other(event):
            continue
        try:
            data = transport.sock.recv(transport.room)
        except BlockingIOError:
            continue
        except EXITS:
            raise
        except BaseException as exc:
            transport.end(exc)
            continue
        if data:
            size = len(data)
            transport.bytes_in += size
            if size > SMALL:  # and then it may not be all
                transport.room = MORE_READ
                transport.watch_level()
            try:
                transport.hearer.data_received(data)
            except EXITS:
                raise
            except BaseException as exc:
                transport.blame(exc)
            del data  # as in contract
        else:
            transport.on_nothing()


def flush(transports: Iterable[Transport]) -> None:
    """What was written leaves: one send for each connection."""
    for transport in transports:
        try:
            data = transport.first
            if transport.more:
                data = b"".join([data, *transport.more])
                transport.more.clear()
                transport.behind = 0
            sent = transport.sock.send(data)
        except BlockingIOError:
            sent = 0
        except EXITS:
            raise
        except BaseException as exc:
            if transport.first:  # else there was nothing to be tried, since it has left meanwhile
                transport.end(exc)
            continue
        transport.bytes_out += sent
        if sent == len(data):
            transport.first = None
        else:
            transport.block(memoryview(data)[sent:])


def reap() -> None:
    """What a round leaves to its end: our ends are said, others' heard of, and descriptors closed."""
    while leaving:
        transport = leaving.pop()
        if transport.first is None:
            transport.shut()
    while again:
        transport = again.pop()
        if transport.room:
            transport.watch_level()
    while ended:
        transport, exc = ended.pop()
        try:
            transport.protocol.connection_lost(exc)
        except EXITS:
            raise
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            transport.protocol = transport.hearer = NOBODY
            if handlers.get(transport.fd) is transport:
                del handlers[transport.fd]
                transport.sock.close()
            else:
                transport.sock.detach()
            if peers:
                forget(transport.peername[0])
            if waiting:
                waiting[0].resume()


def forget(address: str) -> None:
    """One less of it."""
    peers[address] -= 1
    if not peers[address]:
        del peers[address]
