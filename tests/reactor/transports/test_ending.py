"""The contract of a connection, points 3 and 4: how it ends, over real TCP."""

from __future__ import annotations

import socket

import pytest

from reactor import CloseTimeout, Timeouts
from reactor.loop.poller import READ, WRITE
from reactor.testing import Recorder

MIB = 1 << 20


class Upload(Recorder):
    """Notes how much came, not what."""

    def data_received(self, data):
        self.events.append("data_received")


def sip(stage, peer, size=65536):
    """Read a little, as a slow peer does; b"" at the end."""
    stage.reactor.settle()
    return peer.recv(size)


def read_to_the_end(peer):
    while peer.recv(MIB):
        pass


# -- 3: close and abort ------------------------------------------------------------------------------------------


def test_close_sends_all_that_was_written_to_a_slow_reader(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, receive_buffer=65536)
    data = bytes(range(256)) * (5 * MIB // 256)
    transport.write(data)
    transport.close()
    received = bytearray()
    while part := sip(stage, peer):
        received += part
        assert "connection_lost" not in protocol.events
    assert received == data
    peer.close()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "pause_writing", "connection_lost"]
    assert protocol.lost is None


def test_close_reaches_a_peer_that_is_still_sending(stage):
    """Closing a socket with unread input would reset it, and take the end of our bytes from the peer."""
    protocol = Upload()
    peer, transport = stage.connect(protocol)
    data = bytes(range(256)) * (5 * MIB // 256)
    transport.write(data)
    transport.close()
    peer.settimeout(0.05)
    received, sent = bytearray(), 0
    while len(received) < len(data):
        peer.sendall(bytes(65536))
        sent += 65536
        received += sip(stage, peer, MIB)
    assert received == data
    assert sip(stage, peer) == b""
    peer.sendall(b"and more")
    peer.close()
    stage.reactor.settle()
    assert protocol.lost is None
    assert protocol.events == ["connection_made", "pause_writing", "connection_lost"]
    assert transport.bytes_in == sent + 8


def test_close_in_a_flood_of_input_still_delivers_the_answer(stage):
    """The whole question is never read: the answer comes after its first bytes."""

    class Refuses(Upload):
        def data_received(self, data):
            super().data_received(data)
            self.transport.write(b"enough")
            self.transport.close()

    protocol = Refuses()
    peer, _ = stage.connect(protocol)
    peer.sendall(bytes(MIB))
    stage.reactor.settle()
    peer.sendall(bytes(MIB))
    assert stage.received(peer) == b"enough"
    peer.close()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "data_received", "connection_lost"]


def test_a_peer_that_never_reads_is_given_up(stage):
    protocol = Recorder()
    _peer, transport = stage.connect(protocol, timeouts=Timeouts(close=30, write=None))
    stage.clog(transport)
    transport.close()
    stage.reactor.advance(29.9)
    assert protocol.lost is None
    stage.reactor.advance(1.1)
    assert isinstance(protocol.lost, CloseTimeout)
    assert protocol.events[-1] == "connection_lost"
    assert "bytes not taken within 30 s" in str(protocol.lost)


def test_progress_does_not_extend_the_close_timeout(stage):
    """A peer that sips for ever pins nothing either."""
    protocol = Recorder()
    peer, transport = stage.connect(protocol, timeouts=Timeouts(close=30))
    transport.write(bytes(64 * MIB))
    transport.close()
    for _ in range(31):
        assert peer.recv(65536)
        stage.reactor.advance(1)
    assert isinstance(protocol.lost, CloseTimeout)


def test_a_peer_that_keeps_its_end_open_is_no_fault(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, timeouts=Timeouts(close=30))
    transport.write(b"bye")
    transport.close()
    assert stage.received(peer) == b"bye"
    stage.reactor.advance(29.9)
    assert "connection_lost" not in protocol.events
    stage.reactor.advance(1.1)
    assert protocol.events == ["connection_made", "connection_lost"]
    assert protocol.lost is None


def test_without_a_close_timeout_it_waits(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol, timeouts=Timeouts(close=None, write=None))
    stage.clog(transport)
    transport.close()
    stage.reactor.advance(1_000_000)
    assert protocol.events == ["connection_made", "pause_writing"]
    stage.received(peer)
    peer.close()
    stage.reactor.settle()
    assert protocol.lost is None


