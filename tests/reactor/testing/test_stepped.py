"""The test kit itself: the loop is real, only its time is given."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from reactor import Timeouts
from reactor.loop.kernel import default_poller
from reactor.testing import FakeClock, Recorder, SteppedReactor, stepped


@pytest.fixture
def reactor():
    with SteppedReactor() as reactor:
        yield reactor


def test_a_clock_stands_still_until_it_is_moved():
    clock = FakeClock(5.0)
    assert [clock(), clock()] == [5.0, 5.0]
    clock.advance(2)
    assert clock() == 7.0
    for backwards in (-1, float("nan")):
        with pytest.raises(ValueError, match="run back"):
            clock.advance(backwards)


def test_settling_moves_no_time(reactor):
    fired = []
    reactor.call_later(0.001, fired.append, 1)
    before = reactor.time()
    for _ in range(3):
        reactor.settle()
    assert (fired, reactor.time()) == ([], before)


def test_settling_does_all_that_needs_no_time(stage):
    """A chain over sockets, calls and timers that are due: one settle."""
    done = []

    class Chain(Recorder):
        def data_received(self, data):
            stage.reactor.call_soon(stage.reactor.call_later, 0, self.reply)

        def reply(self):
            self.transport.write(b"reply")
            self.transport.close()

        def connection_lost(self, exc):
            done.append("lost")

    peer, _ = stage.connect(Chain(keep_open=True))
    peer.sendall(b"x")
    peer.shutdown(1)
    stage.reactor.settle()
    assert done == ["lost"]
    assert peer.recv(10) == b"reply"


def test_advancing_does_everything_at_its_own_time(reactor):
    times = []
    start = reactor.time()
    reactor.call_every(10, lambda: times.append(reactor.time() - start))
    reactor.call_later(15, lambda: reactor.call_later(1, lambda: times.append(reactor.time() - start)))
    reactor.advance(35)
    assert times == [10, 16, 20, 30]
    assert reactor.time() - start == 35
    reactor.advance(0)
    assert reactor.time() - start == 35


def test_a_timer_set_for_now_fires_in_the_same_advance(reactor):
    fired = []
    reactor.call_later(5, lambda: reactor.call_later(0, fired.append, 1))
    reactor.advance(5)
    assert fired == [1]


def test_timeouts_of_connections_are_time_too(stage):
    protocol = Recorder()
    stage.connect(protocol, timeouts=Timeouts(idle=86_400))
    stage.reactor.advance(90_000)
    assert protocol.events[-1] == "connection_lost"


def test_running_jumps_to_the_next_deadline(reactor):
    fired = []
    reactor.call_later(50_000, fired.append, "late")
    reactor.call_later(100_000, reactor.stop)
    before = reactor.time()
    reactor.run()
    assert fired == ["late"]
    assert reactor.time() - before == pytest.approx(100_000)


def test_time_stands_still_while_a_thread_works(reactor):
    """Else a name that is looked up during `run_until` always takes too long."""
    release = threading.Event()
    job = reactor.run_in_thread(release.wait, 5)
    timer = threading.Timer(0.1, release.set)
    timer.start()
    try:
        assert reactor.run_until(job, timeout=60) is True
    finally:
        release.set()
        timer.join()


def test_with_patience_time_does_not_run_away_from_a_peer_in_another_thread():
    with socket.create_server(("127.0.0.1", 0)) as server, SteppedReactor(patience=10) as reactor:

        def serve():
            sock, _ = server.accept()
            with sock:
                sock.recv(10)
                time.sleep(0.03)
                sock.sendall(b"answer")

        class Client(Recorder):
            def connection_made(self, transport):
                super().connection_made(transport)
                transport.write(b"question")

            def connection_lost(self, exc):
                super().connection_lost(exc)
                reactor.stop()

        thread = threading.Thread(target=serve)
        thread.start()
        client, before = Client(), reactor.time()
        reactor.connect_tcp(lambda: client, *server.getsockname(), timeouts=Timeouts(idle=60))
        reactor.run()
        thread.join()
        assert (client.data, client.lost, reactor.time()) == (b"answer", None, before)


@pytest.mark.parametrize("patience", [0, -1, float("nan")])
def test_patience_is_a_time(patience):
    with pytest.raises(ValueError, match="above 0"):
        SteppedReactor(patience=patience)


class Asked:
    """A poller that writes down how long it is to wait."""

    def __init__(self):
        self._poller = default_poller()
        self.timeouts = []
        for name in ("register", "modify", "unregister", "tell", "close"):
            setattr(self, name, getattr(self._poller, name))

    def poll(self, timeout):
        self.timeouts.append(timeout)
        return self._poller.poll(timeout)


@pytest.mark.parametrize(("one_queue", "waits"), [(True, set()), (False, {stepped.PAUSE})])
def test_no_real_time_is_needed_where_it_can_be_seen_that_all_is_delivered(monkeypatch, one_queue, waits):
    monkeypatch.setattr(stepped, "has_one_queue", lambda: one_queue)
    poller = Asked()
    with SteppedReactor(poller) as reactor:
        reactor.call_later(5, list)
        reactor.advance(10)
    assert set(poller.timeouts) == {0} | waits


def test_what_is_under_way_when_nothing_is_ready_is_waited_for(monkeypatch, stage):
    peer, _ = stage.connect(protocol := Recorder())
    late = [b"late"]
    monkeypatch.setattr(stepped.Loopback, "wait", lambda self: late and peer.sendall(late.pop()))
    stage.reactor.settle()
    assert protocol.data == b"late"


def test_a_datagram_to_ourselves_comes_and_where_it_cannot_that_is_no_error():
    loopback = stepped.Loopback()
    loopback.wait()
    loopback._sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        loopback._sock.recv(1)  # it was taken
    loopback.close()
    loopback.wait()


@pytest.mark.parametrize(
    ("content", "one"),
    [("0\n", True), ("00000000,00000000\n", True), ("3\n", False), ("8,00000000\n", False), (None, False)],
)
def test_loopback_may_be_shared_out_among_processors(monkeypatch, content, one):
    def read_text(path):
        if content is None:
            raise FileNotFoundError(path)
        return content

    monkeypatch.setattr(stepped.Path, "read_text", read_text)
    assert stepped.has_one_queue.__wrapped__() is one


def test_it_can_be_stepped_after_it_was_run_and_stopped(reactor):
    reactor.call_later(5, reactor.stop)
    reactor.run()
    fired = []
    reactor.call_later(5, fired.append, 1)
    reactor.advance(5)
    assert fired == [1]


def test_a_recorder_writes_down_its_life(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    stage.clog(transport)
    peer.sendall(b"data")
    peer.shutdown(1)
    stage.received(peer)
    assert protocol.transport is transport
    assert protocol.data == b"data"
    assert protocol.lost is None
    assert protocol.events == [
        "connection_made",
        "pause_writing",
        "data_received",
        "eof_received",
        "connection_lost",
    ]


def test_a_run_that_was_stopped_as_its_future_was_done_leaves_nothing_behind(stage):
    """The future's own wish to end the run comes after the end, and must not end what runs then."""
    stage.reactor.run_until(stage.reactor.drain(), timeout=1)
    stage.reactor.advance(10)
    fired = []
    stage.reactor.call_later(1, fired.append, 1)
    stage.reactor.advance(1)
    assert fired == [1]
