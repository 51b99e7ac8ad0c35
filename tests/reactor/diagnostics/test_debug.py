"""Debug mode: each thing it is for, once; and that nothing of it is there when it is off."""

from __future__ import annotations

import gc
import logging
import os
import weakref

import pytest

from reactor import DatagramProtocol, LineProtocol, Protocol, Reactor, ReactorError, StreamTransport
from reactor.diagnostics.contract import ContractBreach
from reactor.diagnostics.debug import CALLS, REPORTS, VERBS, _forgotten
from reactor.testing import MemoryReactor, Recorder, SteppedReactor
from tests.kit.threads import elsewhere

pytestmark = pytest.mark.loud


@pytest.fixture
def texts(caplog):
    def read(level=logging.WARNING):
        return [record.getMessage() for record in caplog.records if record.levelno >= level]

    return read


@pytest.fixture
def stepped(monkeypatch):
    monkeypatch.setenv("REACTOR_DEBUG", "1")
    with SteppedReactor() as reactor:
        yield reactor


@pytest.fixture
def memory(monkeypatch):
    monkeypatch.setenv("REACTOR_DEBUG", "1")
    with MemoryReactor() as reactor:
        yield reactor


def joined(reactor, server, client=Recorder):
    """Two connected transports; the first is accepted."""
    listener = reactor.listen_tcp(server, "localhost", 7)
    theirs, _ = reactor.run_until(reactor.connect_tcp(client, "localhost", 7))
    reactor.settle()
    return next(iter(listener.connections)), theirs


# -- threads --------------------------------------------------------------------------------------------------------


def test_a_call_from_another_thread_is_refused_and_names_both():
    with Reactor(debug=True) as reactor:
        raised = []

        def inside():
            raised.append(elsewhere(reactor.call_soon, print))
            raised.append(elsewhere(reactor.call_later, 1, print))
            raised.append(elsewhere(reactor.call_soon_threadsafe, int))
            reactor.stop()

        reactor.call_soon(inside)
        reactor.run()
    assert [type(exc) for exc in raised] == [RuntimeError, RuntimeError, type(None)]
    assert str(raised[0]) == (
        "call_soon() in the thread 'worker-7', while the loop runs in 'MainThread': use call_soon_threadsafe"
    )


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_looks(name):
    with Reactor(debug=True) as reactor:
        raised = []
        reactor.call_soon(lambda: (raised.append(elsewhere(getattr(reactor, name))), reactor.stop()))
        reactor.run()
    assert str(raised[0]).startswith(f"{name}() in the thread 'worker-7'")


def test_transports_look_too_however_they_were_reached():
    with Reactor(debug=True) as reactor:
        listener = reactor.listen_tcp(Protocol, "127.0.0.1", 0)
        stream, _ = reactor.run_until(reactor.connect_tcp(Protocol, "127.0.0.1", listener.port))
        datagrams = reactor.open_udp(DatagramProtocol, local=("127.0.0.1", 0))
        raised = []

        def inside():
            for transport in (stream, next(iter(listener.connections)), datagrams):
                names = [name for name in CALLS if hasattr(transport, name)]
                raised.extend((name, elsewhere(getattr(transport, name))) for name in names)
            for transport in reactor.connections():
                transport.abort()
            reactor.stop()

        reactor.call_later(0, inside)
        reactor.run()
    assert {name for name, _ in raised} == set(CALLS)
    for name, exc in raised:
        assert str(exc).startswith(f"transport.{name}() in the thread 'worker-7'")


def test_listeners_and_timers_look_too():
    with Reactor(debug=True) as reactor:
        listener = reactor.listen_tcp(Protocol, "127.0.0.1", 0)
        timer = reactor.call_later(60, int)
        calls = {
            "listener.close": listener.close,
            "listener.drain": listener.drain,
            "listener.abort": listener.abort,
            "timer.reset": lambda: timer.reset(5),
        }
        raised = {}

        def inside():
            for name, call in calls.items():
                raised[name] = str(elsewhere(call))
            raised["timer.cancel"] = elsewhere(timer.cancel)
            reactor.stop()

        reactor.call_later(0, inside)
        reactor.run()
        assert listener.is_accepting()
    assert raised.pop("timer.cancel") is None  # harmless anywhere
    assert not timer.active
    for name, text in raised.items():
        assert text.startswith(f"{name}() in the thread 'worker-7'")


