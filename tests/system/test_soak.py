"""Thousands of connections of every kind, good and bad, and nothing is left of them.

`pytest tests/system/test_soak.py --soak 10000` makes as many; the default run makes fewer of each kind.
"""

from __future__ import annotations

import gc
import io
import os
import socket
import struct
import sys
import threading

import pytest

from reactor import Protocol, Reactor, Timeouts
from tests.kit.tls import client_context, server_context

CROWD = 50  # at the same time
WARM_UP = 3  # rounds after which caches and free lists have their size
BLOCKS_EACH = 0.2  # blocks of Python memory a connection may leave: a leak is one at least, the rest is noise
BYTES_EACH = 512  # of resident memory; OpenSSL's objects are in no count of Python's. A leaked session is 10 KiB
PATIENCE = 60  # seconds for one round

SERVER, CLIENT, TIMEOUTS = server_context(), client_context(), Timeouts(close=5, handshake=5)


class Echo(Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Caller(Protocol):
    """Says something, hears it back, and closes."""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"hello")

    def data_received(self, data):
        self.transport.close()


class Aborter(Caller):
    def data_received(self, data):
        self.transport.abort()


class Raiser(Caller):
    def data_received(self, data):
        raise ConnectionError("a callback that fails")


class Upgrader(Protocol):
    def connection_made(self, transport):
        transport.start_tls(CLIENT, server_hostname="localhost").add_done_callback(self.encrypted)
        self.transport = transport

    def encrypted(self, future):
        if not future.exception():
            self.transport.write(b"hello")

    def data_received(self, data):
        self.transport.close()


class UpgradingEcho(Echo):
    def connection_made(self, transport):
        super().connection_made(transport)
        transport.start_tls(SERVER, server_side=True)


class Sender(Protocol):
    def connection_made(self, transport):
        transport.sendfile(io.BytesIO(b"x" * 1000))
        transport.close()


class Stage:
    """A reactor, its listeners, and how many connections of a kind are done."""

    def __init__(self, reactor, tmp_path, dead_port):
        self.reactor = reactor
        self.path = str(tmp_path / "socket")
        self.plain = reactor.listen_tcp(Echo, "127.0.0.1", 0, timeouts=TIMEOUTS)
        self.tls = reactor.listen_tcp(Echo, "127.0.0.1", 0, tls=SERVER, timeouts=TIMEOUTS)
        self.upgrading = reactor.listen_tcp(UpgradingEcho, "127.0.0.1", 0, timeouts=TIMEOUTS)
        self.sending = reactor.listen_tcp(Sender, "127.0.0.1", 0, timeouts=TIMEOUTS)
        reactor.listen_unix(Echo, self.path, timeouts=TIMEOUTS)
        self.dead_port = dead_port

    def connect(self, factory, listener, **options):
        return self.reactor.connect_tcp(factory, "127.0.0.1", listener.port, timeouts=TIMEOUTS, **options)

    def raw(self, listener, said, reset=False):
        sock = socket.create_connection(("127.0.0.1", listener.port))
        sock.sendall(said)
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    def cancelled(self):
        self.connect(Caller, self.tls, tls=CLIENT).cancel()

    def datagram(self):
        server = self.reactor.open_udp(UdpEcho, local=("127.0.0.1", 0))
        self.reactor.open_udp(lambda: UdpCaller(server), remote=server.get_extra_info("sockname"))


class UdpEcho:
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)

    def connection_lost(self, exc):
        pass


class UdpCaller(UdpEcho):
    def __init__(self, server):
        self.server = server

    def connection_made(self, transport):
        super().connection_made(transport)
        transport.sendto(b"hello")

    def datagram_received(self, data, addr):
        self.transport.close()
        self.server.close()


KINDS = {
    "plain": lambda stage: stage.connect(Caller, stage.plain),
    "aborted": lambda stage: stage.connect(Aborter, stage.plain),
    "raising": lambda stage: stage.connect(Raiser, stage.plain),
    "unix": lambda stage: stage.reactor.connect_unix(Caller, stage.path, timeouts=TIMEOUTS),
    "refused": lambda stage: stage.reactor.connect_tcp(Caller, "127.0.0.1", stage.dead_port),
    "cancelled": Stage.cancelled,
    "sendfile": lambda stage: stage.connect(Protocol, stage.sending),
    "udp": Stage.datagram,
    "tls": lambda stage: stage.connect(Caller, stage.tls, tls=CLIENT, server_hostname="localhost"),
    "tls-other-host": lambda stage: stage.connect(Caller, stage.tls, tls=CLIENT, server_hostname="other.example"),
    "tls-aborted": lambda stage: stage.connect(Aborter, stage.tls, tls=CLIENT),
    "tls-garbage": lambda stage: stage.raw(stage.tls, b"GET / HTTP/1.1\r\n\r\n"),
    "tls-reset": lambda stage: stage.raw(stage.tls, b"", reset=True),
    "start-tls": lambda stage: stage.connect(Upgrader, stage.upgrading),
    "start-tls-garbage": lambda stage: stage.raw(stage.upgrading, b"hello\r\n"),
}


def resident():
    """Bytes of resident memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def crowd(stage, kind):
    """A crowd of one kind comes and goes."""
    deadline = stage.reactor.time() + PATIENCE
    futures = [future for _ in range(CROWD) if (future := KINDS[kind](stage)) is not None]
    stage.reactor._tick()
    while not all(future.done() for future in futures) or stage.reactor.stats()["connections"]:
        wake = stage.reactor.call_later(0.05, int)
        stage.reactor._tick()
        wake.cancel()
        assert stage.reactor.time() < deadline, f"{kind}: still {stage.reactor.stats()}"
    for future in futures:
        future.exception()
    del futures
    gc.collect()


@pytest.mark.loud  # one kind raises in a callback
@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_of_a_crowd(kind, tmp_path, port, request, caplog):
    caplog.set_level("CRITICAL", logger="reactor")  # ten thousand records are memory too
    rounds = max(2, request.config.getoption("soak") // CROWD)
    with Reactor() as reactor:
        stage = Stage(reactor, tmp_path, port)
        for _ in range(WARM_UP):
            crowd(stage, kind)
        open_before, threads_before, bytes_before = descriptors(), threading.active_count(), resident()
        timers_before, blocks_before = reactor.stats()["timers"], sys.getallocatedblocks()
        for _ in range(rounds):
            crowd(stage, kind)
        blocks = sys.getallocatedblocks() - blocks_before
        assert descriptors() == open_before
        assert threading.active_count() == threads_before
        assert reactor.stats()["timers"] <= timers_before + 1
        assert not reactor._promises._open
        assert blocks <= 200 + BLOCKS_EACH * rounds * CROWD, f"{blocks} blocks left by {rounds * CROWD} connections"
        grown = resident() - bytes_before
        assert grown <= 4 << 20 or grown <= BYTES_EACH * rounds * CROWD, f"{grown} bytes more"
