"""The ends: in order, by halves, by force, by a fault of ours. `connection_lost` once, and last, and right."""

from __future__ import annotations

import logging
import weakref

import pytest

from reactor import CloseTimeout, IdleTimeout, PeerError, Timeouts, WriteTimeout
from tests.conformance.carriers import Echo, Life, noise

LARGE = 8 << 20  # bytes: more than any carrier holds


def check_contract(*protocols):
    for protocol in protocols:
        events = protocol.events
        assert events[0] == "connection_made"
        assert events[-1] == "connection_lost"
        for name in ("connection_made", "connection_lost", "eof_received"):
            assert events.count(name) <= 1
        pressure = [event for event in events if event.endswith("_writing")]
        assert pressure == ["pause_writing", "resume_writing"] * (len(pressure) // 2) + ["pause_writing"] * (
            len(pressure) % 2
        )


def test_a_life_in_order(carrier):
    a, b = Life(), Life(keep_open=False)
    carrier.pair(a, b)
    a.transport.write(b"hello")
    a.transport.close()
    carrier.lost(a, b)
    assert a.events == ["connection_made", "connection_lost"]
    assert b.events == ["connection_made", "data_received", "eof_received", "connection_lost"]
    assert (a.lost, b.lost, b.received) == (None, None, b"hello")


@pytest.mark.parametrize("size", [1, 4096, 1 << 20, LARGE])
def test_close_sends_what_was_written(carrier, size):
    a, b = Life(), Life(keep_open=False)
    carrier.pair(a, b)
    a.transport.write(noise(size))
    a.transport.close()
    assert a.transport.is_closing()
    carrier.lost(a, b)
    assert b.received == noise(size)
    assert (a.lost, b.lost) == (None, None)
    check_contract(a, b)


def test_close_sends_all_though_the_peer_still_talks(carrier):
    """What it says is read and dropped: unread, it would turn our end into a reset, which takes our bytes with it."""

    class Talker(Life):
        def data_received(self, data):
            super().data_received(data)
            self.transport.write(noise(len(data)))

    a, b = Life(), Talker(keep_open=False)
    carrier.pair(a, b)
    b.transport.write(noise(200_000))
    a.transport.write(noise(2 << 20))
    a.transport.close()
    carrier.lost(a, b)
    assert b.received == noise(2 << 20)
    assert a.lost is None
    assert "data_received" not in a.events
    check_contract(a, b)


def test_both_close_at_once(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b)
    for protocol in (a, b):
        protocol.transport.write(b"bye")
        protocol.transport.close()
        protocol.transport.close()
    carrier.lost(a, b)
    assert (a.lost, b.lost) == (None, None)
    check_contract(a, b)


@pytest.mark.needs("half_close")
@pytest.mark.parametrize("size", [0, 10, LARGE])
def test_half_close_goes_each_way_alone(carrier, size):
    a, b = Life(), Life()
    carrier.pair(a, b)
    assert a.transport.can_write_eof()
    a.transport.write(noise(size))
    a.transport.write_eof()
    a.transport.write_eof()
    carrier.until(lambda: "eof_received" in b.events)
    assert b.received == noise(size)
    assert not b.transport.is_closing()
    assert not a.transport.is_closing()
    b.transport.write(noise(size + 1, 2))
    carrier.until(lambda: len(a.received) >= size + 1)
    assert a.received == noise(size + 1, 2)
    b.transport.write_eof()
    carrier.lost(a, b)
    assert (a.lost, b.lost) == (None, None)
    assert a.events.count("eof_received") == b.events.count("eof_received") == 1
    check_contract(a, b)


@pytest.mark.needs("half_close")
def test_a_request_that_ends_with_its_half_is_answered_whole(carrier):
    """HTTP/1.0's way: the answer is larger than any buffer, and the asker has long ended its half."""

    class Answers(Life):
        def eof_received(self):
            super().eof_received()
            self.transport.write(noise(LARGE))
            self.transport.close()
            return True

    a, b = Life(keep_open=False), Answers()
    carrier.pair(a, b)
    a.transport.write(b"GET /")
    a.transport.write_eof()
    carrier.lost(a, b)
    assert a.received == noise(LARGE)
    assert (a.lost, b.lost) == (None, None)