def test_a_close_that_was_refused_is_not_held_against_the_connection(texts):
    """It was not made, so what comes afterwards breaks no contract."""
    with Reactor(debug=True) as reactor:
        server = Recorder()
        listener = reactor.listen_tcp(lambda: server, "127.0.0.1", 0)
        client, _ = reactor.run_until(reactor.connect_tcp(Protocol, "127.0.0.1", listener.port))
        refused = []

        def inside():
            refused.append(elsewhere(server.transport.close))
            client.write(b"goes on")
            client.close()

        server.connection_lost = lambda exc: reactor.stop()
        reactor.call_later(0.001, inside)
        reactor.run()
        assert "transport.close()" in str(refused[0])
        assert server.data == b"goes on"
    assert texts() == []


def test_a_reactor_that_does_not_run_may_be_set_up_anywhere(texts):
    with Reactor(debug=True) as reactor:
        assert elsewhere(reactor.call_soon, reactor.stop) is None
        reactor.run()
    assert texts() == []


# -- time -----------------------------------------------------------------------------------------------------------


class Slow(LineProtocol):
    def line_received(self, line):
        self.clock.advance(0.15)


def test_slow_callbacks_are_named_with_their_time(memory, texts):
    Slow.clock = clock = memory.world.clock
    _, client = joined(memory, Slow)
    client.write(b"x\n")
    memory.settle()

    def call(seconds):
        clock.advance(seconds)

    def tick(seconds):
        clock.advance(seconds)

    memory.call_soon(call, 0.25)
    memory.settle()
    memory.call_later(1, tick, 0.3)
    memory.advance(2)
    memory.call_soon(call, 0.0999)
    memory.settle()
    where = "test_slow_callbacks_are_named_with_their_time.<locals>."
    assert texts() == [
        "slow callback: Slow.data_received took 0.15 s",
        f"slow callback: {where}call took 0.25 s",
        f"slow callback: {where}tick took 0.30 s",
    ]
    for transport in memory.connections():
        transport.abort()


def test_a_slow_reader_of_a_descriptor_is_named(stepped, texts):
    reading, writing = os.pipe()

    def readable():
        os.read(reading, 1)
        stepped._fake.advance(0.2)

    stepped.add_reader(reading, readable)
    os.write(writing, b"x")
    stepped.settle()
    stepped.remove_reader(reading)
    os.close(reading), os.close(writing)
    assert len(texts()) == 1
    assert texts()[0].endswith("readable took 0.20 s")


# -- the contract ---------------------------------------------------------------------------------------------------


def test_every_connection_is_held_to_its_contract(memory, texts):
    accepted, client = joined(memory, Recorder)
    protocol = accepted.get_protocol()
    assert isinstance(protocol, Recorder)
    assert isinstance(protocol.transport, StreamTransport)
    assert weakref.ref(protocol.transport)() is protocol.transport
    client.write(b"fine")
    memory.settle()
    assert protocol.data == b"fine"
    assert texts() == []
    accepted._protocol.resume_writing()  # which was never paused
    (text,) = texts()
    assert text.startswith("contract broken: resume_writing without pause_writing: ")
    assert type(accepted._contract.breaches[0]) is ContractBreach
    client.abort(), accepted.abort()


def test_a_drain_from_inside_a_callback_breaks_nothing(memory, texts):
    class Leaving(Recorder):
        def data_received(self, data):
            memory.drain()

        def draining(self, grace):
            self.events.append("draining")

    accepted, client = joined(memory, Leaving)
    protocol = accepted.get_protocol()
    client.write(b"x")
    memory.advance(10)
    assert "draining" in protocol.events
    assert texts() == []


@pytest.mark.parametrize("verb", ["listen_tcp", "connect_tcp"])
def test_a_factory_that_is_none_is_still_refused(memory, verb):
    with pytest.raises(TypeError, match="the factory makes a protocol for each connection"):
        getattr(memory, verb)(None, "localhost", 7)


def test_a_factory_that_forgot_its_return_is_still_told_so(memory, texts):
    def factory():
        pass

    memory.listen_tcp(factory, "localhost", 7)
    client, _ = memory.run_until(memory.connect_tcp(Recorder, "localhost", 7))
    memory.settle()
    client.abort()
    assert "exception in the factory" in texts()[0]


# -- what nobody has closed -------------------------------------------------------------------------------------------


