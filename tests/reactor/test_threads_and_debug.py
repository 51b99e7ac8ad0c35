"""Calls from other threads speak at once, without debug mode; debug mode changes nothing that programs compare."""

from __future__ import annotations

import logging
import threading

import pytest

from reactor import LineProtocol, Protocol, Reactor, StreamTransport
from reactor.testing import MemoryReactor, Recorder

pytestmark = pytest.mark.loud


def elsewhere(fn, *args):
    """What `fn(*args)` raises in another thread."""
    raised = []

    def attempt():
        try:
            fn(*args)
        except Exception as exc:
            raised.append(exc)

    thread = threading.Thread(target=attempt, name="worker-7")
    thread.start()
    thread.join()
    return raised[0] if raised else None


# -- threads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def running():
    """Runs a check inside the loop, on an open connection."""
    with Reactor(watchdog=0) as reactor:

        def run(check):
            server, outcome = Recorder(keep_open=True), []
            listener = reactor.listen_tcp(lambda: server, "127.0.0.1", 0)
            transport, _ = reactor.run_until(reactor.connect_tcp(Recorder, "127.0.0.1", listener.port))

            def inside():
                try:
                    outcome.append(check(reactor, transport))
                finally:
                    reactor.stop()

            reactor.call_soon(inside)
            reactor.run()
            return outcome[0]

        yield run


def while_it_sleeps(call):
    """What `call(reactor, transport)` raises in a thread of its own, while the loop waits in its poll."""
    raised = []
    with Reactor(watchdog=0) as reactor:
        listener = reactor.listen_tcp(lambda: Recorder(keep_open=True), "127.0.0.1", 0)
        transport, _ = reactor.run_until(reactor.connect_tcp(Recorder, "127.0.0.1", listener.port))

        def late():
            while not reactor.asleep:
                pass
            try:
                call(reactor, transport)
            except RuntimeError as exc:
                raised.append(str(exc))
            reactor.stop()

        thread = threading.Thread(target=late, name="worker-7")
        reactor.call_soon(thread.start)
        reactor.call_later(20, reactor.stop)
        reactor.run()
        thread.join()
    return raised


@pytest.mark.parametrize(
    "call",
    [lambda reactor, transport: transport.write(b"hello"), lambda reactor, transport: reactor.call_soon(print)],
    ids=["write", "call_soon"],
)
def test_a_call_from_another_thread_is_refused_and_names_both(call):
    (raised,) = while_it_sleeps(call)
    for word in ("'worker-7'", "'MainThread'", "call_soon_threadsafe"):
        assert word in raised


@pytest.mark.parametrize("verb", ["listen_tcp", "connect_tcp"])
def test_a_verb_of_the_network_from_another_thread_is_refused(running, verb):
    raised = running(lambda reactor, _: elsewhere(getattr(reactor, verb), Protocol, "127.0.0.1", 1))
    assert isinstance(raised, RuntimeError)
    assert "worker-7" in str(raised)


def test_what_is_posted_from_another_thread_is_quiet(running, caplog):
    assert running(lambda reactor, _: elsewhere(reactor.call_soon_threadsafe, int)) is None
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


@pytest.mark.parametrize("debug", [False, True])
def test_stop_from_another_thread_works_at_once(debug):
    with Reactor(watchdog=0, debug=debug) as reactor:
        reactor.call_later(30, print)
        threading.Timer(0.05, reactor.stop).start()
        began = reactor.time()
        reactor.run()
        assert reactor.time() - began < 15


def test_before_and_after_a_run_any_thread_may_write(running):
    with Reactor(watchdog=0) as reactor:
        listener = reactor.listen_tcp(Recorder, "127.0.0.1", 0)
        transport, _ = reactor.run_until(reactor.connect_tcp(Recorder, "127.0.0.1", listener.port))
        assert elsewhere(transport.write, b"hello") is None


# -- debug mode -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["plain", "debug"])
def memory(request, monkeypatch):
    monkeypatch.setenv("REACTOR_DEBUG", "1" if request.param else "0")
    with MemoryReactor() as reactor:
        yield reactor


def test_a_transport_is_one_object_everywhere(memory):
    servers, clients = [], []

    class Server(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            servers.append(transport)

    class Client(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            clients.append(transport)

    listener = memory.listen_tcp(Server, "localhost", 7)
    transport, protocol = memory.run_until(memory.connect_tcp(Client, "localhost", 7))
    memory.settle()
    (accepted,) = listener.connections
    assert servers[0] is accepted
    assert clients[0] is transport is protocol.transport
    assert accepted in memory.connections()
    assert {accepted: "kept"}[servers[0]] == "kept"
    assert type(protocol) is Client
    assert transport.get_protocol() is protocol
    assert isinstance(servers[0], StreamTransport)
    assert hash(servers[0]) == hash(accepted)
    other = Recorder(keep_open=True)
    transport.set_protocol(other)
    assert transport.get_protocol() is other
    servers[0].write(b"to the other")
    memory.settle()
    assert other.data == b"to the other"
    transport.abort(), accepted.abort()


def test_a_broadcast_to_everybody_else_is_not_heard_by_the_speaker(memory):
    class Chat(LineProtocol):
        def line_received(self, line):
            for transport in listener.connections:
                if transport is not self.transport:
                    transport.write(line + b"\n")

    listener = memory.listen_tcp(Chat, "localhost", 7)
    people = [memory.run_until(memory.connect_tcp(Recorder, "localhost", 7)) for _ in range(3)]
    people[0][0].write(b"hello\n")
    memory.settle()
    assert [client.data for _, client in people] == [b"", b"hello\n", b"hello\n"]
    for transport, _ in people:
        transport.abort()


def test_writing_to_everybody_the_speaker_too_breaks_no_contract(memory, caplog):
    class Loud(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.set_write_buffer_limits(1000)

        def data_received(self, data):
            for transport in listener.connections:
                transport.write(b"x" * 3_000_000)

    listener = memory.listen_tcp(lambda: Loud(keep_open=True), "localhost", 7)
    transport, _ = memory.run_until(memory.connect_tcp(Recorder, "localhost", 7))
    transport.write(b"go")
    memory.settle()
    assert "contract" not in caplog.text
    transport.abort()
    memory.settle()


def test_a_checked_protocol_is_not_blamed_for_a_write_that_goes_another_way():
    from reactor.testing import checked

    class Loud(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.set_write_buffer_limits(1000)

        def data_received(self, data):
            for transport in listener.connections:
                transport.write(b"x" * 3_000_000)

    with MemoryReactor() as reactor:
        listener = reactor.listen_tcp(checked(Loud), "localhost", 7)
        transport, client = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
        transport.write(b"go")
        reactor.settle()
        assert len(client.data) == 3_000_000