def test_writing_after_write_eof_is_a_bug(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b)
    if carrier.half_close:
        a.transport.write_eof()
        with pytest.raises(RuntimeError, match="write_eof"):
            a.transport.write(b"x")
    a.transport.abort()
    a.transport.write(b"ignored")
    carrier.lost(a)


def test_writing_after_close_is_ignored_and_counted(carrier, caplog):
    a, b = Life(), Life(keep_open=False)
    carrier.pair(a, b)
    a.transport.write(b"last words")
    a.transport.close()
    before = carrier.reactor.stats()["ignored_writes"]
    for _ in range(10):
        a.transport.write(b"too late")
    a.transport.writelines([b"much ", b"too late"])
    carrier.lost(a, b)
    a.transport.write(b"after the end")
    assert b.received == b"last words"
    assert carrier.reactor.stats()["ignored_writes"] == before + 12
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


@pytest.mark.parametrize("waiting", [0, LARGE])
def test_abort_is_immediate(carrier, waiting):
    a, b = Life(), Life()
    carrier.pair(a, b)
    b.transport.pause_reading()
    carrier.settle()
    a.transport.write(noise(waiting))
    a.transport.abort()
    a.transport.abort()
    assert "connection_lost" not in a.events
    carrier.reactor._tick() if carrier.reactor.doomed else None
    assert a.events[-1] == "connection_lost"
    assert a.lost is None
    carrier.settle_once()
    b.transport.resume_reading()
    carrier.until(lambda: b.events[-1] in ("eof_received", "connection_lost"))
    b.transport.close()
    carrier.lost(b)
    check_contract(a, b)


@pytest.mark.needs("resets")
def test_a_reset_is_named_and_quiet(carrier, caplog):
    """The peer goes and leaves our bytes unread."""
    a, b = Life(), Life()
    carrier.pair(a, b)
    b.transport.pause_reading()
    a.transport.write(b"never read")
    carrier.settle()
    b.transport.abort()
    carrier.settle()
    if "connection_lost" not in a.events:
        a.transport.write(b"more")
        carrier.settle()
    carrier.lost(a)
    assert isinstance(a.lost, ConnectionError)
    lines = [record for record in caplog.records if "lost" in record.getMessage()]
    assert len(lines) == 1
    assert lines[0].levelno < logging.WARNING
    check_contract(a, b)


@pytest.mark.needs("bounded")
def test_a_peer_that_vanishes_while_we_write_is_an_error(carrier):
    """Bytes were lost, so it is not called a clean end."""
    a, b = Life(), Life()
    carrier.pair(a, b)
    b.transport.pause_reading()
    a.transport.write(noise(LARGE))
    carrier.settle()
    b.transport.abort()
    carrier.lost(a)
    assert isinstance(a.lost, OSError)
    check_contract(a, b)


@pytest.mark.parametrize("way", ["close", "abort"])
def test_ended_in_connection_made(carrier, way):
    class Brief(Life):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.write(b"no")
            getattr(transport, way)()

    a, b = Life(keep_open=False), Brief()
    carrier.pair(a, b)
    carrier.lost(a, b)
    assert b.events == ["connection_made", "connection_lost"]
    assert a.received == (b"no" if way == "close" else b"")
    check_contract(a, b)


class Fails(Life):
    """Raises in one callback."""

    def __init__(self, where, error):
        super().__init__()
        self.where, self.error = where, error

    def fail(self, where):
        if where == self.where:
            raise self.error

    def connection_made(self, transport):
        super().connection_made(transport)
        self.fail("connection_made")

    def data_received(self, data):
        super().data_received(data)
        self.fail("data_received")

    def eof_received(self):
        super().eof_received()
        self.fail("eof_received")

    def connection_lost(self, exc):
        super().connection_lost(exc)
        self.fail("connection_lost")

    def pause_writing(self):
        super().pause_writing()
        self.fail("pause_writing")

    def resume_writing(self):
        super().resume_writing()
        self.fail("resume_writing")


