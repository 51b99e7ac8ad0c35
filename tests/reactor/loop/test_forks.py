"""A forked child and its parent's reactor: every verb is refused, and nothing the child does reaches the parent."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from reactor import Protocol, Reactor, ReactorError
from reactor.loop.forks import KEPT
from reactor.loop.poller import READ
from reactor.testing import Recorder, SteppedReactor

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def in_child(work):
    """Run `work` in a forked child; the text it returns."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20)  # a child that hangs is killed
            os.write(write, str(work()).encode())
        except BaseException as exc:
            os.write(write, f"{type(exc).__name__}: {exc}".encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as answer:
        return answer.read()


REFUSED = "ReactorError: this reactor belongs to the parent process: after a fork make a new one"


def refusals(calls):
    """What each of these calls says in a child, which makes them all."""

    def work():
        said = []
        for call in calls:
            try:
                call()
                said.append("no error")
            except Exception as exc:
                said.append(f"{type(exc).__name__}: {exc}")
        return "\n".join(said)

    return in_child(work).split("\n")


def verbs(reactor):
    """Every public method of a reactor that a program may call."""
    return sorted(
        name for name in dir(Reactor) if name[0] != "_" and callable(getattr(reactor, name)) and name not in KEPT
    )


def test_every_verb_of_a_reactor_is_refused_in_a_child(stage):
    names = verbs(stage.reactor)
    assert {"run", "call_soon", "call_later", "call_soon_threadsafe", "listen_tcp", "stop", "drain"} <= {*names}
    said = refusals([lambda name=name: getattr(stage.reactor, name)() for name in names])
    assert dict(zip(names, said, strict=True)) == dict.fromkeys(names, REFUSED)


@pytest.mark.parametrize("verb", ["close", "drain", "abort"])
def test_a_listener_is_refused_in_a_child(stage, verb):
    listener = stage.serve(Recorder)
    assert refusals([lambda: getattr(listener, verb)()]) == [REFUSED]
    stage.dial(listener)
    assert stage.reactor.stats()["accepted"] == 1


def test_a_child_takes_no_newcomer_away_even_in_the_tick_that_forked_it(stage):
    listener = stage.serve(Recorder)
    with socket.create_connection(listener.addresses[0]):
        in_child(lambda: listener._acceptors[0]._on_ready(READ))
        stage.reactor.settle()
        assert stage.reactor.stats()["accepted"] == 1


def test_a_connection_is_refused_in_a_child_and_the_parents_goes_on(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    calls = [
        lambda: transport.write(b"small"),
        lambda: transport.write(bytes(100_000)),
        lambda: transport.writelines([b"a", b"b"]),
        transport.write_eof,
        transport.close,
        transport.abort,
    ]
    assert refusals(calls) == [REFUSED] * len(calls)
    assert stage.received(peer) == b""
    peer.sendall(b"hello")
    transport.write(b"welcome")
    assert stage.received(peer) == b"welcome"
    assert protocol.data == b"hello"
    assert protocol.events == ["connection_made", "data_received"]


def test_a_datagram_socket_is_refused_in_a_child(stage):
    heard = Recorder()
    heard.datagram_received = lambda data, addr: setattr(heard, "data", data)
    transport = stage.reactor.open_udp(lambda: heard, local=("127.0.0.1", 0))
    address = transport.get_extra_info("sockname")
    calls = [lambda: transport.sendto(b"from the child", address), transport.close, transport.abort]
    assert refusals(calls) == [REFUSED] * 3
    stage.reactor.settle()
    assert heard.data == b""
    transport.sendto(b"hello", address)
    stage.reactor.settle()
    assert heard.data == b"hello"


def test_what_waits_to_be_written_is_sent_by_the_parent_alone(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    transport.write(b"once")
    in_child(stage.reactor.close)
    assert stage.received(peer) == b"once"


def test_pausing_in_a_child_does_not_pause_the_parent(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    in_child(transport.pause_reading)
    in_child(transport.resume_reading)
    peer.sendall(b"hello")
    stage.reactor.settle()
    assert protocol.data == b"hello"


def test_closing_a_forked_copy_does_not_touch_the_parents_connections(stage):
    protocol = Recorder()
    listener = stage.serve(lambda: protocol)
    peer = stage.dial(listener)
    stage.clog(protocol.transport)
    sock = protocol.transport.get_extra_info("socket")
    assert in_child(lambda: (stage.reactor.close(), sock.fileno(), protocol.events)[1:]) == f"(-1, {protocol.events})"
    peer.sendall(b"hello")
    stage.received(peer)
    assert protocol.data == b"hello"
    assert protocol.events[-1] != "connection_lost"
    stage.dial(listener)
    assert stage.reactor.stats()["accepted"] == 2
    assert "lost" not in protocol.events


def test_a_reader_of_the_parents_stays_registered(stage):
    ours, theirs = socket.socketpair()
    heard = []
    with ours, theirs:
        stage.reactor.add_reader(ours, lambda: heard.append(ours.recv(10)))
        assert refusals([lambda: stage.reactor.remove_reader(ours)]) == [REFUSED]
        in_child(stage.reactor.close)
        theirs.send(b"x")
        stage.reactor.settle()
        assert heard == [b"x"]
        stage.reactor.remove_reader(ours)


def test_a_child_that_comes_back_into_the_loop_is_thrown_out(stage):
    read, write = os.pipe()
    ran, forked = [], []

    def fork():
        if child := os.fork():
            forked.append(child)
            stage.reactor.call_soon(ran.append, "in the parent")
            stage.reactor.call_later(1, stage.reactor.stop)

    pid = os.getpid()
    stage.reactor.call_soon(fork)
    stage.reactor.call_soon(ran.append, "next")
    try:
        stage.reactor.run()
    except ReactorError as exc:
        os.write(write, str(exc).encode())
    finally:
        if os.getpid() != pid:
            os._exit(0)
    os.waitpid(forked[0], 0)  # not any child: the rest of the suite may be one, and its status would be lost
    os.close(write)
    with os.fdopen(read) as said:
        assert said.read() == REFUSED.partition(": ")[2]
    assert ran == ["next", "in the parent"]


def test_a_child_may_leave_by_exit_from_a_callback(stage):
    def fork():
        pid = os.fork()
        if not pid:
            raise SystemExit(7)
        ended.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        stage.reactor.stop()

    ended = []
    pid = os.getpid()
    stage.reactor.call_soon(fork)
    try:
        stage.reactor.run()
    except BaseException as exc:
        if os.getpid() == pid:
            raise
        os._exit(exc.code if isinstance(exc, SystemExit) else 1)
    assert ended == [7]


def test_sigterm_ends_a_child_and_is_not_taken_for_the_parents(stage):
    heard = []
    stage.reactor.add_signal_handler(signal.SIGTERM, heard.append, "parent")
    read, write = os.pipe()
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        os.write(write, b"x")
        while True:
            signal.pause()
    os.read(read, 1)
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    stage.reactor.settle()
    assert heard == []
    os.close(read)
    os.close(write)


def test_a_child_makes_a_reactor_of_its_own(stage):
    stage.serve(Recorder)

    def work():
        stage.reactor.close()
        with SteppedReactor() as reactor:
            listener = reactor.listen_tcp(Protocol, "127.0.0.1", 0)
            reactor.call_later(60, reactor.stop)
            reactor.run()
            return f"{reactor.stats()['listeners']} {listener.is_accepting()}"

    assert in_child(work) == "1 True"


def test_a_closed_reactor_in_a_child_stays_closed():
    reactor = SteppedReactor()
    reactor.close()
    assert in_child(reactor.close) == "None"