def test_a_reset_while_lingering_is_no_fault(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    transport.close()
    stage.reactor.settle()
    stage.reset(peer)
    assert protocol.events == ["connection_made", "connection_lost"]
    assert protocol.lost is None


def test_a_reset_before_everything_was_taken_is_one(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    stage.clog(transport)
    transport.close()
    stage.reset(peer)
    assert isinstance(protocol.lost, ConnectionError)


def test_closing_twice_is_closing_once(stage):
    protocol = Recorder()
    _peer, transport = stage.connect(protocol, timeouts=Timeouts(close=30))
    transport.close()
    stage.reactor.advance(20)
    transport.close()
    stage.reactor.advance(11)
    assert protocol.events == ["connection_made", "connection_lost"]


def test_a_connection_that_is_closing_is_not_reading_and_says_so(stage):
    _, transport = stage.connect(Recorder())
    assert (transport.is_closing(), transport.is_reading()) == (False, True)
    transport.close()
    assert (transport.is_closing(), transport.is_reading()) == (True, False)
    transport.resume_reading()
    assert not transport.is_reading()


def test_abort_ends_at_once_and_the_peer_sees_a_reset_for_what_is_lost(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    stage.clog(transport)
    transport.abort()
    stage.reactor._tick()
    assert protocol.events == ["connection_made", "pause_writing", "connection_lost"]
    assert protocol.lost is None
    with pytest.raises(ConnectionResetError):
        read_to_the_end(peer)


def test_a_small_write_before_abort_is_lost_with_a_reset(stage):
    peer, transport = stage.connect(Recorder())
    transport.write(b"never sent")
    transport.abort()
    stage.reactor.settle()
    with pytest.raises(ConnectionResetError):
        peer.recv(100)


def test_abort_while_lingering_ends_it(stage):
    protocol = Recorder()
    _, transport = stage.connect(protocol)
    transport.close()
    stage.reactor.settle()
    assert "connection_lost" not in protocol.events
    transport.abort()
    transport.abort()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "connection_lost"]


@pytest.mark.parametrize("way", ["close", "abort"])
def test_closing_the_reactor_ends_every_connection(stage, way):
    protocols = []

    def factory():
        protocols.append(Recorder())
        return protocols[-1]

    listener = stage.serve(factory)
    for _ in range(3):
        stage.dial(listener)
    stage.clog(protocols[0].transport)
    protocols[1].transport.close()
    stage.reactor.close()
    assert all(protocol.events[-1] == "connection_lost" for protocol in protocols)
    assert [protocol.events.count("connection_lost") for protocol in protocols] == [1, 1, 1]


# -- 4: half-close -----------------------------------------------------------------------------------------------


def test_the_peers_end_closes_by_default_once_all_is_answered(stage):
    class Answers(Recorder):
        def eof_received(self):
            super().eof_received()
            self.transport.write(bytes(5 * MIB))

    protocol = Answers()
    peer, _ = stage.connect(protocol)
    peer.sendall(b"question")
    peer.shutdown(socket.SHUT_WR)
    assert len(stage.received(peer)) == 5 * MIB
    assert protocol.events == ["connection_made", "data_received", "eof_received", "pause_writing", "connection_lost"]
    assert protocol.lost is None


def test_the_peers_end_may_keep_our_half_open(stage):
    protocol = Recorder(keep_open=True)
    peer, transport = stage.connect(protocol)
    peer.shutdown(socket.SHUT_WR)
    stage.reactor.advance(100)
    assert protocol.events == ["connection_made", "eof_received"]
    assert not transport.is_closing()
    transport.write(b"late answer")
    assert stage.received(peer) == b"late answer"
    transport.write_eof()
    assert stage.received(peer) == b""
    assert protocol.events[-1] == "connection_lost"
    assert protocol.lost is None


def test_a_half_open_connection_does_not_spin(stage):
    peer, _transport = stage.connect(Recorder(keep_open=True))
    peer.shutdown(socket.SHUT_WR)
    stage.reactor.settle()
    before = stage.reactor.stats()["ticks"]
    stage.reactor.settle()
    assert stage.reactor.stats()["ticks"] - before == 1


def test_we_may_end_first_and_go_on_reading(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    transport.write(b"question")
    assert transport.can_write_eof()
    transport.write_eof()
    transport.write_eof()
    assert stage.received(peer) == b"question"
    assert peer.recv(10) == b""
    peer.sendall(b"answer")
    stage.reactor.settle()
    assert protocol.data == b"answer"
    assert not transport.is_closing()
    peer.close()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "data_received", "eof_received", "connection_lost"]


def test_our_end_is_said_after_all_that_was_written(stage):
    peer, transport = stage.connect(Recorder())
    total = stage.clog(transport)
    transport.write_eof()
    assert len(stage.received(peer)) == total
    assert peer.recv(10) == b""


def test_closing_after_write_eof_waits_for_the_bytes(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    total = stage.clog(transport)
    transport.write_eof()
    transport.close()
    assert len(stage.received(peer)) == total
    peer.close()
    stage.reactor.settle()
    assert protocol.lost is None
    assert protocol.events[-1] == "connection_lost"


def test_eof_received_comes_once_where_the_peer_ends_and_then_resets(stage):
    protocol = Recorder(keep_open=True)
    peer, transport = stage.connect(protocol)
    peer.shutdown(socket.SHUT_WR)
    stage.reactor.settle()
    stage.reset(peer)
    transport.write(b"x")
    stage.reactor.settle()
    transport.write(b"x")
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "eof_received", "connection_lost"]


def test_closing_in_eof_received_and_keeping_open_is_closing(stage):
    class Torn(Recorder):
        def eof_received(self):
            super().eof_received()
            self.transport.close()
            return True

    protocol = Torn()
    peer, _ = stage.connect(protocol)
    peer.close()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "eof_received", "connection_lost"]


def test_a_report_that_comes_after_the_peers_end_tells_it_no_second_time(stage):
    protocol = Recorder(keep_open=True)
    peer, transport = stage.connect(protocol)
    stage.clog(transport)
    peer.shutdown(socket.SHUT_WR)
    stage.reactor.settle()
    transport._on_ready(READ)  # a hang-up is reported so by some pollers
    assert protocol.events.count("eof_received") == 1
    assert transport._interest == WRITE
    transport.abort()
