"""A connection goes to a protocol that begins: what the new one hears, what the old one does not, and what fails."""

from __future__ import annotations

import logging

import pytest

from reactor import BufferedProtocol, LineProtocol, Protocol
from reactor.testing import MemoryReactor, Recorder, checked


class Chooser(Protocol):
    """Its first line says what the connection is for; `new` is the protocol that begins then."""

    def __init__(self, new, before=lambda transport: None):
        self.new, self.before, self.told, self.lost = new, before, [], []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        _, _, rest = data.partition(b"\n")
        self.before(self.transport)
        self.told.append(self.transport.switch_protocol(self.new, rest))

    def connection_lost(self, exc):
        self.lost.append(exc)


@pytest.fixture(params=[False, True], ids=["plain", "debug"])
def reactor(request, monkeypatch):
    monkeypatch.setenv("REACTOR_DEBUG", "1" if request.param else "0")
    with MemoryReactor(raise_bugs=False) as reactor:
        yield reactor


def serve(reactor, chooser):
    reactor.listen_tcp(lambda: chooser, "localhost", 7)
    transport, client = reactor.run_until(reactor.connect_tcp(lambda: Recorder(keep_open=True), "localhost", 7))
    return transport, client


def test_it_hears_that_it_begins_then_what_was_left_then_what_comes(reactor):
    new = Recorder()
    chooser = Chooser(new)
    transport, _ = serve(reactor, chooser)
    transport.write(b"recorder\nthe rest, ")
    reactor.settle()
    transport.write(b"and more")
    reactor.settle()
    assert new.events[0] == "connection_made"
    assert new.data == b"the rest, and more"
    transport.abort()
    reactor.settle()
    assert "connection_lost" in new.events
    assert (chooser.told, chooser.lost) == ([None], [])


def test_each_byte_by_itself_and_every_cut(reactor):
    text = b"recorder\nthe rest"
    for cut in range(len(b"recorder\n"), len(text)):
        new = Recorder(keep_open=True)
        listener = reactor.listen_tcp(lambda new=new: Chooser(new), "localhost", 100 + cut)
        transport, _ = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 100 + cut))
        transport.write(text[:cut])
        reactor.settle()
        transport.write(text[cut:])
        reactor.settle()
        assert new.data == b"the rest"
        transport.abort(), listener.close()


