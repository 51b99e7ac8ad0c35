"""Clients who come, say one thing, hear the answer and go: what accepting and closing cost. Knows no command line."""

import contextlib
import socket
import ssl
from collections import Counter
from time import perf_counter

from load.clients import READ, Address, Crowd, LoadError, Round


class Churn(Crowd):
    """`count` clients at a time; each that is served makes room for the next."""

    def __init__(self, address: Address, count: int, timeout: float, request: bytes) -> None:
        super().__init__(address, count, timeout)
        self.request = request
        self.family, self.kind, self.protocol, _, self.where = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        self.born: dict[int, float] = {}  # when each began to dial
        self.got: dict[int, int] = {}  # bytes of the reply; a client who is still dialing has no entry

    def dial(self) -> None:
        """Nobody stays connected between rounds."""

    def settle(self) -> None:
        self.run(0.0)

    def run(self, seconds: float) -> Round:
        """Come and go for so long; the latency of each is from its dial to the last byte of its answer."""
        latencies: Counter[int] = Counter()
        start = perf_counter()
        stop_at, deadline = start + seconds, start + seconds + self.timeout
        for _ in range(self.count):
            self.come()
        while self.socks:
            for fd, _ in self.wait(deadline) or self.late(f"{len(self.socks)} clients not served"):
                if fd not in self.got:
                    self.ask(fd)
                elif self.served(fd):
                    latencies[int((perf_counter() - self.born[fd]) * 1e6)] += 1
                    self.go(fd)
                    if perf_counter() < stop_at:
                        self.come()
        served = latencies.total()
        return Round(served, served * len(self.request), perf_counter() - start, latencies)

    def come(self) -> None:
        now = perf_counter()
        try:
            fd = self._start(socket.socket(self.family, self.kind, self.protocol), self.where)
        except OSError as error:
            raise LoadError(f"cannot dial: {error.strerror}") from None
        self.born[fd] = now

    def ask(self, fd: int) -> None:
        self._check(fd)
        if self.socks[fd].send(self.request) < len(self.request):
            raise LoadError("the request does not fit into the buffer of a new connection")
        self.got[fd] = 0
        self.poller.modify(fd, READ)

    def served(self, fd: int) -> bool:
        size, have = self.receive(fd), self.got[fd]
        if self.buffer[:size] != self.request[have : have + size]:
            raise LoadError(f"wrong bytes after {have} of a reply: {bytes(self.buffer[:60])!r}")
        self.got[fd] = have + size
        return have + size == len(self.request)

    def go(self, fd: int) -> None:
        del self.got[fd]
        self.socks.pop(fd).close()  # the poller forgets it with this


class TlsChurn(Churn):
    """The same over TLS: from the second on, each resumes the session of one who has left."""

    def __init__(self, address: Address, count: int, timeout: float, request: bytes) -> None:
        super().__init__(address, count, timeout, request)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.session: ssl.SSLSession | None = None
        self.resumed = 0

    def ask(self, fd: int) -> None:
        sock = self.socks[fd]
        if not isinstance(sock, ssl.SSLSocket):
            self._check(fd)
            sock = self.context.wrap_socket(sock, do_handshake_on_connect=False, session=self.session)
            self.socks[fd] = sock
            self.poller.modify(fd, READ)
        try:
            sock.do_handshake()
            sock.sendall(self.request)
        except ssl.SSLWantReadError:
            return
        except OSError as error:
            raise LoadError(f"no TLS connection: {error}") from None
        self.resumed += bool(sock.session_reused)
        self.got[fd] = 0

    def go(self, fd: int) -> None:
        """Say goodbye, as TLS wants it; nobody waits for the server's."""
        sock = self.socks[fd]
        assert isinstance(sock, ssl.SSLSocket)
        self.session = sock.session
        with contextlib.suppress(OSError):
            sock.unwrap()
        super().go(fd)