def test_connections_that_nobody_closed_are_told_with_where_they_come_from(memory, texts):
    joined(memory, Recorder)
    memory.close()
    accepted, ours = texts()
    assert accepted.startswith("<StreamTransport 127.0.0.1:")
    assert "was never closed; it comes from here:\n" in accepted
    assert 'reactor.listen_tcp(server, "localhost", 7)' in accepted
    assert 'reactor.connect_tcp(client, "localhost", 7)' in ours
    assert "test_debug.py" in ours
    assert "reactor/reactor.py" not in ours
    memory.close()
    assert len(texts()) == 2


def test_closed_ones_are_not(monkeypatch, texts):
    monkeypatch.setenv("REACTOR_DEBUG", "1")
    reactor = MemoryReactor()
    for transport in joined(reactor, Recorder):
        transport.close()
    reactor.close()
    del reactor, transport
    gc.collect()
    assert texts() == []


def test_a_thousand_of_them_are_bounded(memory, texts):
    memory.listen_tcp(Recorder, "localhost", 7)
    for _ in range(REPORTS):
        memory.run_until(memory.connect_tcp(Recorder, "localhost", 7))
    memory.settle()
    memory.close()
    assert len(texts()) == REPORTS + 1
    assert texts()[-1] == f"{REPORTS} more connections were never closed"


def test_a_reactor_that_nobody_closed_is_told_where_it_was_made(texts):
    reactor = Reactor(debug=True)
    parts = reactor.poller, reactor._wakeup
    del reactor
    gc.collect()
    (text,) = texts()
    assert text.startswith("a reactor was never closed; it was made here:\n")
    assert "reactor = Reactor(debug=True)" in text
    for part in parts:
        part.close()
    _forgotten(os.getpid() + 1, "a copy in a forked child")
    assert len(texts()) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_nothing_to_tell(memory, texts):
    for transport in joined(memory, Recorder):
        pid = os.fork()
        if not pid:
            memory.close()
            os._exit(len(texts()))
        assert os.waitpid(pid, 0)[1] == 0
        transport.abort()


# -- names and what was never run ----------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["connection_made", "data_received"])
def test_an_exception_is_told_with_the_class_of_the_program(memory, texts, broken):
    class Careless(Protocol):
        def fail(self, *args):
            raise KeyError("mine")

    setattr(Careless, broken, Careless.fail)
    _, theirs = joined_or_lost(memory, Careless)
    theirs.write(b"x")
    memory.settle()
    (text,) = texts(logging.ERROR)
    assert text.startswith(f"exception in {Careless.__qualname__}.{broken}, which ends ")


def joined_or_lost(reactor, server):
    reactor.listen_tcp(server, "localhost", 7)
    theirs, client = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
    return client, theirs


def test_a_listener_whose_reactor_never_ran(texts):
    with Reactor(debug=True) as reactor:
        reactor.listen_tcp(Recorder, "127.0.0.1", 0)
        reactor.listen_tcp(Protocol, "127.0.0.1", 0)
    (text,) = texts()
    assert text.startswith("2 listeners, and run() was never called: nobody was served; opened here:\n")
    assert 'reactor.listen_tcp(Recorder, "127.0.0.1", 0)' in text


def fail_after(listener):
    raise ReactorError("no names")


def test_no_word_of_it_where_it_ran_was_closed_or_the_program_raised(memory, texts):
    memory.listen_tcp(Recorder, "localhost", 7)
    memory.settle()
    memory.close()
    with Reactor(debug=True) as reactor:
        reactor.listen_tcp(Recorder, "127.0.0.1", 0).close()
    with pytest.raises(ReactorError, match="names"), Reactor(debug=True) as reactor:
        fail_after(reactor.listen_tcp(Recorder, "127.0.0.1", 0))
    with SteppedReactor() as reactor:
        reactor.listen_tcp(Recorder, "127.0.0.1", 0)
        reactor.settle()
    assert texts() == []


# -- on and off -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "environment", "debug"),
    [(None, "", False), (None, "0", False), (None, "1", True), (False, "1", False), (True, "", True)],
)
def test_the_program_decides_then_the_environment(monkeypatch, given, environment, debug):
    monkeypatch.setenv("REACTOR_DEBUG", environment)
    with Reactor(debug=given) as reactor:
        assert (reactor._inventory.clients.kind is not StreamTransport) == debug


def test_off_it_leaves_nothing_behind(monkeypatch):
    monkeypatch.delenv("REACTOR_DEBUG", raising=False)
    with Reactor() as reactor:
        assert not {*VERBS, "guard", "kind", "close"} & set(vars(reactor))
        assert "_fire" not in vars(reactor.timers)
