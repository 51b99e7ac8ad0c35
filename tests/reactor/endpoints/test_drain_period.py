"""A drain is a period: what begins before all is empty belongs to it, is told once, and is in the report."""

from __future__ import annotations

import threading

import pytest

from reactor import DrainTimeout, Protocol, Reactor
from reactor.testing import Recorder, Simulator


class Saving(Protocol):
    def connection_made(self, transport):
        transport.write(b"s" * 3_000_000)
        transport.close()


class Session(Protocol):
    """Saves its state elsewhere when it is told."""

    def __init__(self, reactor, kind):
        self.reactor, self.kind, self.told = reactor, kind, []

    def connection_made(self, transport):
        self.transport = transport

    def draining(self, grace):
        self.told.append(grace)
        saving = self.reactor.connect_tcp(self.kind, "store", 9)
        saving.add_done_callback(lambda future: (future.exception(), self.transport.close()))
        return True


@pytest.fixture
def scene():
    """A server with one session, a client that has come, and a store on another machine."""
    sim = Simulator(1)
    scene = threading.local()
    scene.sim = sim
    scene.server, scene.store, scene.client = (sim.host(name) for name in ("server", "store", "client"))
    scene.saved = Recorder()
    scene.kind = Saving
    scene.session = Session(scene.server, lambda: scene.kind())
    scene.store.listen_tcp(lambda: scene.saved, "store", 9)
    scene.listener = scene.server.listen_tcp(lambda: scene.session, "server", 7)
    scene.client.run_until(scene.client.connect_tcp(Recorder, "server", 7))
    scene.server.settle()
    yield scene
    for host in (scene.server, scene.store, scene.client):
        host.close()


def drained(scene, grace=30.0):
    report = scene.server.drain(grace)
    scene.server.advance(grace + 1)
    assert report.done()
    return report.result()


def test_state_that_is_saved_in_a_drain_is_saved_whole(scene):
    report = drained(scene)
    assert len(scene.saved.data) == 3_000_000
    assert (report.closed, report.cut) == (2, [])
    assert len(scene.session.told) == 1


def test_a_connection_that_opens_in_a_drain_is_told_like_the_others(scene):
    told = []

    class Idle(Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def draining(self, grace):
            told.append(grace)
            self.transport.close()
            return True

    scene.kind = Idle
    report = drained(scene)
    assert len(told) == 1
    assert 0 < told[0] <= 30
    assert report.closed == 2


def test_one_that_will_not_end_is_cut_at_the_end_of_the_grace(scene):
    class Stubborn(Recorder):
        def draining(self, grace):
            return True

    scene.kind = Stubborn
    report = drained(scene)
    assert len(report.cut) == 1


def test_an_attempt_that_is_under_way_is_waited_for_and_then_failed(scene):
    scene.server._kernel.getaddrinfo = lambda *args, **options: [(2, 1, 6, "", ("10.99.99.99", 9))]  # nobody answers
    try:
        attempt = scene.server.connect_tcp(Recorder, "10.99.99.99", 9, timeout=None)
    except OSError:
        pytest.skip("this network refuses at once")
    report = drained(scene)
    assert attempt.done()
    assert isinstance(attempt.exception(), (DrainTimeout, OSError))
    assert report.closed >= 1


def test_a_factory_that_drains_is_part_of_the_drain(scene):
    reports, made = [], []

    class Told(Recorder):
        def draining(self, grace):
            made.append(grace)
            self.transport.close()
            return True

    def factory():
        reports.append(scene.server.drain(2))
        return Told(keep_open=True)

    scene.server.listen_tcp(factory, "server", 8)
    guest = scene.client.connect_tcp(Recorder, "server", 8)
    scene.client.run_until(guest)
    scene.client.advance(5)
    assert len(made) == 1
    assert reports[0].result().closed >= 1


def test_a_listener_that_is_opened_in_a_drain_is_closed(scene):
    class Opens(Session):
        def draining(self, grace):
            self.opened = self.reactor.listen_tcp(Recorder, "server", 10)
            return super().draining(grace)

    scene.session.__class__ = Opens
    drained(scene)
    assert not scene.session.opened.is_accepting()


def test_the_listener_s_own_drain_and_the_reactor_s_tell_each_connection_once(scene):
    first = scene.listener.drain(20)
    report = scene.server.drain(10)
    scene.server.advance(25)
    assert len(scene.session.told) == 1
    assert first.done()
    assert report.done()


def test_a_closed_reactor_ends_a_drain():
    with Reactor(watchdog=0) as reactor:
        reactor.connect_tcp(Recorder, "192.0.2.1", 9).add_done_callback(lambda future: future.exception())
        drain = reactor.drain(60)
    assert drain.exception() is not None
