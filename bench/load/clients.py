"""The client connections of the load generator: dialing, exchanging, counting. Knows no command line and no server.

Every mode is a `Crowd`: many non-blocking sockets on one poller, driven by as little Python per message as possible,
because the generator shares the machine with the server that it measures. Every wait has a deadline, and every byte
that should come is counted: a shortfall, a surplus or a broken connection is a `LoadError`, never a smaller number.
"""

import errno
import os
import select
import selectors
import socket
import ssl
from array import array
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple, NoReturn

RECEIVE = 262144  # bytes; one shared buffer, so its size costs no memory per connection
DIAL_WINDOW = 64  # dials under way at once: below every server's backlog, so that no SYN is lost and retried after 1 s
BATCH = 1024  # events per poll

Address = tuple[str, int]


class LoadError(Exception):
    """The server, or a connection to it, did not do what the measurement rests on."""


class PortablePoller:
    """The few methods of select.epoll that a Crowd uses, on any system."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def register(self, fd: int, events: int) -> None:
        self._selector.register(fd, events)

    def modify(self, fd: int, events: int) -> None:
        self._selector.modify(fd, events)

    def poll(self, timeout: float, _limit: int) -> list[tuple[int, int]]:
        return [(key.fd, events) for key, events in self._selector.select(timeout)]

    def close(self) -> None:
        self._selector.close()


if hasattr(select, "epoll"):
    Poller, READ, WRITE = select.epoll, select.EPOLLIN, select.EPOLLOUT
else:
    Poller, READ, WRITE = PortablePoller, selectors.EVENT_READ, selectors.EVENT_WRITE


class Round(NamedTuple):
    """What one round of a mode did."""

    messages: int
    bytes: int
    seconds: float
    latencies: Counter[int]  # messages by whole microseconds
    late: float | None = None  # seconds, 99th percentile: how far behind their times the messages of an open load left
    busy: float | None = None  # share of a core, where another process than the caller's measured


class Crowd:
    """Many connections to one address, on one poller. A mode adds `run(seconds)` and, to read early, `arrived(fd)`."""

    def __init__(self, address: Address, count: int, timeout: float) -> None:
        self.address = address
        self.count = count
        self.timeout = timeout  # seconds for each phase: dialing, settling, and the end of a round
        self.poller = Poller()
        self.socks: dict[int, socket.socket] = {}
        self.buffer = bytearray(RECEIVE)
        self.spun = 0.0  # seconds of the round in which an open load only looked at the clock: it was free meanwhile

    def dial(self) -> None:
        """Open every connection; newcomers wait for nobody, and what arrives meanwhile is read."""
        deadline = perf_counter() + self.timeout
        family, kind, protocol, _, where = socket.getaddrinfo(*self.address, type=socket.SOCK_STREAM)[0]
        dialing: set[int] = set()
        while len(self.socks) < self.count or dialing:
            while len(self.socks) < self.count and len(dialing) < DIAL_WINDOW:
                dialing.add(self._start(socket.socket(family, kind, protocol), where))
            for fd, _ in self.wait(deadline) or self.late(f"{len(dialing)} of {self.count} not connected"):
                if fd not in dialing:
                    self.arrived(fd)
                    continue
                self._check(fd)
                dialing.remove(fd)
                self.poller.modify(fd, READ)

    def _start(self, sock: socket.socket, where: tuple) -> int:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(where)
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            raise LoadError(f"cannot connect to {where[0]}:{where[1]}: {os.strerror(code)}")
        fd = sock.fileno()
        self.socks[fd] = sock
        self.poller.register(fd, WRITE)
        return fd

    def _check(self, fd: int) -> None:
        if code := self.socks[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise LoadError(f"cannot connect to {self.address[0]}:{self.address[1]}: {os.strerror(code)}")

    def wait(self, deadline: float) -> list[tuple[int, int]]:
        """The next events; none once the deadline has passed."""
        left = deadline - perf_counter()
        return self.poller.poll(left, BATCH) if left > 0 else []

    def late(self, state: str) -> NoReturn:
        """Give up on a phase that has passed its deadline."""
        raise LoadError(f"not done within {self.timeout:g} s: {state}")

    def receive(self, fd: int) -> int:
        """Read into the shared buffer; the number of bytes, at least one."""
        try:
            size = self.socks[fd].recv_into(self.buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return 0
        except OSError as error:
            raise LoadError(f"a connection broke: {error.strerror}") from None
        if not size:
            raise LoadError("the server closed a connection")
        return size

    def arrived(self, fd: int) -> None:
        """Something came in that no request asked for."""
        raise LoadError(f"{self.receive(fd)} unexpected bytes: {bytes(self.buffer[:60])!r}")

    def settle(self) -> None:
        """Get from connected to ready for rounds."""

    def close(self) -> None:
        for sock in self.socks.values():
            sock.close()
        self.poller.close()


class Idle(Crowd):
    """Connections that only stay open."""

    def run(self, seconds: float) -> Round:
        """Hold them; any byte or hang-up is an error."""
        start = perf_counter()
        for fd, _ in self.poller.poll(seconds, BATCH):
            self.arrived(fd)
        return Round(0, 0, perf_counter() - start, Counter())


class Exchange(Crowd):
    """One request in flight on every connection, answered by an exact reply: echo, or pipelined lines.

    `request` holds `weight` messages. In a burst all connections send before any is answered; otherwise each sends
    again as soon as it has its reply.
    """

    def __init__(
        self, address: Address, count: int, timeout: float, request: bytes, reply: bytes, weight: int, burst: bool
    ) -> None:
        super().__init__(address, count, timeout)
        self.request, self.reply, self.weight, self.burst = request, reply, weight, burst
        self.unsent: dict[int, memoryview] = {}  # what the kernel did not take at once; large payloads only

    def settle(self) -> None:
        """Index by descriptor what the inner loop needs, and warm up both sides with one exchange each."""
        top = max(self.socks) + 1
        self.got = array("q", bytes(8 * top))
        self.sent_at = array("d", bytes(8 * top))
        self.receivers = {fd: self.receiver(sock) for fd, sock in self.socks.items()}
        self.senders = {fd: sock.send for fd, sock in self.socks.items()}
        self.run(0.0)

    def receiver(self, sock: socket.socket) -> Callable[[bytearray], int]:
        """What reads into a buffer, and raises BlockingIOError where nothing is there."""
        return sock.recv_into

    def run(self, seconds: float) -> Round:
        """Exchange for so long, then collect what is in flight."""
        samples = []
        start = perf_counter()
        stop_at = start + seconds
        replies = 0
        while True:
            for fd in self.socks:
                self.ask(fd)
            replies += self.collect(0.0 if self.burst else stop_at, stop_at + self.timeout, samples)
            if perf_counter() >= stop_at:
                break
        took = perf_counter() - start
        latencies = Counter(int(sample * 1e6) for sample in samples)
        for latency in latencies:
            latencies[latency] *= self.weight
        return Round(replies * self.weight, replies * len(self.reply), took, latencies)

    def collect(self, repeat_until: float, deadline: float, samples: list[float]) -> int:
        """Read until every connection has its reply, asking again until then; the number of replies."""
        reply, size = self.reply, len(self.reply)
        buffer, got, sent_at = self.buffer, self.got, self.sent_at
        receivers, now, sample, ask = self.receivers, perf_counter, samples.append, self.ask
        in_flight, replies = self.count, 0
        while in_flight:
            for fd, events in self.wait(deadline) or self.late(f"{in_flight} of {self.count} replies missing"):
                if events & WRITE:
                    self.push(fd)
                    continue
                try:
                    count = receivers[fd](buffer)
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise LoadError(f"a connection broke: {error.strerror}") from None
                have = got[fd]
                # A whole reply in one read, the common case, needs no slice: startswith() is one memcmp.
                if count == size and not have:
                    right = buffer.startswith(reply)
                else:
                    right = count and buffer.startswith(reply[have : have + count] if have + count <= size else b"\0?")
                if not right:
                    self.wrong(count, have)
                if have + count < size:
                    got[fd] = have + count
                    continue
                got[fd] = 0
                moment = now()
                sample(moment - sent_at[fd])
                replies += 1
                if moment < repeat_until:
                    ask(fd)
                else:
                    in_flight -= 1
        return replies

    def ask(self, fd: int) -> None:
        """Send the request on one connection."""
        self.sent_at[fd] = perf_counter()
        try:
            sent = self.senders[fd](self.request)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise LoadError(f"a connection broke: {error.strerror}") from None
        if sent < len(self.request):
            self.unsent[fd] = memoryview(self.request)[sent:]
            self.poller.modify(fd, READ | WRITE)

    def push(self, fd: int) -> None:
        """Send more of a request that did not fit."""
        try:
            sent = self.senders[fd](self.unsent[fd])
        except OSError as error:
            raise LoadError(f"a connection broke: {error.strerror}") from None
        self.unsent[fd] = self.unsent[fd][sent:]
        if not self.unsent[fd]:
            del self.unsent[fd]
            self.poller.modify(fd, READ)

    def wrong(self, count: int, have: int) -> None:
        """Say what is wrong with bytes that are not the reply."""
        if not count:
            raise LoadError(f"the server closed a connection {have} bytes into a reply of {len(self.reply)}")
        raise LoadError(f"wrong bytes after {have} of a reply of {len(self.reply)}: {bytes(self.buffer[:60])!r}")


class Datagrams(Exchange):
    """The same with UDP. A datagram that the kernel drops is never answered: the round is late, and no figure comes."""

    def dial(self) -> None:
        """Open every socket; there is nobody to wait for."""
        family, kind, protocol, _, where = socket.getaddrinfo(*self.address, type=socket.SOCK_DGRAM)[0]
        for _ in range(self.count):
            sock = socket.socket(family, kind, protocol)
            self.socks[sock.fileno()] = sock
            sock.setblocking(False)
            sock.connect(where)
            self.poller.register(sock.fileno(), READ)


class TlsExchange(Exchange):
    """Echo over TLS. A reply is one record, so it comes with one read; nobody checks the server's certificate."""

    def dial(self) -> None:
        """Connect and shake hands, one after another: who waits for its turn would run into the server's timeout."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for _ in range(self.count):
            try:
                sock = socket.create_connection(self.address, self.timeout)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                wrapped = context.wrap_socket(sock, suppress_ragged_eofs=False)
            except OSError as error:
                raise LoadError(f"no TLS connection to {self.address[0]}:{self.address[1]}: {error}") from None
            wrapped.setblocking(False)
            self.socks[wrapped.fileno()] = wrapped
            self.poller.register(wrapped.fileno(), READ)

    def receiver(self, sock: ssl.SSLSocket) -> Callable[[bytearray], int]:
        def receive(buffer: bytearray) -> int:
            try:
                return sock.recv_into(buffer)
            except ssl.SSLWantReadError:
                raise BlockingIOError from None

        return receive
