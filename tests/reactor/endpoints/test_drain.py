"""Drains: the listener's, the reactor's. Everybody is told, everybody is waited for, nobody for ever."""

from __future__ import annotations

import logging
import socket

import pytest

from reactor import DrainTimeout
from reactor.endpoints.drain import LINGER
from reactor.testing import Recorder


class Guest(Recorder):
    """Says farewell when a drain begins; stays when told to."""

    def __init__(self, stays=False):
        super().__init__()
        self.stays = stays
        self.graces = []

    def draining(self, grace):
        self.graces.append(grace)
        self.transport.write(b"farewell")
        return self.stays


@pytest.fixture(params=["listener", "reactor"])
def scene(stage, request):
    return Scene(stage, request.param)


class Scene:
    def __init__(self, stage, kind):
        self.stage = stage
        self.guests = []
        self.stays = False
        self.listener = stage.serve(self.seat)
        self.drained = stage.reactor if kind == "reactor" else self.listener

    def seat(self):
        self.guests.append(Guest(self.stays))
        return self.guests[-1]

    def arrive(self, stays=False):
        self.stays = stays
        peer = self.stage.dial(self.listener)
        return peer, self.guests[-1]

    def drain(self, grace=5.0):
        future = self.drained.drain(grace)
        self.stage.reactor.settle()
        return future


def test_everybody_is_told_and_closed(scene, stage):
    arrivals = [scene.arrive() for _ in range(3)]
    future = scene.drain(7)
    for peer, guest in arrivals:
        assert stage.received(peer) == b"farewell"
        assert guest.graces == [7]
        peer.close()
    stage.reactor.settle()
    report = future.result(timeout=0)
    assert (report.closed, report.cut) == (3, [])
    for _, guest in arrivals:
        assert guest.lost is None
        assert guest.events[-1] == "connection_lost"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(scene.listener.addresses[0])


def test_nobody_is_there(scene, stage):
    future = scene.drain()
    report = future.result(timeout=0)
    assert (report.closed, report.cut) == (0, [])
    assert stage.reactor.stats()["timers"] == 0


def test_who_stays_has_until_the_grace_ends(scene, stage):
    peer, guest = scene.arrive(stays=True)
    future = scene.drain(5)
    stage.reactor.advance(4)
    assert not future.done()
    peer.sendall(b"one more thing")
    stage.reactor.settle()
    assert guest.data == b"one more thing"
    guest.transport.close()
    peer.close()
    stage.reactor.settle()
    assert future.result(timeout=0).closed == 1
    assert guest.lost is None


def test_who_stays_longer_is_cut_off_and_reported(scene, stage, caplog):
    peer, guest = scene.arrive(stays=True)
    name = peer.getsockname()
    future = scene.drain(5)
    stage.reactor.advance(4.9)
    assert not future.done()
    stage.reactor.advance(0.2)
    report = future.result(timeout=0)
    assert (report.closed, report.cut) == (0, [name])
    assert isinstance(guest.lost, DrainTimeout)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_stalled_peer_is_cut_off(scene, stage):
    peer, guest = scene.arrive()
    other, _ = scene.arrive()
    stage.clog(guest.transport)
    future = scene.drain(5)
    other.close()
    stage.reactor.advance(4.9)
    assert not future.done()
    stage.reactor.advance(0.2)
    report = future.result(timeout=0)
    assert (report.closed, report.cut) == (1, [peer.getsockname()])
    assert isinstance(guest.lost, DrainTimeout)


def test_a_peer_that_keeps_its_end_open_does_not_hold_the_drain(scene, stage):
    peer, guest = scene.arrive()
    future = scene.drain(5)
    assert stage.received(peer) == b"farewell"
    stage.reactor.advance(1.1)
    report = future.result(timeout=0)
    assert (report.closed, report.cut) == (1, [])
    assert guest.lost is None


def test_one_without_a_farewell_is_just_closed(stage):
    protocol = Recorder()
    listener = stage.serve(lambda: protocol)
    peer = stage.dial(listener)
    future = listener.drain()
    stage.reactor.settle()
    peer.close()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "connection_lost"]
    assert future.result(timeout=0).closed == 1


def test_what_was_written_before_the_drain_arrives(scene, stage):
    peer, guest = scene.arrive()
    total = stage.clog(guest.transport)
    future = scene.drain(5)
    assert len(stage.received(peer)) == total + len(b"farewell")
    peer.close()
    stage.reactor.settle()
    assert future.result(timeout=0).cut == []


def test_draining_twice_is_one_drain(scene, stage):
    _, guest = scene.arrive(stays=True)
    first = scene.drain(5)
    second = scene.drain(50)
    stage.reactor.advance(6)
    assert first.done()
    assert second.done()
    assert guest.graces == [5]


def test_a_shorter_second_drain_counts(stage):
    """SIGTERM in the middle of a listener's long drain must not wait for it."""
    scene = Scene(stage, "listener")
    scene.arrive(stays=True)
    long = scene.listener.drain(1000)
    short = stage.reactor.drain(5)
    stage.reactor.advance(5.1)
    assert short.done()
    assert long.done()


