"""What users write, as a type checker sees it: nothing here may be complained of. Never run; see test_typing.py."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Callable
from concurrent.futures import Future

from protocols.http import Client as HTTPClient, Response
from protocols.metrics import Metrics
from reactor import (
    BufferedProtocol,
    DatagramProtocol,
    DatagramTransport,
    LengthPrefixedProtocol,
    Limits,
    LineProtocol,
    Protocol,
    Reactor,
    ReconnectingClient,
    StreamTransport,
    Supervisor,
    Timeouts,
    Worker,
    prefork_sockets,
)
from reactor.serving import run
from reactor.testing import MemoryReactor, Recorder, Simulator, checked, connected_pair


class Echo(Protocol):
    transport: StreamTransport

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        print(self.transport.get_extra_info("peername"), exc)


class Shout(LineProtocol):
    max_line = 1000

    def __init__(self, room: set[Shout]) -> None:
        self.room = room

    def connection_made(self, transport: StreamTransport) -> None:
        super().connection_made(transport)
        self.room.add(self)

    def line_received(self, line: bytes) -> None:
        for member in self.room:
            member.send_line(line.upper())
        if line == b"quit":
            self.transport.close()


class Messages(LengthPrefixedProtocol):
    def message_received(self, message: bytes) -> None:
        self.send_message(message)


class Filled(BufferedProtocol):
    def __init__(self) -> None:
        self.buffer = bytearray(4096)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        print(self.buffer[:nbytes])


class Pong(DatagramProtocol):
    def connection_made(self, transport: DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data, addr)


class FromAsyncio(asyncio.Protocol):
    def data_received(self, data: bytes) -> None:
        print(data)


def serve() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with Reactor(watchdog=0.5) as reactor:
        room: set[Shout] = set()
        listener = reactor.listen_tcp(lambda: Shout(room), None, 9000, limits=Limits(per_peer=4), tls=context)
        reactor.listen_tcp(Echo, "127.0.0.1", 9001, timeouts=Timeouts(idle=60))
        reactor.listen_unix(Messages, "/run/messages.sock", mode=0o660)
        reactor.listen_tcp(Filled, "127.0.0.1", 9002)
        reactor.listen_tcp(FromAsyncio, "127.0.0.1", 9003)
        reactor.listen_tcp(lambda: Metrics(reactor), "127.0.0.1", 9100)
        reactor.open_udp(Pong, local=("127.0.0.1", 9004))
        timer = reactor.call_every(60, print, listener.port)
        timer.reset(30)
        reactor.run()


def connect(reactor: Reactor) -> Recorder:
    future = reactor.connect_tcp(Recorder, "example.org", 443, tls=True)
    transport, recorder = reactor.run_until(future)
    transport.write(b"hello")
    recorder.data.startswith(b"hel")

    def on_done(done: Future[tuple[StreamTransport, Recorder]]) -> None:
        print(done.result()[1].events)

    reactor.connect_unix(Recorder, "/run/messages.sock").add_done_callback(on_done)
    return recorder


def come_back(reactor: Reactor) -> None:
    client = ReconnectingClient(reactor, lambda factory: reactor.connect_tcp(factory, "127.0.0.1", 9001), Recorder)
    if client.protocol is not None:
        print(client.protocol.data)
    client.stop()


def fetch() -> str:
    with Reactor() as reactor, HTTPClient(reactor) as client:
        response: Response = reactor.run_until(client.fetch("http://127.0.0.1/"))
        return response.text


def work(worker: Worker) -> None:
    with Reactor() as reactor:
        for sock in worker.sockets:
            reactor.listen_socket(Echo, sock)
        worker.run(reactor)


def several() -> int:
    with Reactor() as reactor:
        return Supervisor(reactor, work, 4, prefork_sockets("127.0.0.1", 9005, 4)).run()


def test_in_memory() -> None:
    with connected_pair(Recorder(), Shout(set())) as pair:
        pair.a.write(b"hello\n")
        pair.settle()
        assert pair.protocol_a.data == b"HELLO\n"
        assert len(pair.protocol_b.room) == 1
    with MemoryReactor() as reactor:
        reactor.listen_tcp(Echo, "127.0.0.1", 9001)
        reactor.advance(60)
    with Simulator(seed=1) as sim:
        host = sim.host("server")
        host.listen_tcp(checked(Echo), None, 9001)
        transport, recorder = host.run_until(host.connect_tcp(Recorder, "server", 9001))
        transport.write(b"x")
        sim.run_until(lambda: recorder.data == b"x", seconds=60)


def make(reactor: Reactor) -> Callable[[], Shout]:
    room: set[Shout] = set()
    return lambda: Shout(room)


if __name__ == "__main__":
    sys.exit(run(make, port=9000, metrics=Metrics, limits=Limits(connections=100)))
