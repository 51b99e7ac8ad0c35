"""The contract of a connection, point 8: nothing waits for ever. Time moves by `advance`.

A deadline is never early, and late by at most a 32nd of itself (see `reactor.deadlines`).
"""

from __future__ import annotations

import pytest

from reactor import (
    CloseTimeout,
    ConnectionTimeout,
    ConnectTimeout,
    HandshakeTimeout,
    IdleTimeout,
    Limits,
    PeerError,
    Timeouts,
    WriteTimeout,
)
from reactor.loop.poller import WRITE
from reactor.testing import Recorder, connected_pair

LATE = 1 + 1 / 32


class Echo(Recorder):
    def data_received(self, data):
        self.transport.write(data)


def test_silence_ends_an_idle_connection(stage):
    protocol = Recorder()
    peer, _ = stage.connect(protocol, timeouts=Timeouts(idle=300))
    stage.reactor.advance(299.9)
    assert protocol.lost is None
    stage.reactor.advance(0.1 + 300 * (LATE - 1))
    assert isinstance(protocol.lost, IdleTimeout)
    assert str(protocol.lost) == "no byte in or out for 300 s"
    assert peer.recv(1) == b""


def test_by_default_silence_is_no_fault(stage):
    protocol = Recorder()
    stage.connect(protocol)
    stage.reactor.advance(10_000_000)
    assert protocol.lost is None
    assert protocol.events == ["connection_made"]


@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_busy_connection_is_not_idle(stage, direction):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, timeouts=Timeouts(idle=300))
    for _ in range(10):
        stage.reactor.advance(290)
        if direction == "in":
            peer.sendall(b"x")
        else:
            transport.write(b"x")
        stage.reactor.settle()
    assert protocol.lost is None
    stage.reactor.advance(299)
    assert protocol.lost is None
    stage.reactor.advance(300 * LATE - 299)
    assert isinstance(protocol.lost, IdleTimeout)


def take_a_little(stage, peer, transport):
    """Read until something that waited has left."""
    before = transport.get_write_buffer_size()
    while transport.get_write_buffer_size() == before:
        assert peer.recv(1 << 20)
        stage.reactor.settle()
    assert transport.get_write_buffer_size() > 0


def test_a_peer_that_reads_now_and_then_is_not_idle(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, timeouts=Timeouts(idle=300, write=None))
    transport.write(bytes(32 << 20))
    for _ in range(4):
        stage.reactor.advance(290)
        take_a_little(stage, peer, transport)
    assert protocol.lost is None
    stage.reactor.advance(310)
    assert isinstance(protocol.lost, IdleTimeout)


def test_a_stalled_write_is_given_up(stage):
    protocol = Recorder()
    _, transport = stage.connect(protocol, timeouts=Timeouts(write=60))
    stage.clog(transport)
    stage.reactor.advance(59.9)
    assert protocol.lost is None
    stage.reactor.advance(60 * LATE - 59.9)
    assert isinstance(protocol.lost, WriteTimeout)
    assert "none taken for 60 s" in str(protocol.lost)


def test_more_written_to_a_stalled_peer_buys_it_no_time(stage):
    protocol = Recorder()
    _, transport = stage.connect(protocol, timeouts=Timeouts(write=60))
    stage.clog(transport)
    for _ in range(62):
        stage.reactor.advance(1)
        transport.write(b"hello?")
    assert isinstance(protocol.lost, WriteTimeout)


def test_a_peer_that_takes_a_little_is_not_stalled(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, timeouts=Timeouts(write=60))
    transport.write(bytes(32 << 20))
    stage.reactor.settle()
    for _ in range(4):
        stage.reactor.advance(50)
        take_a_little(stage, peer, transport)
    stage.reactor.advance(59)
    assert protocol.lost is None
    stage.reactor.advance(60 * LATE - 59)
    assert isinstance(protocol.lost, WriteTimeout)


def test_time_without_output_does_not_count_as_stalled(stage):
    protocol = Recorder()
    _, transport = stage.connect(protocol, timeouts=Timeouts(write=60))
    transport.write(b"taken at once")
    stage.reactor.advance(1000)
    stage.clog(transport)
    stage.reactor.advance(59)
    assert protocol.lost is None


