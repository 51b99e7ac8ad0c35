"""Mistakes that a type checker finds: each line that ends in `# wrong` is complained of, and no other. Never run."""

from __future__ import annotations

from reactor import Limits, LineProtocol, Protocol, Reactor, ReconnectingClient, StreamTransport, Timeouts
from reactor.testing import Recorder, connected_pair


class Talker(LineProtocol):
    def line_received(self, line: bytes) -> None:
        self.transport.wrte(line)  # wrong
        self.transport.write("text")  # wrong
        self.send_line("text")  # wrong


class Text(LineProtocol):
    def line_received(self, line: str) -> None:  # wrong
        print(line)


class Echo(Protocol):
    def connection_made(self, transport: StreamTransport) -> None:
        transport.set_write_buffer_limits("64k")  # wrong


def serve(reactor: Reactor) -> None:
    reactor.listen_tcp(dict, "127.0.0.1", 9000)  # wrong
    reactor.listen_tcp(Echo(), "127.0.0.1", 9000)  # wrong
    reactor.listen_tcp(Echo, "127.0.0.1", "9000")  # wrong
    reactor.listen_tcp(Echo, "127.0.0.1", 9000, timeouts=Timeouts(300))  # wrong
    reactor.listen_tcp(Echo, "127.0.0.1", 9000, limits=Limits(conections=5))  # wrong
    reactor.listen_tcp(Echo, "127.0.0.1", 9000, limits=Timeouts(idle=5))  # wrong
    reactor.call_later("5", print)  # wrong


def connect(reactor: Reactor) -> None:
    transport, protocol = reactor.run_until(reactor.connect_tcp(Recorder, "127.0.0.1", 9000))
    transport.send(b"x")  # wrong
    print(protocol.lines)  # wrong
    client = ReconnectingClient(reactor, lambda factory: reactor.connect_tcp(factory, "127.0.0.1", 9000), Talker)
    client.protocol.send_line(b"x")  # wrong


def test() -> None:
    with connected_pair(Recorder(), Talker()) as pair:
        pair.protocol_a.send_line(b"x")  # wrong
