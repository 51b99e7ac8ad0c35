"""A bug in the code under test fails the test, in every part of the kit; a peer's fault does not."""

from __future__ import annotations

import pytest

from reactor import FramingError, LineProtocol, Protocol, ReactorError
from reactor.testing import Faults, LineClient, MemoryReactor, Recorder, Simulator, SteppedReactor, connected_pair


class Buggy(LineProtocol):
    def line_received(self, line):
        if line == b"framing":
            raise FramingError("the peer's fault")
        raise KeyError(line.decode())


class Quiet(Exception):
    """To tell it from others."""


KITS = {
    "memory": lambda **options: MemoryReactor(**options),
    "stepped": lambda **options: SteppedReactor(**options),
    "simulator": lambda **options: Simulator(7, faults=Faults.none(), **options).host("one"),
}


@pytest.fixture(params=KITS)
def make(request):
    made = []

    def make(**options):
        made.append(KITS[request.param](**options))
        return made[-1]

    yield make
    for reactor in made:
        reactor.close()


HOST = {"memory": "localhost", "stepped": "127.0.0.1", "simulator": "localhost"}


def said(reactor, line, host="127.0.0.1"):
    listener = reactor.listen_tcp(Buggy, host, 0)
    transport, _ = reactor.run_until(reactor.connect_tcp(Recorder, host, listener.port))
    transport.write(line)
    return transport


@pytest.fixture(autouse=True)
def _bugs_are_raised(monkeypatch):
    from reactor.testing import bugs

    monkeypatch.setattr(bugs, "RAISED", True)


@pytest.mark.loud
@pytest.mark.parametrize("run", ["settle", "advance", "run"])
def test_what_a_protocol_raises_fails_the_test(make, run):
    reactor = make()
    said(reactor, b"the key\n")
    with pytest.raises(KeyError, match="the key"):
        getattr(reactor, run)(*([1] if run == "advance" else []))


@pytest.mark.loud
def test_unless_the_test_wants_the_log_alone(make):
    reactor = make(raise_bugs=False)
    said(reactor, b"the key\n")
    reactor.advance(1)


def test_a_peer_s_fault_is_no_bug(make):
    reactor = make()
    said(reactor, b"framing\n")
    reactor.advance(1)


@pytest.mark.loud
def test_timers_calls_and_factories_count_as_well(make):
    def bad():
        raise Quiet

    for arm in (lambda r: r.call_soon(bad), lambda r: r.call_later(1, bad)):
        reactor = make()
        arm(reactor)
        with pytest.raises(Quiet):
            reactor.advance(2)
    reactor = make()
    listener = reactor.listen_tcp(bad, "127.0.0.1", 0)
    reactor.connect_tcp(Recorder, "127.0.0.1", listener.port)
    with pytest.raises(Quiet):
        reactor.advance(1)


@pytest.mark.loud
def test_a_bug_in_connection_lost_fails_the_close():
    class Lost(Recorder):
        def connection_lost(self, exc):
            raise Quiet

    reactor = MemoryReactor()
    reactor.listen_tcp(Lost, "localhost", 7)
    reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
    reactor.settle()
    with pytest.raises(Quiet):
        reactor.close()
    assert reactor.closed


def test_a_pair_of_what_makes_protocols_on_a_reactor_of_mine():
    reactor = MemoryReactor()

    class Shout(LineProtocol):
        def line_received(self, line):
            self.send_line(line.upper())

    with connected_pair(LineClient, lambda: Shout(), reactor=reactor) as pair:
        assert pair.reactor is reactor
        pair.protocol_a.say("hello")
        pair.settle()
        assert pair.protocol_a.heard() == ["HELLO"]
        assert pair.protocol_a.heard() == []
        assert pair.protocol_a.lost == "open"
    assert pair.protocol_a.lost is None


def test_what_is_no_protocol_is_refused():
    for wrong in (7, object(), lambda: None):
        with pytest.raises(TypeError, match="joins two protocols"):
            connected_pair(wrong, Protocol())


class Waits(Protocol):
    """Waits inside a callback for what only its loop can do."""

    def __init__(self, wait):
        self.wait = wait

    def data_received(self, data):
        self.wait()


def told(reactor, wait, run="settle"):
    """What `run` raises when a protocol waits."""
    host = "127.0.0.1" if isinstance(reactor, SteppedReactor) else "localhost"
    listener = reactor.listen_tcp(lambda: Waits(wait), host, 0)
    transport, _ = reactor.run_until(reactor.connect_tcp(Recorder, host, listener.port))
    transport.write(b"go")
    with pytest.raises((RuntimeError, ReactorError)) as raised:
        getattr(reactor, run)(*([1] if run == "advance" else []))
    return raised


@pytest.mark.loud
@pytest.mark.parametrize("ask", ["result", "exception"])
@pytest.mark.parametrize("run", ["settle", "advance", "run"])
def test_a_callback_that_waits_for_a_future_is_told_at_once_and_where(make, run, ask):
    reactor = make()
    future = reactor.promise()

    def my_line():
        getattr(future, ask)(timeout=5)

    raised = told(reactor, my_line, run)
    assert raised.type is RuntimeError
    assert "the loop runs in this thread. Use add_done_callback" in str(raised.value)
    assert "my_line" in [entry.name for entry in raised.traceback]


@pytest.mark.loud
@pytest.mark.parametrize("run", ["settle", "run"])
def test_a_callback_that_runs_the_loop_is_told_so(make, run):
    reactor = make()
    raised = told(reactor, lambda: reactor.run_until(reactor.promise()), run)
    assert "the loop is running already; a callback must not wait for it" in str(raised.value)


def test_a_timer_and_a_call_are_callbacks_too(make):
    reactor = make(raise_bugs=False)
    future, told = reactor.promise(), []

    def wait():
        with pytest.raises(RuntimeError, match="add_done_callback"):
            future.result(timeout=5)
        told.append(True)

    reactor.call_soon(wait)
    reactor.call_later(1, wait)
    reactor.advance(2)
    assert told == [True, True]


def test_outside_of_callbacks_nobody_runs_the_loop_either(make):
    reactor = make()
    with pytest.raises(RuntimeError, match=r"nobody runs its loop: use reactor\.run_until\(future\)"):
        reactor.promise().result(timeout=60)
    future = reactor.promise()
    future.set_result(7)
    assert future.result() == 7