@pytest.mark.loud
@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize(
    "where", ["connection_made", "data_received", "eof_received", "connection_lost", "pause_writing", "resume_writing"]
)
def test_an_exception_in_a_callback_ends_that_connection(carrier, caplog, where, quiet):
    """A bug is logged once with its traceback; a PeerError once, quietly. Nobody else notices but by the end."""
    error = PeerError("broken rules") if quiet else ZeroDivisionError("a bug")
    a, b = Life(keep_open=False), Fails(where, error)
    carrier.pair(a, b)
    if where.endswith("_writing"):
        a.transport.pause_reading()
        b.transport.write(noise(LARGE))
        carrier.settle_once()
        a.transport.resume_reading()
    a.transport.write(b"x")
    carrier.until(lambda: b.received or "connection_lost" in b.events)
    a.transport.close()
    carrier.lost(a, b)
    if where == "connection_lost":
        assert b.lost is None
    elif where in b.events or not where.endswith("_writing"):
        assert b.lost is error
    traces = [record for record in caplog.records if record.levelno >= logging.ERROR]
    lines = [record for record in caplog.records if str(error) in record.getMessage()]
    ran = where in b.events
    assert len(traces) == (0 if quiet or not ran else 1)
    if ran and quiet and where != "connection_lost":
        assert len(lines) == 1
    check_contract(a, b)


def test_false_from_eof_received_closes_and_true_does_not(carrier):
    a, b = Life(), Echo()
    carrier.pair(a, b)
    a.transport.write(b"echo this")
    carrier.until(lambda: a.received)
    a.transport.close()
    carrier.lost(a, b)
    assert a.received == b"echo this"
    assert b.events == ["connection_made", "data_received", "eof_received", "connection_lost"]


@pytest.mark.needs("half_close")
def test_a_half_open_connection_is_closed_by_its_owner(carrier):
    a, b = Life(), Life(keep_open=True)
    carrier.pair(a, b)
    a.transport.write_eof()
    carrier.until(lambda: "eof_received" in b.events)
    carrier.settle()
    assert "connection_lost" not in b.events
    b.transport.close()
    carrier.lost(a, b)
    assert (a.lost, b.lost) == (None, None)


# -- timeouts ------------------------------------------------------------------------------------------------------


def test_idle(carrier):
    a, b = Life(keep_open=False), Life(keep_open=False)
    carrier.pair(a, b, timeouts=Timeouts(idle=100))
    carrier.reactor.advance(60)
    a.transport.write(b"still here")
    carrier.until(lambda: b.received)
    carrier.reactor.advance(60)
    assert "connection_lost" not in a.events + b.events
    carrier.reactor.advance(60)
    carrier.lost(a, b)
    assert IdleTimeout in (type(a.lost), type(b.lost))


@pytest.mark.needs("bounded", "half_close")
def test_an_end_that_comes_while_our_output_is_blocked_is_a_half(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b)
    b.transport.pause_reading()
    a.transport.write(noise(LARGE))
    b.transport.write_eof()
    carrier.until(lambda: "eof_received" in a.events)
    assert not a.transport.is_closing()
    a.transport.write(b"the end")
    a.transport.close()
    b.transport.resume_reading()
    carrier.lost(a, b)
    assert b.received == noise(LARGE) + b"the end"
    assert (a.lost, b.lost) == (None, None)


@pytest.mark.needs("bounded")
def test_a_peer_that_reads_nothing(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b, timeouts=Timeouts(write=30))
    b.transport.pause_reading()
    a.transport.write(noise(LARGE))
    carrier.settle()
    carrier.reactor.advance(29)
    assert "connection_lost" not in a.events
    carrier.reactor.advance(3)
    carrier.lost(a)
    assert type(a.lost) is WriteTimeout


@pytest.mark.needs("bounded")
def test_closing_on_a_peer_that_reads_nothing(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b, timeouts=Timeouts(write=1000, close=20))
    b.transport.pause_reading()
    a.transport.write(noise(LARGE))
    carrier.settle()
    a.transport.close()
    carrier.reactor.advance(19)
    assert "connection_lost" not in a.events
    carrier.reactor.advance(3)
    carrier.lost(a)
    assert type(a.lost) is CloseTimeout