@pytest.mark.loud
@pytest.mark.parametrize("error", [KeyError("bug"), GeneratorExit()])
def test_what_it_raises_as_it_begins_ends_the_connection_and_comes_back(reactor, caplog, error):
    class Broken(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            raise error

    new = Broken()
    chooser = Chooser(new)
    _, client = serve(reactor, chooser)
    client.transport.write(b"broken\nthe rest")
    reactor.settle()
    assert chooser.told == [error]
    assert new.lost is error
    assert new.data == b""
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert "Broken.connection_made, which ends" in record.getMessage()
    assert "eof_received" in client.events


@pytest.mark.parametrize("exits", [SystemExit, KeyboardInterrupt])
def test_an_exit_goes_through_and_leaves_nothing_half_open(reactor, exits):
    class Leaves(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            raise exits

    new = Leaves()
    transport, _ = serve(reactor, Chooser(new))
    transport.write(b"leave\n")
    with pytest.raises(exits):
        reactor.settle()
    reactor.settle()
    assert "connection_lost" in new.events


def test_reading_goes_on_where_the_former_one_had_paused(reactor):
    new = Recorder(keep_open=True)
    transport, _ = serve(reactor, Chooser(new, lambda transport: transport.pause_reading()))
    transport.write(b"recorder\nthe rest")
    reactor.settle()
    assert new.data == b"the rest"
    transport.abort()


def test_what_the_former_one_gave_back_comes_behind(reactor):
    new = Recorder(keep_open=True)
    transport, _ = serve(reactor, Chooser(new, lambda transport: transport.unread(b"and this")))
    transport.write(b"recorder\nthe rest ")
    reactor.settle()
    assert new.data == b"the rest and this"
    transport.abort()


def test_it_may_pause_as_it_begins(reactor):
    class Paused(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()

    new = Paused(keep_open=True)
    transport, _ = serve(reactor, Chooser(new))
    transport.write(b"paused\nthe rest")
    reactor.settle()
    assert new.data == b""
    new.transport.resume_reading()
    reactor.settle()
    assert new.data == b"the rest"
    transport.abort()


def test_a_peer_that_takes_nothing_is_told(reactor):
    new = Recorder(keep_open=True)
    transport, client = serve(reactor, Chooser(new, lambda transport: transport.write(b"x" * 3_000_000)))
    client.transport.pause_reading()
    client.transport.write(b"recorder\n")
    reactor.settle()
    assert new.events == ["connection_made", "pause_writing"]
    transport.abort()


class Late(Protocol):
    """Gives the connection away once the peer has said its end."""

    def __init__(self, new):
        self.new, self.data = new, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data

    def eof_received(self):
        self.transport.switch_protocol(self.new, self.data)
        return True


def test_a_peer_that_has_said_its_end(reactor):
    new = Recorder()
    reactor.listen_tcp(lambda: Late(new), "localhost", 7)
    transport, _ = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
    transport.write(b"all of it")
    transport.write_eof()
    reactor.settle()
    assert new.data == b"all of it"
    assert [event for event in new.events if event != "data_received"][:2] == ["connection_made", "eof_received"]
    assert "connection_lost" in new.events


def test_a_buffered_protocol_begins_too(reactor):
    class Buffered(BufferedProtocol):
        data = b""

        def connection_made(self, transport):
            self.transport, self.buffer = transport, bytearray(4)

        def get_buffer(self, sizehint):
            return self.buffer

        def buffer_updated(self, count):
            self.data += self.buffer[:count]

    new = Buffered()
    transport, _ = serve(reactor, Chooser(new))
    transport.write(b"buffered\nthe rest of it")
    reactor.settle()
    assert new.data == b"the rest of it"
    transport.abort()


def test_once_the_end_has_begun_nobody_hears_anything(reactor):
    new = Recorder()
    chooser = Chooser(new, lambda transport: transport.close())
    transport, client = serve(reactor, chooser)
    transport.write(b"recorder\nthe rest")
    reactor.settle()
    assert isinstance(chooser.told[0], ConnectionAbortedError)
    assert new.events == []
    transport.abort(), client.transport.abort()
    reactor.settle()
    assert chooser.lost == [None]


def test_a_checked_connection_is_held_to_a_contract_of_the_new_one_s_own(reactor):
    new = Recorder()
    factory = checked(lambda: Chooser(new))
    reactor.listen_tcp(factory, "localhost", 7)
    transport, _ = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
    transport.write(b"recorder\nthe rest")
    reactor.settle()
    assert new.data == b"the rest"
    transport.abort()
    reactor.settle()
    factory.finish()  # nothing is owed a connection_lost


class Buffered(BufferedProtocol):
    data = b""

    def connection_made(self, transport):
        self.buffer = bytearray(4)

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, count):
        self.data += self.buffer[:count]


class Counted(LineProtocol):
    data = b""

    def line_received(self, line):
        self.data += line + b"\n"


class Passing(Protocol):
    """Gives the connection away as it begins, with nothing behind it: as a WebSocket's handshake does."""

    def __init__(self, new):
        self.new = new

    def connection_made(self, transport):
        transport.switch_protocol(self.new)


@pytest.mark.parametrize("kind", [Buffered, Counted, Recorder], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("is_passed", [False, True], ids=["at once", "by another"])
def test_nothing_of_what_came_before_the_peers_end_is_lost(reactor, kind, is_passed):
    new, sent = kind(), b"all\n" * 3000  # more than a framer takes in a row
    reactor.listen_tcp(lambda: Late(Passing(new) if is_passed else new), "localhost", 7)
    transport, client = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
    transport.write(sent)
    transport.write_eof()
    reactor.settle()
    assert new.data == sent
    assert client.events[-1] == "connection_lost"


def test_what_the_former_one_says_to_the_peers_end_counts_no_more(reactor):
    class Silent(Late):
        def eof_received(self):
            super().eof_received()

    new = Recorder(keep_open=True)
    reactor.listen_tcp(lambda: Silent(new), "localhost", 7)
    transport, _ = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
    transport.write(b"all of it")
    transport.write_eof()
    reactor.settle()
    assert new.events == ["connection_made", "data_received", "eof_received"]
    new.transport.abort()


def test_a_peer_that_takes_nothing_is_told_of_once_where_one_gives_it_to_another(reactor):
    new = Recorder(keep_open=True)
    chooser = Chooser(Passing(new), lambda transport: transport.write(b"x" * 3_000_000))
    transport, client = serve(reactor, chooser)
    client.transport.pause_reading()
    client.transport.write(b"recorder\nrest")
    reactor.settle()
    assert new.events == ["connection_made", "pause_writing", "data_received"]
    transport.abort()


@pytest.mark.parametrize("gives_to", [None, Buffered, Recorder], ids=["itself", "Buffered", "Recorder"])
def test_what_a_buffered_protocol_gives_back_comes_before_what_it_was_not_fed_yet(reactor, gives_to):
    class Gives(Buffered):
        def connection_made(self, transport):
            super().connection_made(transport)
            self.transport, self.new = transport, self

        def buffer_updated(self, count):
            whole, self.buffer_updated = bytes(self.buffer), super().buffer_updated  # the first time only
            self.data = whole[:1]
            if gives_to is None:
                self.transport.unread(whole[1:])
            else:
                self.new = gives_to()
                self.transport.switch_protocol(self.new, whole[1:])

    first = Gives()
    transport, _ = serve(reactor, Chooser(first))
    transport.write(b"buffered\nthe rest of it")
    reactor.settle()
    assert first.data + (b"" if gives_to is None else first.new.data) == b"the rest of it"
    transport.abort()
