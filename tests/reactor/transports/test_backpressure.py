"""The contract of a connection, point 6: watermarks and output limits, over real TCP."""

from __future__ import annotations

import pytest

from reactor import LimitExceeded, Limits, Timeouts
from reactor.testing import Recorder

MIB = 1 << 20


def pressure(protocol):
    return [event for event in protocol.events if event.endswith("_writing")]


def read_to_the_end(peer):
    while peer.recv(MIB):
        pass


class Grudging:
    """A socket of which the kernel's buffer is as small as a test needs: it takes `room` bytes, then no more."""

    def __init__(self, sock, room=0):
        self.sock, self.room = sock, room

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def send(self, data):
        if not self.room:
            raise BlockingIOError
        part = bytes(data)[: self.room]
        self.room -= len(part)
        return self.sock.send(part)


@pytest.fixture
def tight(stage):
    """`tight(protocol, room, **options)`: peer and transport of a connection that takes `room` bytes at first."""

    def connect(protocol, room=0, **options):
        peer, transport = stage.connect(protocol, **options)
        transport._sock = Grudging(transport._sock, room)
        return peer, transport

    return connect


def test_pause_and_resume_come_once_each(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    for round_number in range(1, 4):
        total = stage.clog(transport)
        transport.write(b"x" * 100_000)
        transport.write(b"y")
        assert pressure(protocol) == ["pause_writing", "resume_writing"] * (round_number - 1) + ["pause_writing"]
        assert len(stage.received(peer)) == total + 100_001
        assert pressure(protocol) == ["pause_writing", "resume_writing"] * round_number


def test_exactly_the_high_watermark_is_not_above_it(tight):
    protocol = Recorder()
    _, transport = tight(protocol)
    transport.write(b"x" * 65536)
    assert pressure(protocol) == []
    transport.write(b"x")
    assert pressure(protocol) == ["pause_writing"]
    assert transport.get_write_buffer_size() == 65537


@pytest.mark.parametrize(("left", "resumed"), [(16385, False), (16384, True), (0, True)])
def test_resume_comes_at_the_low_watermark(stage, tight, left, resumed):
    protocol = Recorder()
    _peer, transport = tight(protocol)
    transport.write(b"x" * 100_000)
    assert pressure(protocol) == ["pause_writing"]
    transport._sock.room = 100_000 - left
    for _ in range(5):
        transport._on_flush()
    assert transport.get_write_buffer_size() == left
    assert pressure(protocol) == ["pause_writing", "resume_writing"][: 1 + resumed]
    transport.abort()


def test_writing_in_resume_writing_may_fill_it_again(stage):
    class Pours(Recorder):
        rounds = 0

        def resume_writing(self):
            super().resume_writing()
            self.rounds += 1
            if self.rounds < 4:
                self.transport.write(bytes(9 * MIB))

    protocol = Pours()
    peer, transport = stage.connect(protocol)
    transport.write(bytes(9 * MIB))
    assert len(stage.received(peer)) == 36 * MIB
    assert pressure(protocol) == ["pause_writing", "resume_writing"] * 4


def test_the_watermarks_are_set_and_told_as_in_asyncio(stage):
    _, transport = stage.connect(Recorder())
    assert transport.get_write_buffer_limits() == (16384, 65536)
    for arguments, expected in [
        ({"high": 1000}, (250, 1000)),
        ({"low": 1000}, (1000, 4000)),
        ({"high": 1000, "low": 1000}, (1000, 1000)),
        ({"high": 0}, (0, 0)),
        ({}, (16384, 65536)),
    ]:
        transport.set_write_buffer_limits(**arguments)
        assert transport.get_write_buffer_limits() == expected
    for arguments in [{"high": 1, "low": 2}, {"high": -1}, {"low": -1, "high": 5}]:
        with pytest.raises(ValueError, match="below"):
            transport.set_write_buffer_limits(**arguments)
    assert transport.get_write_buffer_limits() == (16384, 65536)


def test_lowering_the_watermark_below_what_waits_pauses(tight):
    protocol = Recorder()
    _, transport = tight(protocol)
    transport.write(b"x" * 50_000)
    assert pressure(protocol) == []
    transport.set_write_buffer_limits(high=10_000)
    assert pressure(protocol) == ["pause_writing"]


@pytest.mark.parametrize("size", [100, 5000])
def test_a_watermark_of_nothing_pauses_for_any_byte_that_waits(stage, tight, size):
    """asyncio's way of asking to be told at once."""
    protocol = Recorder()
    peer, transport = tight(protocol)
    transport.set_write_buffer_limits(high=0)
    transport.write(b"x" * size)
    stage.reactor._tick()
    assert pressure(protocol) == ["pause_writing"]
    transport._sock.room = size
    assert stage.received(peer) == b"x" * size
    assert pressure(protocol) == ["pause_writing", "resume_writing"]


def test_a_writer_that_heeds_the_watermarks_never_holds_much(stage):
    class Tap(Recorder):
        flowing, left, most = True, 200, 0

        def pour(self):
            while self.flowing and self.left:
                self.left -= 1
                self.transport.write(bytes(65536))
                self.most = max(self.most, self.transport.get_write_buffer_size())
            if not self.left:
                self.transport.close()

        def pause_writing(self):
            self.flowing = False

        def resume_writing(self):
            self.flowing = True
            self.pour()

    protocol = Tap()
    peer, _ = stage.connect(protocol)
    protocol.pour()
    assert len(stage.received(peer)) == 200 * 65536
    assert protocol.most <= 2 * 65536


# -- limits ------------------------------------------------------------------------------------------------------


def test_beyond_the_output_limit_the_connection_is_evicted(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, limits=Limits(output=MIB))
    stage.clog(transport)
    assert protocol.lost is None
    transport.write(bytes(MIB))
    stage.reactor.settle()
    assert isinstance(protocol.lost, LimitExceeded)
    assert f"over the limit of {MIB}" in str(protocol.lost)
    with pytest.raises(ConnectionResetError):
        read_to_the_end(peer)


def test_exactly_the_output_limit_may_wait(stage, tight):
    protocol = Recorder()
    _, transport = tight(protocol, limits=Limits(output=200_000))
    transport.write(b"x" * 200_000)
    stage.reactor._tick()
    assert protocol.lost is None
    transport.write(b"x")
    stage.reactor._tick()
    assert isinstance(protocol.lost, LimitExceeded)


def test_what_the_kernel_takes_at_once_does_not_count(stage):
    """One write of a large reply to a peer that reads is no offence."""
    protocol = Recorder()
    peer, transport = stage.connect(protocol, limits=Limits(output=200_000))
    transport.write(b"x" * 250_000)
    transport.write(b"x" * 100)
    stage.reactor.settle()
    assert protocol.lost is None
    assert len(stage.received(peer)) == 250_100


def test_no_output_limit_is_no_limit(stage):
    protocol = Recorder()
    _, transport = stage.connect(protocol, limits=Limits(output=None))
    transport.write(bytes(100 * MIB))
    stage.reactor.settle()
    assert protocol.lost is None
    assert transport.get_write_buffer_size() > 64 * MIB


@pytest.mark.parametrize("high", [65536, 1 << 30], ids=["default watermark", "huge watermark"])
def test_the_output_limit_does_not_depend_on_the_watermark(stage, tight, high):
    protocol = Recorder()
    _, transport = tight(protocol, limits=Limits(output=10_000))
    transport.set_write_buffer_limits(high=high)
    for _ in range(10):
        transport.write(b"x" * 2000)
    stage.reactor._tick()
    assert isinstance(protocol.lost, LimitExceeded)


def test_many_small_writes_of_one_tick_are_tried_before_they_count(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, limits=Limits(output=10_000))
    for _ in range(100):
        transport.write(b"x" * 1000)
    assert len(stage.received(peer)) == 100_000
    assert protocol.lost is None


def test_much_written_in_small_pieces_leaves_before_the_tick_ends(stage):
    """Else a thousand small writes would hold a thousand times their size, and pause a writer whose peer reads."""
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    for _ in range(200):
        transport.write(b"x" * 1000)
        assert transport.get_write_buffer_size() <= 65536
    assert pressure(protocol) == []
    assert len(stage.received(peer)) == 200_000


SOFT = Limits(output_soft=100_000, output_soft_seconds=10)


def test_over_the_soft_limit_for_too_long_is_an_eviction(stage):
    protocol = Recorder()
    _, transport = stage.connect(protocol, limits=SOFT)
    stage.clog(transport)
    transport.write(b"x" * 200_000)
    stage.reactor.advance(9.9)
    assert protocol.lost is None
    stage.reactor.advance(0.5)
    assert isinstance(protocol.lost, LimitExceeded)
    assert "more than 100000 bytes waiting for 10" in str(protocol.lost)


def test_sipping_does_not_reset_the_soft_limit(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, limits=SOFT)
    transport.write(bytes(32 * MIB))
    for _ in range(11):
        peer.recv(1000)
        stage.reactor.advance(1)
    assert isinstance(protocol.lost, LimitExceeded)


def test_falling_below_the_soft_limit_in_time_is_forgiven(stage):
    protocol = Recorder()
    limits = Limits(output_soft=3 * MIB, output_soft_seconds=10)
    peer, transport = stage.connect(protocol, limits=limits, timeouts=Timeouts(write=None))
    transport.set_write_buffer_limits(high=6 * MIB, low=0)
    stage.clog(transport)
    while transport.get_write_buffer_size() > 3 * MIB:
        peer.recv(1 << 18)
        stage.reactor.settle()
    assert transport.get_write_buffer_size() > 0
    stage.reactor.advance(100)
    assert protocol.lost is None
    stage.clog(transport)  # over it again: the time begins anew
    stage.reactor.advance(9)
    assert protocol.lost is None
    stage.reactor.advance(2)
    assert isinstance(protocol.lost, LimitExceeded)


def test_all_taken_before_our_end_is_forgiven(stage):
    protocol = Recorder(keep_open=True)
    peer, transport = stage.connect(protocol, limits=SOFT, timeouts=Timeouts(write=None))
    total = stage.clog(transport)
    transport.write(b"x" * 200_000)
    transport.write_eof()
    assert len(stage.received(peer)) == total + 200_000
    stage.reactor.advance(100)
    assert protocol.lost is None
    assert "connection_lost" not in protocol.events


def test_all_taken_and_over_it_again_begins_anew(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, limits=SOFT, timeouts=Timeouts(write=None))
    for _ in range(3):
        stage.clog(transport)
        transport.write(b"x" * 200_000)
        stage.reactor.advance(6)
        stage.received(peer)
        stage.reactor.advance(6)
    assert protocol.lost is None


def test_a_soft_limit_below_the_watermark_counts_too(stage):
    protocol = Recorder()
    _peer, transport = stage.connect(
        protocol, limits=Limits(output_soft=1000, output_soft_seconds=10), timeouts=Timeouts(write=None)
    )
    transport.set_write_buffer_limits(high=1 << 30)
    transport.write(bytes(32 * MIB))
    stage.reactor.advance(11)
    assert isinstance(protocol.lost, LimitExceeded)
