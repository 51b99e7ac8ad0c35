"""The contract checker: every rule of its table is broken once by a careless transport, and none by our own."""

from __future__ import annotations

import asyncio
import threading

import pytest

from reactor import BufferedProtocol, DatagramProtocol, LineProtocol, Protocol
from reactor.diagnostics.contract import RULES
from reactor.testing import ContractBreach, MemoryReactor, Recorder, checked, connected_pair


class Careless:
    """A transport that does nothing right unless it is told to."""

    def __init__(self):
        self.size, self.limits, self.closing, self.on_write = 0, (4, 16), True, lambda: None
        self.protocol = None

    def write(self, data):
        self.on_write()

    def write_eof(self):
        self.on_write()

    def close(self):
        self.on_write()

    def abort(self):
        self.on_write()

    def is_closing(self):
        return self.closing

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def get_write_buffer_size(self):
        return self.size

    def get_write_buffer_limits(self):
        return self.limits

    def set_protocol(self, protocol):
        self.protocol = protocol


class Everything(Recorder):
    """A protocol of all kinds at once, which runs `then` in data_received."""

    def __init__(self):
        super().__init__()
        self.then = lambda: None

    def data_received(self, data):
        super().data_received(data)
        self.then()

    def get_buffer(self, sizehint):
        return bytearray(8)

    def buffer_updated(self, nbytes):
        pass

    def datagram_received(self, data, addr):
        pass

    def error_received(self, exc):
        pass

    def draining(self, grace):
        pass


class Scene:
    def __init__(self):
        self.transport, self.inner, self.breaches = Careless(), Everything(), []
        self.protocol = checked(self.inner, self.breaches.append)

    def made(self):
        self.protocol.connection_made(self.transport)
        return self

    def from_inside(self, call, name, *args):
        """`name` is called back while the protocol is in `call` of its transport."""
        self.transport.on_write = lambda: getattr(self.protocol, name)(*args)
        getattr(self.inner.transport, call)(*([b"x"] if call == "write" else []))

    def full(self):
        self.transport.size = 20
        self.protocol.pause_writing()
        return self


@pytest.fixture
def scene():
    return Scene()


def on_a_thread(fn, *args):
    thread = threading.Thread(target=fn, args=args)
    thread.start()
    thread.join()


def lowered(scene):
    scene.full().transport.size = 4
    return scene.protocol


