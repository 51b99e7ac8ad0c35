"""What stats() tells, against scenes in which every number is known."""

from __future__ import annotations

import errno
import socket
import threading

import pytest

from reactor import BufferedProtocol, DatagramProtocol, Limits, LineProtocol, PeerError, Protocol, Timeouts
from reactor.loop.lag import QUICK
from reactor.loop.poller import READ
from reactor.testing import MemoryReactor, Recorder, connected_pair
from tests.kit.tls import server_context


class Repeater(LineProtocol):
    def line_received(self, line):
        self.send_line(line)


class Half(Recorder):
    def eof_received(self):
        return True


class Buffered(BufferedProtocol):
    def get_buffer(self, sizehint):
        return bytearray(100)


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


@pytest.mark.parametrize("protocol", [Recorder, Buffered])
@pytest.mark.parametrize("closing", [False, True])
def test_an_eagain_is_counted_where_nothing_is_there_to_read(protocol, closing):
    with connected_pair(protocol(), Half()) as pair:
        if closing:
            pair.a.close()  # what comes now is read and dropped
            pair.settle()
        assert grown(pair.reactor, lambda: pair.a._on_ready(READ), "eagains") == (1,)


def test_the_hang_up_of_a_peer_that_is_not_read_from_is_no_receive():
    """The poller tells of it on a connection that is watched for room alone."""
    with connected_pair(Recorder(), Recorder(), capacity=1000) as pair:
        pair.a.pause_reading(), pair.b.pause_reading()
        pair.a.write(bytes(5000))
        pair.settle()

        def scene():
            pair.b.abort()
            pair.settle()

        assert grown(pair.reactor, scene, "events", "receives", "connections") == (1, 0, -2)


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


def test_a_connection_that_shakes_hands_is_opening():
    reactor = MemoryReactor()
    reactor.listen_tcp(Recorder, "localhost", 7, tls=server_context(), timeouts=Timeouts(handshake=30))
    reactor.run_until(reactor.connect_tcp(lambda: Half(), "localhost", 7))  # and says nothing
    reactor.settle()
    stats = reactor.stats()
    assert (stats.connections, stats.opening, stats.open, stats.closing) == (2, 1, 1, 0)
    reactor.advance(31)
    stats = reactor.stats()
    assert (stats.connections, stats.opening, stats.open, dict(stats.lost)) == (1, 0, 1, {"HandshakeTimeout": 1})
    reactor.close()


def test_a_connection_that_is_over_is_closing_until_its_protocol_knows(pair):
    pair.a.abort()
    stats = pair.reactor.stats()
    assert (stats.connections, stats.open, stats.closing) == (2, 1, 1)
    pair.settle()
    stats = pair.reactor.stats()
    assert (stats.connections, stats.open, stats.closing) == (0, 0, 0)


def test_listeners_are_those_that_are_not_closed_or_have_connections_left():
    with connected_pair(Recorder(), Recorder()) as pair:
        idle = pair.reactor.listen_tcp(Recorder, "localhost", 7)
        assert pair.reactor.stats().listeners == 2  # the one of the pair is closed, and has its connection
        idle.close()
        assert pair.reactor.stats().listeners == 1
        pair.b.abort()
        pair.settle()
        assert pair.reactor.stats().listeners == 0


def test_timers_are_those_that_are_armed():
    reactor = MemoryReactor()
    timers = [reactor.call_later(number, int) for number in (1, 2, 3)]
    assert reactor.stats().timers == 3
    timers[2].cancel()
    reactor.advance(1)
    assert reactor.stats().timers == 1
    reactor.close()


def test_what_is_written_after_the_end_is_counted():
    with connected_pair(Recorder(), Recorder()) as pair:
        pair.a.write(b"in time")
        pair.a.close()
        pair.a.write(b"late")
        pair.settle()
        pair.a.write(b"later")
        stats = pair.reactor.stats()
        assert (stats.ignored_writes, stats.writes) == (2, 1)


def test_paused_is_what_we_do_and_blocked_what_the_peer_does():
    with connected_pair(Recorder(), Recorder(), capacity=1000) as pair:
        pair.a.pause_reading(), pair.b.pause_reading()
        pair.a.write(bytes(5000))
        pair.settle()
        stats = pair.reactor.stats()
        assert (stats.paused, stats.blocked, stats.output) == (2, 1, 4000)


def test_who_is_ended_by_the_output_budget_is_an_eviction_and_lost():
    with connected_pair(Recorder(), Recorder(), capacity=1000) as pair:
        pair.reactor.budget.limit = 8000
        pair.b.pause_reading()
        pair.a.write(bytes(9000))
        assert pair.reactor.stats().output_evictions == 0
        pair.a.write(bytes(5000))
        stats = pair.reactor.stats()
        assert (stats.output_evictions, dict(stats.lost), stats.output) == (1, {"LimitExceeded": 1}, 0)


def test_a_limit_of_its_own_is_no_eviction_of_the_budget():
    with connected_pair(Recorder(), Recorder(), capacity=1000, limits=Limits(output=8000)) as pair:
        pair.a.write(bytes(10_000))
        stats = pair.reactor.stats()
        assert (stats.output_evictions, dict(stats.lost)) == (0, {"LimitExceeded": 1})