@pytest.fixture
def full():
    """A pair in memory whose carrier is full to the byte, 100 s ago; nothing waits in the transport yet."""
    protocol = Recorder()
    with connected_pair(protocol, Recorder(), capacity=1000, timeouts=Timeouts(write=60)) as pair:
        pair.b.pause_reading()
        pair.a.write(bytes(1000))
        pair.settle()
        assert pair.a.get_write_buffer_size() == 0
        pair.reactor.advance(100)
        yield protocol, pair


def test_a_first_send_that_is_refused_outright_has_the_whole_timeout(full):
    protocol, pair = full
    pair.a.write(b"x" * 10)
    pair.settle()
    pair.reactor.advance(59)
    assert protocol.lost is None
    pair.reactor.advance(60 * LATE - 59)
    assert isinstance(protocol.lost, WriteTimeout)


def test_being_writable_without_taking_anything_buys_no_time():
    protocol = Recorder()
    with connected_pair(protocol, Recorder(), capacity=1000, timeouts=Timeouts(write=60)) as pair:
        pair.b.pause_reading()
        pair.a.write(bytes(3000))
        for _ in range(5):
            pair.reactor.advance(20)
            pair.a._on_ready(WRITE)
        assert isinstance(protocol.lost, WriteTimeout)


def test_a_slow_peer_that_catches_up_is_free_again(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, timeouts=Timeouts(write=60))
    stage.clog(transport)
    stage.reactor.advance(50)
    stage.received(peer)
    assert transport.get_write_buffer_size() == 0
    stage.reactor.advance(1000)
    assert protocol.lost is None


def test_the_close_timeout_begins_with_close(stage):
    protocol = Recorder()
    _peer, transport = stage.connect(protocol, timeouts=Timeouts(write=None, close=30))
    stage.clog(transport)
    stage.reactor.advance(1000)
    transport.close()
    stage.reactor.advance(29)
    assert protocol.lost is None
    stage.reactor.advance(30 * LATE - 29)
    assert isinstance(protocol.lost, CloseTimeout)


def test_the_earliest_of_several_deadlines_counts(stage):
    protocol = Recorder()
    _, transport = stage.connect(protocol, timeouts=Timeouts(idle=40, write=60, close=30))
    stage.clog(transport)
    stage.reactor.advance(40 * LATE)
    assert isinstance(protocol.lost, IdleTimeout)


def test_a_timeout_of_a_closing_connection_is_the_close_timeout_alone(stage):
    """idle would come first, but a closing connection is the closer's business."""
    protocol = Recorder()
    _, transport = stage.connect(protocol, timeouts=Timeouts(idle=10, write=10, close=30))
    stage.clog(transport)
    transport.close()
    stage.reactor.advance(29)
    assert protocol.lost is None
    stage.reactor.advance(2)
    assert isinstance(protocol.lost, CloseTimeout)


def test_a_timeout_of_nothing_ends_a_connection_at_once(stage):
    protocol = Recorder()
    stage.connect(protocol, timeouts=Timeouts(idle=0))
    stage.reactor.advance(0.1)
    assert isinstance(protocol.lost, IdleTimeout)


def test_idle_connections_share_one_timer(stage):
    listener = stage.serve(Recorder, timeouts=Timeouts(idle=300))
    for _ in range(30):
        stage.dial(listener)
    assert stage.reactor.stats()["timers"] == 1
    stage.reactor.advance(320)
    assert len(listener.connections) == 0
    assert stage.reactor.stats()["timers"] <= 1


@pytest.mark.parametrize("kind", [Limits, Timeouts])
def test_bounds_must_not_be_negative(kind):
    for field in {*kind._fields} - {"refuse"}:  # that one is a callable
        for value in (-1, float("nan")):
            with pytest.raises(ValueError, match=field):
                kind(**{field: value})
        assert getattr(kind(**{field: 0}), field) == 0


def test_a_timeout_is_a_peer_error_and_a_timeout_error():
    for kind in (ConnectTimeout, HandshakeTimeout, IdleTimeout, WriteTimeout, CloseTimeout):
        assert issubclass(kind, ConnectionTimeout)
        assert issubclass(kind, PeerError)
        assert issubclass(kind, TimeoutError)
