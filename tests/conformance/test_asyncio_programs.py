"""Protocols as asyncio's documentation writes them, subclasses of asyncio.Protocol, on every carrier."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

from tests.kit.asyncio_examples import EchoClientProtocol, EchoServerProtocol


class Recorded:
    """What the carriers ask of a protocol, added from outside."""

    def __init_subclass__(cls):
        for name in ("connection_made", "connection_lost"):
            setattr(cls, name, noted(name, getattr(cls, name)))

    @property
    def events(self):
        return self.__dict__.setdefault("noted", [])


def noted(name, method):
    def call(self, *args):
        self.events.append(name)
        return method(self, *args)

    return call


class SmallBuffer(asyncio.BufferedProtocol):
    """The documentation's loop around get_buffer and buffer_updated."""

    def __init__(self):
        self.buffer, self.heard = bytearray(8), b""

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        self.heard += self.buffer[:nbytes]


class Flow(asyncio.Protocol):
    """Flow control as in asyncio.streams.FlowControlMixin: a writer waits while it is paused."""

    def __init__(self):
        self.paused, self.calls = False, []

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=1000)

    def pause_writing(self):
        assert not self.paused
        self.paused = True

    def resume_writing(self):
        assert self.paused
        self.paused = False


class Server(Recorded, EchoServerProtocol):
    pass


class Client(Recorded, EchoClientProtocol):
    pass


class Buffered(Recorded, SmallBuffer):
    pass


class Writer(Recorded, Flow):
    pass


def test_the_echo_of_the_documentation(carrier, capsys):
    on_con_lost = Future()
    client, server = Client("Hello World!", on_con_lost), Server()
    carrier.pair(client, server)
    carrier.until(on_con_lost.done)
    carrier.lost(client, server)
    said = capsys.readouterr().out.splitlines()
    assert said.count("Data received: 'Hello World!'") == 2
    assert "Send: 'Hello World!'" in said
    assert said[-1] == "The server closed the connection"


def test_asyncios_buffered_protocol(carrier):
    client, buffered = Client("Hello to a small buffer", Future()), Buffered()
    carrier.pair(client, buffered)
    carrier.until(lambda: len(buffered.heard) >= 23)
    assert buffered.heard == b"Hello to a small buffer"
    carrier.reactor.close()


def test_asyncios_flow_control(carrier):
    writer, reader = Writer(), Server()
    carrier.pair(writer, reader)
    if not carrier.bounded:
        return
    reader.transport.pause_reading()
    writer.transport.write(bytes(8 << 20))
    carrier.settle()
    assert writer.paused
    reader.data_received = lambda data: None
    reader.transport.resume_reading()
    carrier.until(lambda: not writer.paused)
    carrier.reactor.close()
