"""Calls from other threads speak at once, without debug mode; debug mode changes nothing that programs compare."""

from __future__ import annotations

import functools
import logging
import threading

import pytest

from reactor import DatagramProtocol, LineProtocol, Promise, Protocol, Reactor, ReactorError, StreamTransport
from reactor.testing import MemoryReactor, Recorder
from tests.kit.threads import elsewhere
from tests.test_public_face import LISTENER, REACTOR, STREAM

pytestmark = pytest.mark.loud


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

            reactor.call_later(100, int)
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


PATH = {"path": "/nowhere/at-all"}
SEVEN = {"host": "127.0.0.1", "port": 7}
OF_A_REACTOR = {
    "abort": {},
    "add_reader": {"fd": 0, "fn": int},
    "add_signal_handler": {"signum": 10, "fn": int},
    "add_writer": {"fd": 0, "fn": int},
    "call_at": {"when": 7, "fn": int},
    "call_every": {"interval": 7, "fn": int},
    "call_later": {"delay": 7, "fn": int},
    "call_soon": {"fn": int},
    "connect_tcp": {"factory": Protocol, **SEVEN},
    "connect_unix": {"factory": Protocol, **PATH},
    "drain": {},
    "listen_socket": {"factory": Protocol, "sock": None},
    "flush": {},
    "listen_tcp": {"factory": Protocol, **SEVEN},
    "listen_unix": {"factory": Protocol, **PATH},
    "open_stdio": {"factory": Protocol},
    "open_udp": {"factory": Protocol},
    "promise": {},
    "remove_reader": {"fd": 0},
    "remove_writer": {"fd": 0},
    "run_in_thread": {"fn": int},
}
ANY_THREAD = {
    "call_soon_threadsafe": "it is for that",
    "stop": "it is for that, too",
    "close": "refused while the loop runs, in any thread",
    "run": "refused while the loop runs, in any thread",
    "run_until": "refused while the loop runs, in any thread",
    "remove_signal_handler": "the signal module refuses it outside of the main thread",
    **dict.fromkeys(("connections", "dump", "stats", "time"), "it only tells"),
}
OF_A_TRANSPORT = {
    "abort": {},
    "close": {},
    "pause_reading": {},
    "resume_reading": {},
    "sendfile": {"file": None},
    "set_protocol": {"protocol": Protocol()},
    "start_tls": {"context": None},
    "switch_protocol": {"protocol": Protocol()},
    "unread": {"data": b"again"},
    "write": {"data": b"hello"},
    "write_eof": {},
    "writelines": {"chunks": [b"hello"]},
}
TELLS = {name for name in STREAM if name.startswith(("get_", "is_", "can_", "bytes_"))} | {"delivery"}
OF_A_LISTENER = {"abort": {}, "close": {}, "drain": {}}
WHILE_IT_SLEEPS = {"call_soon", "write", "writelines"}
"""They are as quick as the check itself, so they are asked only where the answer costs nothing: in its poll."""
CALLS = [
    *((f"reactor.{name}", name, options) for name, options in OF_A_REACTOR.items()),
    *((f"transport.{name}", name, options) for name, options in OF_A_TRANSPORT.items()),
    *((f"listener.{name}", name, options) for name, options in OF_A_LISTENER.items()),
    ("timer.reset", "reset", {"delay": 7}),
]


def test_every_verb_is_in_one_of_the_tables():
    assert OF_A_REACTOR.keys() | ANY_THREAD.keys() == REACTOR
    assert OF_A_TRANSPORT.keys() | TELLS | {"set_write_buffer_limits"} == STREAM  # it sets two numbers
    assert (
        OF_A_LISTENER.keys() | {"addresses", "connections", "is_accepting", "keep_path", "port", "sockets"} == LISTENER
    )


def on(where, reactor, transport):
    """The object that a call is of: a timer, made on the loop's own thread, was made before."""
    kind = where.partition(".")[0]
    return {"reactor": reactor, "transport": transport, "listener": listener_of(reactor), "timer": timer_of(reactor)}[
        kind
    ]


def listener_of(reactor):
    return next(iter(reactor._inventory.listeners))


def timer_of(reactor):
    return next(iter(reactor.timers.armed.values()), None)


@pytest.mark.parametrize(("where", "verb", "options"), CALLS, ids=[call[0] for call in CALLS])
def test_a_call_from_another_thread_is_refused_and_names_both(where, verb, options):
    def call(reactor, transport):
        getattr(on(where, reactor, transport), verb)(**options)

    (raised,) = while_it_sleeps(call)
    assert f"{verb}() in the thread 'worker-7', while the loop runs in 'MainThread'" in raised
    assert "use call_soon_threadsafe" in raised


@pytest.mark.parametrize(("where", "verb", "options"), CALLS, ids=[call[0] for call in CALLS])
def test_while_the_loop_works_too(running, where, verb, options):
    if verb in WHILE_IT_SLEEPS:
        return
    raised = running(
        lambda reactor, transport: elsewhere(functools.partial(getattr(on(where, reactor, transport), verb), **options))
    )
    assert isinstance(raised, RuntimeError)
    assert f"{verb}() in the thread 'worker-7'" in str(raised)


@pytest.mark.parametrize("verb", ["close", "run", "run_until"])
def test_who_closes_or_runs_a_running_loop_is_told_in_any_thread(running, verb):
    raised = running(
        lambda reactor, _: elsewhere(getattr(reactor, verb), *([Promise()] if verb == "run_until" else []))
    )
    assert isinstance(raised, (RuntimeError, ReactorError))


def test_a_datagram_from_another_thread(running):
    def check(reactor, _):
        udp = reactor.open_udp(DatagramProtocol, local=("127.0.0.1", 0))
        told = [elsewhere(getattr(udp, verb)) for verb in ("pause_reading", "resume_reading", "close", "abort")]
        return [str(each) for each in told]

    assert all("in the thread 'worker-7'" in text for text in running(check))


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


def loud(everybody):
    """A class whose objects say more to `everybody()` than a peer takes at once."""

    class Loud(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.set_write_buffer_limits(1000)

        def data_received(self, data):
            for transport in everybody():
                transport.write(b"x" * 3_000_000)

    return Loud


def test_writing_to_everybody_the_speaker_too_breaks_no_contract(memory, caplog):
    kind = loud(lambda: listener.connections)
    listener = memory.listen_tcp(lambda: kind(keep_open=True), "localhost", 7)
    transport, _ = memory.run_until(memory.connect_tcp(Recorder, "localhost", 7))
    transport.write(b"go")
    memory.settle()
    assert "contract" not in caplog.text
    transport.abort()
    memory.settle()


def test_a_checked_protocol_is_not_blamed_for_a_write_that_goes_another_way():
    from reactor.testing import checked

    kind = loud(lambda: listener.connections)
    with MemoryReactor() as reactor:
        listener = reactor.listen_tcp(checked(kind), "localhost", 7)
        transport, client = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
        transport.write(b"go")
        reactor.settle()
        assert len(client.data) == 3_000_000
