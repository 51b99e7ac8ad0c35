"""What stats() tells, against scenes in which every number is known."""

from __future__ import annotations

import errno
import socket

import pytest

from reactor import DatagramProtocol, Limits, LineProtocol, PeerError, Protocol, Timeouts
from reactor.testing import MemoryReactor, Recorder, connected_pair


class Repeater(LineProtocol):
    def line_received(self, line):
        self.send_line(line)


class Half(Recorder):
    def eof_received(self):
        return True


@pytest.fixture
def pair():
    with connected_pair(Recorder(), Repeater()) as pair:
        yield pair


def grown(reactor, scene, *names):
    """By how much these grow in the scene."""
    before = reactor.stats()
    scene()
    after = reactor.stats()
    return tuple(after[name] - before[name] for name in names)


def test_sixteen_lines_are_one_receive_and_one_send(pair):
    def scene():
        pair.a.write(b"x\n" * 16)
        pair.settle()

    assert grown(pair.reactor, scene, "receives", "sends", "writes", "bytes_in", "bytes_out") == (2, 2, 17, 64, 64)


def test_coalescing_is_writes_a_send(pair):
    for _ in range(9):
        pair.a.write(b"no end of the line yet")
    pair.settle()
    stats = pair.reactor.stats()
    assert (stats.writes, stats.sends, stats.coalescing) == (9, 1, 9.0)


def test_a_large_write_is_sent_at_once_and_counted_once(pair):
    assert grown(pair.reactor, lambda: pair.a.write(bytes(10_000)), "sends", "writes") == (1, 1)
    assert grown(pair.reactor, pair.settle, "sends") == (0,)


def test_a_flush_with_nothing_to_send_is_no_send(pair):
    def scene():
        pair.a.write(b"small")
        pair.a.abort()  # queued for the flush, and gone before it
        pair.settle()

    assert grown(pair.reactor, scene, "sends", "writes") == (0, 0)


def test_what_is_sent_in_parts_stays_one_write():
    with connected_pair(Recorder(), Recorder(), capacity=1000) as pair:
        pair.a.write(b"a" * 3000)
        pair.settle()
        stats = pair.reactor.stats()
        assert stats.writes == 1
        assert stats.sends >= 3
        assert len(pair.b.get_protocol().data) == 3000


def test_an_eagain_is_counted_where_the_peer_does_not_read():
    with connected_pair(Recorder(), Recorder(), capacity=1000) as pair:
        pair.b.pause_reading()
        pair.a.write(b"a" * 1000)
        pair.settle()
        assert pair.reactor.stats().eagains == 0
        pair.a.write(b"b" * 5000)
        pair.settle()
        stats = pair.reactor.stats()
        assert stats.eagains == 1
        assert (stats.blocked, stats.paused, stats.output) == (1, 1, 5000)


def test_events_that_bring_no_input_are_no_receives(stage):
    """A newcomer, a wake-up, an outgoing connection, a foreign descriptor, a writable one: all are events."""
    listener = stage.serve(Recorder)
    ours = stage.reactor.run_until(stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port))[0]
    stage.reactor.call_soon_threadsafe(int)
    writable, _ = map(stage.own, socket.socketpair())
    stage.reactor.add_writer(writable, lambda: stage.reactor.remove_writer(writable))
    stage.reactor.settle()
    stats = stage.reactor.stats()
    assert stats.events >= 4
    assert stats.receives == 0
    ours.write(b"one")
    stage.reactor.settle()
    assert stage.reactor.stats().receives == 1


def test_receives_and_sends_of_a_peer_that_reads_slowly(stage):
    recorder = Recorder()
    sock, transport = stage.connect(recorder, receive_buffer=4096)
    written = stage.clog(transport)
    receives = stage.reactor.stats().receives
    assert len(sock.recv(1 << 20)) > 0
    assert len(stage.received(sock)) > 0
    assert stage.reactor.stats().receives == receives  # the socket was writable, and never readable
    assert written > 0


def test_callbacks_are_events_timers_and_calls():
    reactor = MemoryReactor()
    reactor.call_soon(int)
    reactor.call_soon(int)
    reactor.call_later(1, int)
    cancelled = reactor.call_later(1, int)
    reactor.call_later(0.5, cancelled.cancel)
    reactor.advance(2)
    stats = reactor.stats()
    assert stats.callbacks - stats.events == 4
    reactor.close()


