"""A TCP socket in memory, shaped like `socket.socket`: the manners of Linux with no kernel behind them.

What each call gives in each state is that of tcp(7) and net/ipv4/tcp.c; a test walks through random calls beside a
pair of real sockets and compares. Never blocks: BlockingIOError instead, whatever `setblocking` was told.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Protocol as Interface

from ..loop.poller import READ, WRITE

ERROR = 8  # select.EPOLLERR
HANG_UP = 16  # select.EPOLLHUP
PEER_END = 0x2000  # select.EPOLLRDHUP
CAPACITY = 64 * 1024  # bytes that wait in one direction until send refuses more: small, so that backpressure is met

_TCP_INFO = getattr(socket, "TCP_INFO", None)
_ESTABLISHED, _CLOSE = 1, 7  # tcp_states.h


class State(Enum):
    FRESH = auto()
    LISTENING = auto()
    CONNECTING = auto()
    CONNECTED = auto()
    OVER = auto()  # reset, refused, or ended both ways
    CLOSED = auto()  # the descriptor is given back


FRESH, LISTENING, CONNECTING = State.FRESH, State.LISTENING, State.CONNECTING
CONNECTED, OVER, CLOSED = State.CONNECTED, State.OVER, State.CLOSED


class Wire:
    """Carries segments one way between two sockets, in order. This one does it at once."""

    def carry(self, arrive: Callable[..., None], *args: Any) -> None:
        """Call `arrive(*args)` where the segment arrives."""
        arrive(*args)


class Machine(Interface):
    """What a socket asks of the machine it lives on."""

    capacity: int

    def open(self, sock: MemorySocket) -> int: ...
    def release(self, fd: int) -> None: ...
    def bind(self, sock: MemorySocket, address: Any) -> None: ...
    def listen(self, sock: MemorySocket) -> None: ...
    def unlisten(self, sock: MemorySocket) -> None: ...
    def connect(self, sock: MemorySocket, address: Any) -> int: ...


def fault(number: int) -> OSError:
    """The OSError that the kernel would give."""
    return OSError(number, os.strerror(number))


class MemorySocket:
    """One end of a connection, or a listening socket."""

    def __init__(self, machine: Machine, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> None:
        self.machine = machine
        self.family = family
        self.type = kind
        self.proto = 0
        self.reads_all = True
        self.state = FRESH
        self.local: Any = ("::", 0, 0, 0) if family == socket.AF_INET6 else ("0.0.0.0", 0)
        self.remote: Any = None
        self.peer: MemorySocket | None = None
        self.wire = self.back = Wire()  # to the peer, and from it
        self.on_change: Callable[[], None] | None = None  # the poller's, while it watches
        self.capacity = machine.capacity
        self._fd = -1  # one that waits to be accepted has none
        self._received = bytearray()
        self._coming = 0  # bytes on the wire to us: they fill the window as those in the buffer do
        self._ended = False  # the peer's FIN is here
        self._read_shut = False
        self._write_shut = False
        self._error = 0
        self._resets = False  # SO_LINGER with 0 s
        self._options: dict[tuple[int, int], Any] = {}
        self._backlog = 0
        self._queue: deque[MemorySocket] = deque()  # connected, not accepted
        self._waiting: deque[MemorySocket] = deque()  # clients for whom the queue has no room

    # -- bytes --------------------------------------------------------------------------------------------------

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Up to `size` bytes; b"" at the peer's end. flags: MSG_PEEK leaves them there."""
        received = self._received
        if not received:
            return self._receive_nothing()
        if flags & socket.MSG_PEEK:
            return bytes(received[:size])
        if len(received) <= size:
            data = bytes(received)
            received.clear()
        else:
            data = bytes(received[:size])
            del received[:size]
        if self.peer is not None:
            self.peer.changed()  # it has room again
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        """As `recv`, into a buffer; the number of bytes."""
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view))
        view[: len(data)] = data
        return len(data)

    def _receive_nothing(self) -> bytes:
        self._check_open()
        if self._ended:
            return b""
        self._raise_error()
        if self._read_shut:
            return b""
        raise fault(errno.ENOTCONN if self.state in (FRESH, LISTENING) else errno.EAGAIN)

    def send(self, data: Any) -> int:
        """Give as much of `data` as there is room for; the number of bytes."""
        peer = self.peer
        if peer is None or self._write_shut or self.state is not CONNECTED:
            raise self._refuse_to_send()
        room = peer.capacity - len(peer._received) - peer._coming
        if room <= 0 and len(data):
            raise fault(errno.EAGAIN)
        data = bytes(memoryview(data).cast("B")[:room]) if type(data) is not bytes else data[:room]
        peer._coming += len(data)
        if data:
            self.wire.carry(peer.on_data, data)
        return len(data)

    def sendmsg(self, buffers: Any) -> int:
        """As `send`, of several buffers."""
        return self.send(b"".join(buffers))

    def _refuse_to_send(self) -> OSError:
        self._check_open()
        error, self._error = self._error, 0
        return fault(error or (errno.EAGAIN if self.state is CONNECTING else errno.EPIPE))

    def shutdown(self, how: int) -> None:
        """End one direction or both; the peer sees the end of what we sent."""
        self._check_open()
        if self.state is not CONNECTED:
            raise fault(errno.ENOTCONN)
        if how != socket.SHUT_WR:
            self._read_shut = True
        if how != socket.SHUT_RD and not self._write_shut:
            self._end_output()
        self.changed()

    def _end_output(self) -> None:
        self._write_shut = True
        if self._ended:
            self.state = OVER
        if self.peer is not None:
            self.wire.carry(self.peer.on_end)

    def close(self) -> None:
        """Give the descriptor back. Unread input, or SO_LINGER of 0 s, resets the connection. Harmless twice."""
        state, self.state = self.state, CLOSED
        if state is CLOSED:
            return
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            self.machine.release(fd)
        if state is LISTENING:
            self._stop_listening()
        elif state is CONNECTED and self.peer is not None:
            if self._resets or self._received:
                self.wire.carry(self.peer.on_reset)
            elif not self._write_shut:
                self.wire.carry(self.peer.on_end)
        self._received.clear()
        self.on_change = None
        self._part()

    def abort(self) -> None:
        """Close with a reset."""
        self._resets = True
        self.close()

    def _part(self) -> None:
        """Both closed: nothing is said any more, and nothing need hold the other."""
        peer = self.peer
        if peer is not None and peer.state is CLOSED:
            self.peer = peer.peer = None

    # -- what arrives -------------------------------------------------------------------------------------------

    def on_data(self, data: bytes) -> None:
        """Bytes of the peer. Where nobody will read them a reset says so (RFC 1122, 4.2.2.13)."""
        self._coming -= len(data)
        if self.state is CONNECTED and not (self._read_shut and self._write_shut):
            self._received += data
            self.changed()
        elif self.peer is not None:
            self.fail(errno.ECONNRESET)
            self.wire.carry(self.peer.on_reset)

    def on_end(self) -> None:
        """The peer's FIN."""
        if self.state is CONNECTED:
            self._ended = True
            if self._write_shut:
                self.state = OVER
            self.changed()

    def on_reset(self) -> None:
        """The peer's RST; in answer to a SYN, a refusal."""
        if self.state is CONNECTING:
            self.fail(errno.ECONNREFUSED)
        elif self.state is CONNECTED:
            self.fail(errno.EPIPE if self._ended else errno.ECONNRESET)

    def fail(self, error: int) -> None:
        """The connection is over; `error` is what the next call says. What was received before can be read."""
        if self.state in (CONNECTING, CONNECTED):
            self._error = error
            self.state = OVER
            self._read_shut = self._write_shut = True
            self.changed()

    def on_established(self, peer: MemorySocket) -> None:
        """The answer to our SYN."""
        if self.state is CONNECTING:
            self.state = CONNECTED
            self.peer = peer
            self.changed()
        else:
            self.wire.carry(peer.on_reset)  # we did not wait for it

    def changed(self) -> None:
        """What `events` gives may be another now."""
        if self.on_change is not None:
            self.on_change()

    def events(self) -> int:
        """What epoll would report now, as tcp_poll in net/ipv4/tcp.c has it."""
        state = self.state
        if state is LISTENING:
            return READ if self._queue else 0
        if state is CONNECTING:
            return 0
        mask = ERROR if self._error else 0
        if state is not CONNECTED or (self._read_shut and self._write_shut):
            mask |= HANG_UP
        if self._received or self._ended or self._read_shut:
            mask |= READ
        if self._ended or self._read_shut:
            mask |= PEER_END
        if self._write_shut or self._has_room():
            mask |= WRITE
        return mask

    def _has_room(self) -> bool:
        # A third must be free: to wake the writer for every byte that the reader takes would be wasteful.
        peer = self.peer
        return peer is None or 3 * (len(peer._received) + peer._coming) <= 2 * peer.capacity

    # -- connecting and accepting -------------------------------------------------------------------------------

    def bind(self, address: Any) -> None:
        """Take a local address; port 0 is any free one."""
        self._check_open()
        self.machine.bind(self, address)

    def connect_ex(self, address: Any) -> int:
        """Begin to connect; EINPROGRESS, or the errno of what is wrong at once."""
        if self.state is not FRESH:
            return {CLOSED: errno.EBADF, CONNECTING: errno.EALREADY}.get(self.state, errno.EISCONN)
        return self.machine.connect(self, address)

    def listen(self, backlog: int = 128) -> None:
        """Accept connections; `backlog` + 1 may wait, as on Linux, and whoever comes then connects slowly."""
        self._check_open()
        self._backlog = backlog
        if self.state is FRESH:
            self.machine.listen(self)
            self.state = LISTENING
        self._admit()

    def on_client(self, client: MemorySocket) -> None:
        """A SYN for us."""
        self._waiting.append(client)
        self._admit()

    def _admit(self) -> None:
        while self._waiting and len(self._queue) <= self._backlog:
            client = self._waiting.popleft()
            if client.state is CONNECTING:
                self._queue.append(self._answer(client))
                self.changed()

    def _answer(self, client: MemorySocket) -> MemorySocket:
        server = type(self)(self.machine, self.family, self.type)
        server.state = CONNECTED
        server.local, server.remote = client.remote, client.local
        server.peer = client
        server.wire, server.back = client.back, client.wire
        server.capacity = self.capacity
        server._options = dict(self._options)
        server.wire.carry(client.on_established, server)
        return server

    def accept(self) -> tuple[MemorySocket, Any]:
        """The next newcomer and its address. Without a descriptor for it (EMFILE) it goes on waiting."""
        self._check_open()
        if self.state is not LISTENING:
            raise fault(errno.EINVAL)
        if not self._queue:
            raise fault(errno.EAGAIN)
        sock = self._queue[0]
        sock._fd = self.machine.open(sock)
        self._queue.popleft()
        self._admit()
        return sock, sock.remote

    def _stop_listening(self) -> None:
        self.machine.unlisten(self)
        for sock in self._queue:
            sock.abort()
        for client in self._waiting:
            client.back.carry(client.on_reset)
        self._queue.clear()
        self._waiting.clear()

    # -- about --------------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        """The descriptor; -1 once closed."""
        return self._fd

    def adopt(self, fd: int) -> None:
        """Be known by this descriptor."""
        self._fd = fd

    def getsockname(self) -> Any:
        """Our address."""
        self._check_open()
        return self.local

    def getpeername(self) -> Any:
        """The peer's address, while connected."""
        self._check_open()
        if self.state is not CONNECTED:
            raise fault(errno.ENOTCONN)
        return self.remote

    def setsockopt(self, level: int, name: int, value: Any) -> None:
        """SO_LINGER of 0 s and SO_RCVBUF do something; any other is kept for `getsockopt`."""
        self._check_open()
        if (level, name) == (socket.SOL_SOCKET, socket.SO_LINGER):
            self._resets = struct.unpack("ii", value) == (1, 0)
        elif (level, name) == (socket.SOL_SOCKET, socket.SO_RCVBUF):
            self.capacity = value
        self._options[level, name] = value

    def getsockopt(self, level: int, name: int, buflen: int = 0) -> Any:
        """SO_ERROR, which this clears; of TCP_INFO the state; any other as it was set, else 0."""
        self._check_open()
        if (level, name) == (socket.SOL_SOCKET, socket.SO_ERROR):
            error, self._error = self._error, 0
            return error
        if (level, name) == (socket.IPPROTO_TCP, _TCP_INFO):
            return bytes([_ESTABLISHED if self.state is CONNECTED else _CLOSE]).ljust(buflen, b"\0")
        return self._options.get((level, name), 0)

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def gettimeout(self) -> float:
        """0.0: it never blocks."""
        return 0.0

    def _check_open(self) -> None:
        if self.state is CLOSED:
            raise fault(errno.EBADF)

    def _raise_error(self) -> None:
        if self._error:
            error, self._error = self._error, 0
            raise fault(error)

    def __repr__(self) -> str:
        return f"<MemorySocket fd={self._fd} {self.state.name} {self.local} -> {self.remote}>"