BREACHES = {
    "made twice": lambda s: s.made().protocol.connection_made(s.transport),
    "data first": lambda s: s.protocol.data_received(b"x"),
    "lost first": lambda s: s.protocol.connection_lost(None),
    "lost twice": lambda s: (s.made().protocol.connection_lost(None), s.protocol.connection_lost(None)),
    "data after lost": lambda s: (s.made().protocol.connection_lost(None), s.protocol.data_received(b"x")),
    "draining after lost": lambda s: (s.made().protocol.connection_lost(None), s.protocol.draining(1)),
    "data after eof": lambda s: (s.made().protocol.eof_received(), s.protocol.data_received(b"x")),
    "eof twice": lambda s: (s.made().protocol.eof_received(), s.protocol.eof_received()),
    "lost inside close": lambda s: s.made().from_inside("close", "connection_lost", None),
    "lost inside abort": lambda s: s.made().from_inside("abort", "connection_lost", None),
    "resumed inside write": lambda s: (lowered(s.made()), s.from_inside("write", "resume_writing")),
    "paused inside write_eof": lambda s: (
        (s.made(), setattr(s.transport, "size", 20)) and s.from_inside("write_eof", "pause_writing")
    ),
    "nested": lambda s: (
        setattr(s.inner, "then", lambda: s.protocol.connection_lost(None)),
        s.made().protocol.data_received(b"x"),
    ),
    "on a thread": lambda s: on_a_thread(s.made().protocol.data_received, b"x"),
    "data after close": lambda s: (s.made().inner.transport.close(), s.protocol.data_received(b"x")),
    "eof after abort": lambda s: (s.made().inner.transport.abort(), s.protocol.eof_received()),
    "data while paused": lambda s: (s.made().inner.transport.pause_reading(), s.protocol.data_received(b"x")),
    "paused twice": lambda s: s.made().full().full(),
    "resumed unasked": lambda s: s.made().protocol.resume_writing(),
    "paused too early": lambda s: (setattr(s.transport, "size", 16), s.made().protocol.pause_writing()),
    "resumed too early": lambda s: (s.made().full(), setattr(s.transport, "size", 5), s.protocol.resume_writing()),
    "no data": lambda s: s.made().protocol.data_received(b""),
    "no bytes in the buffer": lambda s: (s.made().protocol.get_buffer(-1), s.protocol.buffer_updated(0)),
    "more than the buffer": lambda s: (s.made().protocol.get_buffer(-1), s.protocol.buffer_updated(9)),
    "a reason that is none": lambda s: s.made().protocol.connection_lost("because"),
    "is_closing is false": lambda s: (setattr(s.transport, "closing", False), s.made().inner.transport.close()),
    "never lost": lambda s: s.made().protocol.contract.finish(),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_told(scene, name):
    BREACHES[name](scene)
    assert len(scene.breaches) == 1, scene.breaches
    assert "So far: " in str(scene.breaches[0])


def test_every_rule_of_the_table_is_broken_by_one_of_these():
    told = []
    for breach in BREACHES.values():
        scene = Scene()
        breach(scene)
        told += map(str, scene.breaches)
    for rule in RULES:
        assert any(rule.breach in text and rule.sentence in text for text in told), rule


KEPT = {
    "a life": lambda s: (
        s.made().protocol.data_received(b"x"),
        s.protocol.eof_received(),
        s.protocol.connection_lost(None),
        s.protocol.contract.finish(),
    ),
    "paused inside write": lambda s: (setattr(s.transport, "size", 20), s.made().from_inside("write", "pause_writing")),
    "resumed": lambda s: lowered(s.made()).resume_writing(),
    "a buffer": lambda s: (s.made().protocol.get_buffer(-1), s.protocol.buffer_updated(8)),
    "datagrams": lambda s: (s.made().protocol.datagram_received(b"", None), s.protocol.error_received(OSError())),
    "draining": lambda s: s.made().protocol.draining(1),
    "resumed reading": lambda s: (
        s.made().inner.transport.pause_reading(),
        s.inner.transport.resume_reading(),
        s.protocol.data_received(b"x"),
    ),
    "lost after close": lambda s: (s.made().inner.transport.close(), s.protocol.connection_lost(OSError())),
    "never made": lambda s: s.protocol.contract.finish(),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_allowed_passes(scene, name):
    KEPT[name](scene)
    assert scene.breaches == []


def test_a_late_call_that_raises_is_a_breach(scene):
    def broken():
        raise OSError("gone")

    scene.made().protocol.connection_lost(None)
    scene.transport.on_write = broken
    with pytest.raises(OSError, match="gone"):
        scene.inner.transport.write(b"x")
    assert "late calls" in str(scene.breaches[0])


def test_a_former_protocol_is_not_called(scene):
    scene.made().inner.transport.set_protocol(Everything())
    scene.transport.protocol.data_received(b"x")
    assert scene.breaches == []
    scene.protocol.data_received(b"x")
    assert "former protocol" in str(scene.breaches[0])


def test_without_a_listener_a_breach_is_raised_and_the_protocol_not_called():
    inner = Recorder()
    protocol = checked(inner)
    with pytest.raises(ContractBreach, match=r"data_received before connection_made: .* So far: data_received"):
        protocol.data_received(b"x")
    assert inner.data == b""


def test_the_wrapper_passes_for_what_it_wraps(scene):
    protocol = checked(LineProtocol())
    assert isinstance(protocol, LineProtocol)
    assert isinstance(protocol, Protocol)
    protocol.max_line = 7
    assert protocol.__wrapped__.max_line == protocol.max_line == 7
    for absent in ("get_buffer", "draining", "no_such_thing"):
        assert not hasattr(protocol, absent)
    assert hasattr(scene.protocol, "draining")
    scene.made()
    assert scene.inner.transport.get_write_buffer_limits() == (4, 16)
    assert "LineProtocol" in repr(protocol)


def test_a_factory_is_wrapped_and_knows_who_is_open():
    factory = checked(Recorder)
    a, b = factory(), factory()
    assert a.events == []
    a.connection_made(Careless())
    a.connection_lost(None)
    assert list(factory.open) == [b.contract]
    factory.finish()
    b.connection_made(Careless())
    with pytest.raises(ContractBreach, match="no connection_lost"):
        factory.finish()


@pytest.mark.parametrize("make", [lambda: Recorder(), lambda: BufferedProtocol(), lambda: DatagramProtocol()])
def test_any_kind_of_factory(make):
    assert type(checked(make)()) is not type(make())
    with pytest.raises(TypeError, match="protocol or what makes one"):
        checked(7)


def test_our_transports_keep_the_contract_in_a_long_conversation():
    class Chatty(LineProtocol):
        def line_received(self, line):
            self.send_line(line * 100)
            self.transport.pause_reading()
            self.transport.resume_reading()

    factory, client = checked(Chatty), checked(Recorder(keep_open=True))
    with MemoryReactor(capacity=500) as reactor:
        listener = reactor.listen_tcp(factory, "localhost", 1)
        reactor.connect_tcp(lambda: client, "localhost", 1)
        reactor.settle()
        client.transport.writelines([b"%d\n" % number for number in range(2000)])
        client.transport.write_eof()
        reactor.settle()
        assert len(client.data.split()) == 2000
        client.transport.close()
        listener.close()
        reactor.settle()
    factory.finish()
    client.contract.finish()


def test_our_transports_keep_the_contract_with_a_buffered_protocol():
    class Into(BufferedProtocol):
        def get_buffer(self, sizehint):
            return bytearray(3)

    into = checked(Into())
    with connected_pair(checked(Recorder()), into) as pair:
        pair.a.write(b"0123456789")
        pair.a.write_eof()
        pair.settle()
    into.contract.finish()


def test_asyncio_keeps_it_too():
    factory, client = checked(Recorder), checked(Recorder())

    async def converse():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(factory, "127.0.0.1", 0)
        transport, _ = await loop.create_connection(lambda: client, *server.sockets[0].getsockname())
        transport.write(b"hello")
        transport.write_eof()
        while not client.contract.lost:
            await asyncio.sleep(0.001)
        server.close()
        await server.wait_closed()
        while factory.open:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(converse(), 10))
    factory.finish()