def test_a_cancelled_drain_leaves_no_timer(scene, stage):
    peer, _ = scene.arrive()
    scene.drain(5).cancel()
    peer.close()
    stage.reactor.settle()
    stage.reactor.advance(100)
    assert stage.reactor.stats()["timers"] == 0
    assert stage.reactor.stats()["connections"] == 0


def test_a_listener_may_drain_while_another_serves(stage):
    first, second = Scene(stage, "listener"), Scene(stage, "listener")
    peer, guest = second.arrive()
    first.arrive()[0].close()
    future = first.drain(5)
    assert future.done()
    assert guest.graces == []
    peer.sendall(b"hello")
    stage.reactor.settle()
    assert guest.data == b"hello"


# -- the reactor's own -------------------------------------------------------------------------------------------


def test_the_reactor_stops_when_it_is_drained(stage):
    scene = Scene(stage, "reactor")
    peer, guest = scene.arrive()
    peer.close()
    futures = []
    stage.reactor.call_later(1, lambda: futures.append(stage.reactor.drain(5)))
    stage.reactor.run()
    assert futures[0].result(timeout=0).closed in {0, 1}
    assert guest.events[-1] == "connection_lost"


def test_draining_before_run(stage):
    scene = Scene(stage, "reactor")
    peer, guest = scene.arrive(stays=True)
    future = stage.reactor.drain(5)
    before = stage.reactor.time()
    stage.reactor.run()
    assert stage.reactor.time() - before == pytest.approx(5, abs=0.3)
    assert future.result(timeout=0).cut == [peer.getsockname()]
    assert isinstance(guest.lost, DrainTimeout)


def test_draining_nothing_before_run(stage):
    future = stage.reactor.drain(5)
    stage.reactor.run()
    assert future.result(timeout=0).closed == 0


def test_waiting_for_a_drain(stage):
    scene = Scene(stage, "reactor")
    peer, _ = scene.arrive()
    peer.close()
    assert stage.reactor.run_until(stage.reactor.drain(5)).cut == []


def test_a_drained_reactor_serves_again(stage):
    scene = Scene(stage, "reactor")
    for _ in range(3):
        peer, guest = scene.arrive()
        peer.close()
        future = stage.reactor.drain(5)
        stage.reactor.run()
        assert future.result(timeout=0).cut == []
        scene.listener = stage.serve(scene.seat)
    peer, guest = scene.arrive()
    peer.sendall(b"again")
    stage.reactor.settle()
    assert guest.data == b"again"


def test_outgoing_connections_are_drained_too(stage):
    server = stage.serve(lambda: Recorder(keep_open=True))
    guest = Guest()
    stage.reactor.connect_tcp(lambda: guest, "127.0.0.1", server.port)
    stage.reactor.settle()
    future = stage.reactor.drain(3)
    stage.reactor.run()
    assert future.done()
    assert guest.graces == [3]
    assert guest.lost is None


def test_a_connection_that_is_made_during_a_drain_is_drained(stage):
    """It was on its way when the drain began; somebody else keeps the drain waiting."""
    server = stage.own(socket.create_server(("127.0.0.1", 0)))
    elder, younger = Guest(stays=True), Guest()
    stage.reactor.connect_tcp(lambda: elder, *server.getsockname())
    stage.reactor.settle()
    stage.reactor.connect_tcp(lambda: younger, *server.getsockname())
    future = stage.reactor.drain(5)
    stage.reactor.run()
    report = future.result(timeout=0)
    assert isinstance(elder.lost, DrainTimeout)
    assert len(report.cut) == 1
    assert report.closed == younger.events.count("connection_made")
    if younger.events:
        assert len(younger.graces) == 1
        assert younger.events[-1] == "connection_lost"


def test_a_drain_report_adds_up(stage):
    first, second = Scene(stage, "reactor"), Scene(stage, "reactor")
    peers = [first.arrive()[0], first.arrive(stays=True)[0], second.arrive()[0]]
    future = stage.reactor.drain(5)
    stage.reactor.run()
    report = future.result(timeout=0)
    assert report.closed == 2
    assert report.cut == [peers[1].getsockname()]


def test_who_was_silent_for_long_lingers_no_shorter(stage):
    """The silence counts from our end on, not from the last byte."""
    scene = Scene(stage, "listener")
    peer, guest = scene.arrive()
    stage.reactor.advance(100)
    guest.transport.close()
    future = scene.drain()
    stage.reactor.advance(LINGER * 0.9)
    assert stage.received(peer) == b""
    assert not future.done()
    stage.reactor.advance(LINGER * 0.2)
    assert future.result(0).closed == 1


def test_the_last_moment_still_lingers(stage):
    """Who closes late in the grace still gets its bytes through to a peer that is sending."""
    scene = Scene(stage, "listener")
    peer, guest = scene.arrive(stays=True)
    scene.drain(60)
    stage.reactor.advance(0.49)
    guest.transport.write(bytes(5 << 20))
    guest.transport.close()
    received = bytearray()
    peer.settimeout(1)
    while len(received) < (5 << 20) + len(b"farewell"):
        peer.sendall(b"still talking")
        part = peer.recv(1 << 18)
        assert part
        received += part
        if len(received) > 1 << 20:
            stage.reactor.advance(0.02)
        else:
            stage.reactor.settle()
    assert guest.lost is None