def test_a_timer_that_another_cancels_in_the_same_batch_has_not_fired():
    reactor = MemoryReactor()
    timers = [reactor.call_later(1, lambda: timers[1].cancel()), reactor.call_later(1, int)]
    reactor.advance(2)
    assert reactor.stats().callbacks - reactor.stats().events == 1
    reactor.close()


def test_bytes_of_connections_that_are_over_are_kept(pair):
    pair.a.write(b"x\n" * 10)
    pair.settle()
    before = pair.reactor.stats()
    pair.a.close()
    pair.settle()
    after = pair.reactor.stats()
    assert (before.connections, after.connections) == (2, 0)
    assert (after.bytes_in, after.bytes_out) == (before.bytes_in, before.bytes_out) == (40, 40)


def test_connections_by_state():
    with connected_pair(Recorder(), Half()) as pair:
        stats = pair.reactor.stats()
        assert (stats.connections, stats.open, stats.closing, stats.opening) == (2, 2, 0, 0)
        pair.a.close()
        pair.settle()
        stats = pair.reactor.stats()
        assert (stats.connections, stats.open, stats.closing) == (2, 1, 1)


def test_lost_by_the_name_of_the_exception():
    class Strict(Recorder):
        def data_received(self, data):
            raise PeerError("no")

    for protocol, options, name in (
        (Strict, {}, "PeerError"),
        (Recorder, {"timeouts": Timeouts(idle=5)}, "IdleTimeout"),
        (Recorder, {"timeouts": Timeouts(idle=None)}, None),
    ):
        with connected_pair(Recorder(), protocol(), listen=options) as pair:
            pair.a.write(b"hello")
            pair.advance(10)
            assert dict(pair.reactor.stats().lost) == ({name: 1} if name else {})


def test_newcomers_turned_away_are_refused(stage):
    listener = stage.serve(Recorder, limits=Limits(per_peer=1))
    stage.dial(listener), stage.dial(listener), stage.dial(listener)
    stats = stage.reactor.stats()
    assert (stats.accepted, stats.refused, stats.connections) == (1, 2, 1)


@pytest.mark.loud
def test_running_out_of_descriptors_is_a_shortage(stage):
    stage.serve(Recorder).on_exhausted(OSError(errno.EMFILE, "Too many open files"))
    assert stage.reactor.stats().shortages == 1


@pytest.mark.loud
def test_a_factory_that_raises_refuses(stage):
    stage.dial(stage.serve(lambda: 1 / 0))
    stats = stage.reactor.stats()
    assert (stats.accepted, stats.refused) == (0, 1)


def test_datagrams(stage):
    echo = stage.reactor.open_udp(DatagramProtocol, local=("127.0.0.1", 0))
    ask = stage.reactor.open_udp(DatagramProtocol, remote=echo.get_extra_info("sockname"))
    ask.sendto(b"12345")
    ask.sendto(b"6")
    stage.reactor.settle()
    stats = stage.reactor.stats()
    assert (stats.datagrams_in, stats.datagrams_out, stats.bytes_in, stats.bytes_out) == (2, 2, 6, 6)
    ask.close(), echo.close()
    stage.reactor.settle()
    stats = stage.reactor.stats()
    assert (stats.datagrams_in, stats.datagrams_out, stats.datagram_sockets) == (2, 2, 0)


def test_a_slow_callback_is_lag_and_business():
    reactor = MemoryReactor()
    clock = reactor.world.clock
    reactor.call_later(1, lambda: clock.advance(0.25))
    reactor.advance(9.75)
    stats = reactor.stats()
    assert stats.lag_max == pytest.approx(0.25)
    assert stats.busy_seconds == pytest.approx(0.25)
    assert stats.busy == pytest.approx(0.025, rel=0.1)
    reactor.advance(61)
    assert reactor.stats().lag_max < 0.25
    reactor.close()


def test_the_result_is_a_mapping_too_and_says_what_it_is():
    with connected_pair(Recorder(), Protocol()) as pair:
        stats = pair.reactor.stats()
        assert dict(stats) == stats.as_dict()
        assert stats["connections"] == stats.connections == 2
        assert repr(stats).startswith("Stats(uptime=0.0, ticks=")
        with pytest.raises(KeyError):
            stats["coalescence"]
        with pytest.raises(AttributeError):
            stats.ticks = 1