@pytest.mark.needs("half_close")
def test_closing_on_a_peer_that_never_ends(carrier):
    """It has all our bytes: that is a clean end, though late."""
    a, b = Life(), Life(keep_open=True)
    carrier.pair(a, b, timeouts=Timeouts(close=20))
    a.transport.write(b"bye")
    a.transport.close()
    carrier.settle()
    assert b.received == b"bye"
    carrier.reactor.advance(19)
    assert "connection_lost" not in a.events
    carrier.reactor.advance(3)
    carrier.lost(a)
    assert a.lost is None


# -- the rest of a life ----------------------------------------------------------------------------------------------


@pytest.mark.needs("half_close")
def test_a_drain_lets_everybody_finish(carrier):
    """Both ends close; what one has written is sent all the same, and the other reads it, though it drops it."""
    a, b = Life(keep_open=False), Life(keep_open=False)
    carrier.pair(a, b)
    a.transport.write(noise(LARGE))
    drain = carrier.reactor.drain(grace=60)
    carrier.lost(a, b)
    carrier.until(drain.done)
    assert drain.result().cut == []
    assert (a.lost, b.lost) == (None, None)


def test_closing_the_reactor_ends_both(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b)
    a.transport.write(noise(LARGE))
    carrier.reactor.close()
    check_contract(a, b)


def test_nothing_is_called_from_inside_a_call(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b)
    a.transport.pause_reading()
    b.transport.write(b"waits")
    carrier.settle()
    for call in (a.transport.resume_reading, lambda: a.transport.write(b"x"), a.transport.close, a.transport.abort):
        before = a.events[:]
        call()
        assert a.events == before
    carrier.lost(a)


def test_late_calls_are_harmless(carrier):
    a, b = Life(), Life(keep_open=False)
    carrier.pair(a, b)
    transport = a.transport
    a.transport.close()
    carrier.lost(a, b)
    for name in ("close", "abort", "pause_reading", "resume_reading", "write_eof", "is_reading", "get_protocol"):
        getattr(transport, name)()
    transport.write(b"x")
    transport.writelines([b"x"])
    transport.set_write_buffer_limits(10)
    assert transport.is_closing()
    carrier.settle_once()
    assert a.events.count("connection_lost") == 1
    assert "CLOSED" in repr(transport)


def test_the_end_lets_go_of_the_protocols(carrier, no_gc):
    a, b = Life(), Life(keep_open=False)
    carrier.pair(a, b)
    a.transport.write(b"hello")
    a.transport.close()
    carrier.lost(a, b)
    carrier.tend()
    alive = [weakref.ref(a), weakref.ref(b)]
    assert carrier.reactor.stats()["connections"] == 0
    kept = a.transport, b.transport
    del a, b
    assert [ref() for ref in alive] == [None, None]
    assert [transport.get_protocol() for transport in kept] == [None, None]


def test_what_a_transport_tells_of_itself(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b)
    for protocol in (a, b):
        transport = protocol.transport
        assert repr(transport).startswith("<StreamTransport ")
        assert "OPEN in=READING out=FLOWING" in repr(transport)
        assert transport.get_protocol() is protocol
        assert transport.is_reading()
        assert not transport.is_closing()
        assert transport.get_extra_info("no such thing") is None
        assert transport.get_extra_info("no such thing", 7) == 7
        assert (transport.get_extra_info("ssl_object") is not None) == carrier.secure
        assert (transport.get_extra_info("cipher") is not None) == carrier.secure
    if carrier.named:
        assert b.transport.get_extra_info("sockname") == a.transport.get_extra_info("peername")
        assert a.transport.get_extra_info("sockname") == b.transport.get_extra_info("peername")
    if not carrier.threads:
        assert a.transport.get_extra_info("socket").fileno() > 0
    peername = a.transport.get_extra_info("peername")
    a.transport.abort()
    carrier.lost(a)
    assert a.transport.get_extra_info("peername") == peername