def test_jobs_are_calls_in_threads_and_names_that_are_looked_up(stage):
    reactor, go = stage.reactor, threading.Event()
    pools = [reactor._jobs.workers, reactor._jobs.workers, reactor._jobs.resolvers]
    futures = [reactor._jobs.run(pool, go.wait, 10) for pool in pools]
    running = reactor.stats().jobs
    go.set()
    assert all(reactor.run_until(future) for future in futures)
    assert running == 3
    while reactor.stats().jobs:
        pass  # until the threads, too, know that they are done


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
    listener = stage.serve(Recorder, limits=Limits(per_peer=1, count_loopback=True))
    stage.dial(listener), stage.dial(listener), stage.dial(listener)
    stats = stage.reactor.stats()
    assert (stats.accepted, stats.refused, stats.connections) == (1, 2, 1)


@pytest.mark.loud
def test_running_out_of_descriptors_is_a_shortage(stage):
    stage.serve(Recorder)._on_exhausted(OSError(errno.EMFILE, "Too many open files"))
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


class Worked:
    """A reactor in memory, and rounds of known length."""

    def __init__(self):
        self.reactor = MemoryReactor()
        self.clock = self.reactor.world.clock

    def rounds(self, count, seconds, every=0.1):
        """So many rounds that take so long, spread over time."""
        for _ in range(count):
            self.reactor.call_soon(self.clock.advance, seconds)
            self.reactor._tick()
            self.reactor.advance(every)


@pytest.fixture
def worked():
    worked = Worked()
    yield worked
    worked.reactor.close()


def test_the_half_the_hundredth_and_the_longest_are_three_numbers(worked):
    worked.rounds(20, 0.010)
    worked.rounds(1, 0.5)
    worked.rounds(200, 0.0)
    stats = worked.reactor.stats()
    assert (stats.lag_p50, stats.lag_max) == (QUICK, pytest.approx(0.5))
    assert 0.010 <= stats.lag_p99 <= 0.0119
    assert 100 < stats.ticks < 2000  # so the hundredth is beyond the one, and among the twenty


def test_a_round_is_slow_as_soon_as_it_is_no_longer_quick(worked):
    worked.rounds(1, QUICK * 0.99)
    assert worked.reactor.stats().lag_max == QUICK
    worked.rounds(1, QUICK * 1.01)
    assert worked.reactor.stats().lag_max == pytest.approx(QUICK * 1.01)


def test_quick_rounds_are_no_lag_and_business_all_the_same(worked):
    worked.rounds(1000, 0.0002, every=0.0018)
    stats = worked.reactor.stats()
    assert (stats.lag_p50, stats.lag_p99, stats.lag_max) == (QUICK, QUICK, QUICK)
    assert stats.busy_seconds == pytest.approx(0.2)
    assert stats.busy == pytest.approx(0.1)


def test_what_was_quick_before_this_minute_does_not_outweigh_it(worked):
    worked.rounds(3000, 0.0)
    worked.reactor.advance(120)
    worked.rounds(500, 0.0)
    worked.rounds(30, 0.010)  # more than a hundredth of the minute, and less than one of all
    assert worked.reactor.stats().lag_p99 == pytest.approx(0.010)
    worked.rounds(700, 0.0)
    assert worked.reactor.stats().lag_p99 == QUICK


def test_what_was_busy_before_this_minute_is_none_of_its_business(worked):
    worked.rounds(10, 3.0)
    assert worked.reactor.stats().busy == pytest.approx(30 / 31)
    worked.rounds(900, 0.0)
    stats = worked.reactor.stats()
    assert (stats.busy, stats.busy_seconds) == (0.0, pytest.approx(30))


def test_the_result_is_a_mapping_too_and_says_what_it_is():
    with connected_pair(Recorder(), Protocol()) as pair:
        stats = pair.reactor.stats()
        assert dict(stats) == stats.as_dict()
        stats.as_dict()["lost"]["somebody"] = 1
        assert not stats.lost, "a value is never changed, not by way of a copy either"
        assert stats["connections"] == stats.connections == 2
        assert repr(stats).startswith("Stats(uptime=0.0, ticks=")
        with pytest.raises(KeyError):
            stats["coalescence"]
        with pytest.raises(AttributeError):
            stats.ticks = 1


def test_no_counter_goes_down_however_early_it_is_read():
    """From inside of a batch, as the metrics endpoint reads them: a counter that falls is a restart to Prometheus."""
    seen = []

    class Looks(Recorder):
        def data_received(self, data):
            seen.append(pair.reactor.stats())

    with connected_pair(Recorder(), Looks()) as pair:
        for _ in range(3):
            pair.a.write(b"x" * 5000)
            pair.reactor.call_soon_threadsafe(int)
            pair.settle()
            seen.append(pair.reactor.stats())
    for name in ("receives", "sends", "writes", "events", "callbacks", "eagains"):
        found = [stats[name] for stats in seen]
        assert found == sorted(found), name
    assert seen[-1].receives == 3


def test_a_datagram_socket_that_is_only_writable_was_not_read_from(stage):
    deaf = stage.reactor.open_udp(DatagramProtocol, local=("127.0.0.1", 0))
    ask = stage.reactor.open_udp(DatagramProtocol, remote=deaf.get_extra_info("sockname"))
    deaf.pause_reading()
    ask._enqueue(b"x", None)  # as if the kernel had had no room
    stage.reactor.settle()
    stats = stage.reactor.stats()
    assert (stats.datagrams_out, stats.datagrams_in, stats.receives) == (1, 0, 0)
