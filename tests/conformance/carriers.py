"""Every carrier, each a small class that makes a connected pair of transports. What it cannot do, it says.

A new carrier is a subclass with `pair`, and its place in CARRIERS: all tests of this directory then run on it.
"""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from types import MappingProxyType

from reactor import Limits, Timeouts
from reactor.sockets.stdio import StdioSocket
from reactor.sockets.tls import TLSSocket
from reactor.testing import MemoryReactor, Recorder, SteppedReactor
from tests.kit.leftovers import Before
from tests.kit.tls import client_context, server_context

PATIENCE = 60  # real seconds until what must happen has to have happened; only a fault waits so long
PAUSE = 0.001  # real seconds that such a carrier is given before time passes
SILENCE = 0.05  # real seconds of a carrier with threads after which nothing more is taken to come


class Carrier:
    """A connection between protocols `a` and `b` of one stepped reactor."""

    half_close = True  # one way may end while the other goes on
    resets = True  # a peer that vanishes with our bytes unread is told from one that ends
    bounded = True  # the carrier itself holds little, so that a peer who does not read is felt
    threads = False  # somebody else moves the bytes: they take real time
    named = False  # both ends have addresses
    secure = False  # TLS

    def __init__(self, stage):
        self.stage, self.reactor = stage, stage.reactor
        self._before = Before(self.reactor)

    def pair(self, a, b, **options):
        """Connect them; both know their transports when this returns. options: limits, timeouts."""
        raise NotImplementedError

    def seat(self, sock, protocol, *, limits=Limits(), timeouts=Timeouts()):  # noqa: B008 (frozen)
        """A transport of ours over any carrier."""
        self.reactor._inventory.clients.open(sock, protocol, None, limits, timeouts)

    def tend(self):
        """What a carrier has to do itself while time passes."""

    def close(self):
        """What the reactor does not close."""

    # -- for tests --------------------------------------------------------------------------------------------------

    def until(self, condition):
        """Go on until it holds, which is to be soon."""
        deadline = time.monotonic() + PATIENCE
        self.settle_once()
        while not condition():
            assert time.monotonic() < deadline, "this should have happened by now"
            self.settle_once()

    def settle_once(self):
        self.reactor.settle()
        self.tend()

    def settle(self):
        """Let everything happen that does."""
        self.settle_once()
        if self.threads:
            end = time.monotonic() + SILENCE
            while time.monotonic() < end:
                self.settle_once()

    def lost(self, *protocols):
        """Go on until all of these are over; when all are, nothing is left of them in the same tick."""
        self.until(lambda: all("connection_lost" in protocol.events for protocol in protocols))
        if not self.reactor.stats()["connections"]:
            assert self._before.left(descriptors=not self.threads) == []


class SocketPair(Carrier):
    def pair(self, a, b, **options):
        for sock, protocol in zip(socket.socketpair(), (a, b), strict=True):
            sock.setblocking(False)
            self.seat(sock, protocol, **options)


class Tcp(Carrier):
    named = True
    host = "127.0.0.1"
    serving = connecting = MappingProxyType({})  # what to add for TLS

    def pair(self, a, b, **options):
        listener = self.reactor.listen_tcp([b].pop, self.host, 0, **self.serving, **options)
        self.connect(a, b, listener, lambda: self.reactor.connect_tcp(
            [a].pop, self.host, listener.port, **self.connecting, **options
        ))  # fmt: skip

    def connect(self, a, b, listener, connect):
        self.reactor.run_until(connect(), timeout=PATIENCE)
        self.until(lambda: "connection_made" in b.events)
        listener.close()


class Tcp6(Tcp):
    host = "::1"


class Unix(Tcp):
    def pair(self, a, b, **options):
        path = f"{self.stage.directory}/socket"
        listener = self.reactor.listen_unix([b].pop, path, **self.serving, **options)
        self.connect(a, b, listener, lambda: self.reactor.connect_unix(
            [a].pop, path, **self.connecting, **options
        ))  # fmt: skip


class Tls(Carrier):
    """What all carriers with TLS have in common."""

    secure = True
    client, server = client_context(), server_context()
    serving = MappingProxyType({"tls": server})
    connecting = MappingProxyType({"tls": client, "server_hostname": "localhost"})


class TlsTcp(Tls, Tcp):
    pass


class TlsUnix(Tls, Unix):
    pass


class TlsSocketPair(Tls):
    def pair(self, a, b, **options):
        ends = [(a, self.client, {"server_hostname": "localhost"}), (b, self.server, {"server_side": True})]
        for sock, (protocol, context, role) in zip(socket.socketpair(), ends, strict=True):
            sock.setblocking(False)
            tls = TLSSocket(self.reactor.call_soon, sock, self.reactor.poller, context, **role)
            self.seat(tls, protocol, **options)
        self.until(lambda: "connection_made" in a.events and "connection_made" in b.events)


class Memory(Tcp):
    """The test kit's world: no descriptor, no kernel, the same reactor."""

    host = "localhost"

    def __init__(self, stage):
        stage.reactor.close()
        stage.reactor = MemoryReactor()
        super().__init__(stage)


class TlsMemory(Tls, Memory):
    pass


class Pipes(Carrier):
    """Standard input and output, crossed: two os.pipe(), and threads that move the bytes.

    Nobody closes a standard output but the end of its program: here it ends when its transport does.
    """

    half_close = False
    resets = False
    threads = True

    def __init__(self, stage):
        stage.reactor.close()
        stage.reactor = SteppedReactor(patience=PAUSE)
        super().__init__(stage)

    def pair(self, a, b, **options):
        (from_a, to_b), (from_b, to_a) = os.pipe(), os.pipe()
        self.open = [(a, from_b, to_b), (b, from_a, to_a)]
        self.seat(StdioSocket(from_b, to_b), a, **options)
        self.seat(StdioSocket(from_a, to_a), b, **options)

    def tend(self):
        for end in self.open[:]:
            protocol, stdin, stdout = end
            if "connection_lost" in protocol.events:
                self.open.remove(end)
                os.close(stdin)
                os.close(stdout)

    def close(self):
        deadline = time.monotonic() + PATIENCE
        while self.open and time.monotonic() < deadline:
            self.tend()


CARRIERS = {
    "socketpair": SocketPair,
    "tcp4": Tcp,
    "tcp6": Tcp6,
    "unix": Unix,
    "pipes": Pipes,
    "tls-socketpair": TlsSocketPair,
    "memory": Memory,
    "tls-memory": TlsMemory,
    "tls-tcp": TlsTcp,
    "tls-unix": TlsUnix,
}


class Life(Recorder):
    """A recorder that keeps its half open, unless told otherwise, and counts in cheap ways."""

    def __init__(self, keep_open=True):
        super().__init__(keep_open)
        self.parts = []

    def data_received(self, data):
        if "data_received" not in self.events:
            self.events.append("data_received")
        self.parts.append(bytes(data))

    @property
    def received(self):
        """All bytes so far."""
        if len(self.parts) > 1:
            self.parts = [b"".join(self.parts)]
        return self.parts[0] if self.parts else b""


class Echo(Life):
    """Says what it hears, as long as it is let."""

    def data_received(self, data):
        super().data_received(data)
        self.transport.write(data)

    def eof_received(self):
        super().eof_received()
        return False


def noise(size, seed=1):
    """So many bytes that differ from place to place."""
    block = _block(seed & 255)
    return (block * (size // len(block) + 1))[:size]


@cache
def _block(seed):
    return bytes((i * 7 + seed + (i >> 8)) & 255 for i in range(4099))  # a prime: no buffer is as long
