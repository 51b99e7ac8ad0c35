"""Pressure: a reader that pauses stops its peer, exactly; a writer is told once each way."""

from __future__ import annotations

import pytest

from reactor import LimitExceeded, Limits, Timeouts
from tests.conformance.carriers import Life, noise

LARGE = 8 << 20  # bytes: more than any carrier holds


def test_paused_means_nothing_is_delivered(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b)
    b.transport.pause_reading()
    b.transport.pause_reading()
    assert not b.transport.is_reading()
    a.transport.write(b"one ")
    a.transport.write(b"two")
    carrier.settle()
    assert b.events == ["connection_made"]
    b.transport.resume_reading()
    b.transport.resume_reading()
    assert b.transport.is_reading()
    assert b.events == ["connection_made"]
    carrier.until(lambda: b.received == b"one two")


def test_pausing_in_data_received_holds_the_rest(carrier):
    class OneAtATime(Life):
        deliveries = 0

        def data_received(self, data):
            super().data_received(data)
            self.deliveries += 1
            self.transport.pause_reading()

    a, b = Life(), OneAtATime()
    carrier.pair(a, b)
    a.transport.write(noise(1 << 20))
    deliveries = 0
    while len(b.received) < 1 << 20:
        deliveries += 1
        carrier.until(lambda: not b.transport.is_reading())
        carrier.settle_once()
        assert b.deliveries == deliveries
        b.transport.resume_reading()
    assert b.received == noise(1 << 20)


def test_the_end_waits_behind_a_pause(carrier):
    a, b = Life(), Life(keep_open=False)
    carrier.pair(a, b)
    b.transport.pause_reading()
    a.transport.write(b"and goodbye")
    a.transport.close()
    carrier.settle()
    assert b.events == ["connection_made"]
    b.transport.resume_reading()
    carrier.lost(a, b)
    assert b.received == b"and goodbye"
    assert (a.lost, b.lost) == (None, None)


@pytest.mark.needs("bounded")
def test_a_writer_is_told_once_each_way(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b)
    b.transport.pause_reading()
    for number in range(64):
        a.transport.write(noise(LARGE // 64, number))
        if number % 8 == 0:
            carrier.settle_once()
    carrier.settle()
    assert a.events.count("pause_writing") == 1
    assert "resume_writing" not in a.events
    assert a.transport.get_write_buffer_size() > a.transport.get_write_buffer_limits()[1]
    b.transport.resume_reading()
    carrier.until(lambda: len(b.received) >= LARGE)
    carrier.settle()
    assert a.events == ["connection_made", "pause_writing", "resume_writing"]
    assert a.transport.get_write_buffer_size() == 0
    assert b.received == b"".join(noise(LARGE // 64, number) for number in range(64))


@pytest.mark.needs("bounded")
def test_a_producer_that_heeds_them_waits_for_its_reader(carrier):
    """Twisted's and asyncio's flow control: what waits never exceeds the watermark and one more write."""

    class Producer(Life):
        left, most, going = LARGE, 0, True

        def produce(self):
            while self.left and self.going:
                part = noise(min(self.left, 10_000), self.left & 0xFF)
                self.left -= len(part)
                self.transport.write(part)
                self.most = max(self.most, self.transport.get_write_buffer_size())
            if not self.left:
                self.transport.close()

        def pause_writing(self):
            super().pause_writing()
            self.going = False

        def resume_writing(self):
            super().resume_writing()
            self.going = True
            self.produce()

    a, b = Producer(), Life(keep_open=False)
    carrier.pair(a, b)
    a.produce()
    carrier.lost(a, b)
    assert len(b.received) == LARGE
    assert a.most <= a.transport.get_write_buffer_limits()[1] + 10_000
    assert a.events.count("pause_writing") - a.events.count("resume_writing") in (0, 1)


@pytest.mark.needs("bounded")
def test_watermarks_of_zero_tell_each_time_the_carrier_is_full(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b)
    a.transport.set_write_buffer_limits(0)
    assert a.transport.get_write_buffer_limits() == (0, 0)
    b.transport.pause_reading()
    a.transport.write(noise(LARGE))
    carrier.settle()
    assert a.events[-1] == "pause_writing"
    b.transport.resume_reading()
    carrier.until(lambda: len(b.received) >= LARGE)
    carrier.until(lambda: a.events[-1] == "resume_writing")


@pytest.mark.needs("bounded")
def test_a_peer_that_lets_too_much_wait_is_cut_off(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b, limits=Limits(output=LARGE // 2))
    b.transport.pause_reading()
    for _ in range(32):
        a.transport.write(noise(LARGE // 16))
        carrier.settle_once()
    carrier.lost(a)
    assert type(a.lost) is LimitExceeded
    assert a.transport.get_write_buffer_size() == 0


@pytest.mark.needs("bounded")
def test_a_slow_reader_gets_every_byte(carrier):
    class Slow(Life):
        timer = None

        def data_received(self, data):
            super().data_received(data)
            self.transport.pause_reading()
            self.timer = carrier.reactor.call_later(1, self.transport.resume_reading)

        def is_over(self):
            if self.timer is not None and self.timer.active:  # else it waits for the carrier, for which no time passes
                carrier.reactor.advance(1)
            return "connection_lost" in self.events

    a, b = Life(), Slow(keep_open=False)
    carrier.pair(a, b, timeouts=Timeouts(close=1000))
    a.transport.write(noise(LARGE))
    a.transport.close()
    carrier.until(b.is_over)
    assert b.received == noise(LARGE)
    carrier.lost(a)
    assert a.lost is None
