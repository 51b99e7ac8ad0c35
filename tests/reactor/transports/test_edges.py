"""A connection over TCP is told of input once, as long as each read takes all there is. Nothing may be left behind.

The peer is a socket of the kernel, which says what it has to say before the loop looks, and then nothing more.
"""

from __future__ import annotations

import array
import os
import socket
import sys

import pytest

from reactor import BufferedProtocol
from reactor.loop.poller import EDGE
from reactor.testing import MemoryReactor, Recorder, SteppedReactor
from reactor.transports.reads import FIRST_READ, SMALL


class Hear(Recorder):
    """Does `act()` once, in the next `data_received`."""

    act = None

    def data_received(self, data):
        super().data_received(data)
        act, self.act = self.act, None
        if act is not None:
            act()


class Fill(BufferedProtocol):
    """Has room for three bytes."""

    def __init__(self):
        self.data, self.buffer, self.events = b"", bytearray(3), []

    def get_buffer(self, size_hint):
        return self.buffer

    def buffer_updated(self, count):
        self.data += self.buffer[:count]

    def eof_received(self):
        self.events.append("eof_received")


@pytest.fixture
def reactor():
    with SteppedReactor() as reactor:
        yield reactor


@pytest.fixture
def served(reactor):
    """Who hears a connection, and the socket at its other end."""
    made = []
    listener = reactor.listen_tcp(lambda: made.append(Hear()) or made[-1], "127.0.0.1", 0)
    with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as peer:
        reactor.settle()
        yield made[0], peer


def on_edges(protocol):
    return bool(protocol.transport._interest & EDGE)


def test_each_of_many_short_messages_is_heard_and_told_once(reactor, served):
    protocol, peer = served
    before = reactor.stats().events
    for _ in range(50):
        peer.sendall(b"x" * 100)
        reactor.settle()
    assert len(protocol.data) == 5000
    assert reactor.stats().events - before == 50
    assert on_edges(protocol)


@pytest.mark.parametrize("size", [SMALL, SMALL + 1, FIRST_READ - 1, FIRST_READ, FIRST_READ + 1, 3 * FIRST_READ])
def test_what_a_read_leaves_comes_without_another_word_of_the_peer(reactor, served, size):
    protocol, peer = served
    peer.sendall(bytes(size))
    reactor.settle()
    assert len(protocol.data) == size
    peer.sendall(b"more")
    reactor.settle()
    assert len(protocol.data) == size + 4


@pytest.mark.parametrize("size", [0, 1, SMALL, SMALL + 1, FIRST_READ, 3 * FIRST_READ])
def test_the_end_that_comes_with_the_last_bytes_is_heard(reactor, served, size):
    protocol, peer = served
    peer.sendall(bytes(size))
    peer.shutdown(socket.SHUT_WR)
    reactor.settle()
    assert len(protocol.data) == size
    assert protocol.events[-2:] == ["eof_received", "connection_lost"]
    assert peer.recv(1) == b""


@pytest.mark.parametrize("size", [100, FIRST_READ, 3 * FIRST_READ])
def test_a_reset_behind_the_last_bytes_is_heard(reactor, served, size):
    protocol, peer = served
    protocol.act = lambda: reset(peer)
    peer.sendall(bytes(size))
    reactor.settle()
    assert protocol.events[-1] == "connection_lost"
    assert isinstance(protocol.lost, ConnectionResetError)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()


@pytest.mark.parametrize("size", [100, FIRST_READ, 3 * FIRST_READ])
def test_a_pause_keeps_what_came_before_and_in_it(reactor, served, size):
    protocol, peer = served
    protocol.act = lambda: protocol.transport.pause_reading()
    peer.sendall(bytes(size))
    reactor.settle()
    assert len(protocol.data) == min(size, FIRST_READ)
    peer.sendall(b"meanwhile")
    reactor.settle()
    protocol.transport.resume_reading()
    reactor.settle()
    assert len(protocol.data) == size + 9
    assert on_edges(protocol) == (size <= SMALL)  # who leaves something once is not asked again


def test_a_pause_and_a_resume_in_one_callback_lose_nothing(reactor, served):
    protocol, peer = served
    protocol.act = lambda: (protocol.transport.pause_reading(), protocol.transport.resume_reading())
    peer.sendall(bytes(3 * FIRST_READ))
    reactor.settle()
    assert len(protocol.data) == 3 * FIRST_READ


def test_paused_by_another_in_the_same_batch_it_hears_all_later(reactor, served):
    _, peer = served
    other = socket.create_connection(peer.getpeername(), timeout=10)
    reactor.settle()
    (first, second) = [transport.get_protocol() for transport in reactor.connections()]
    first.act, second.act = second.transport.pause_reading, first.transport.pause_reading
    for sock in (peer, other):
        sock.sendall(b"x")
        sock.shutdown(socket.SHUT_WR)
    reactor.settle()
    paused = second if first.data else first
    assert paused.data == b""
    paused.transport.resume_reading()
    reactor.settle()
    assert (paused.data, paused.events[-1]) == (b"x", "connection_lost")
    other.close()


@pytest.mark.parametrize("size", [100, FIRST_READ, 3 * FIRST_READ])
def test_a_protocol_with_a_buffer_of_its_own_hears_the_rest(reactor, served, size):
    protocol, peer = served
    fill = Fill()
    protocol.act = lambda: protocol.transport.set_protocol(fill)
    peer.sendall(bytes(size))
    reactor.settle()
    peer.sendall(b"and more")
    peer.shutdown(socket.SHUT_WR)
    reactor.settle()
    assert len(protocol.data) + len(fill.data) == size + 8
    assert fill.data.endswith(b"and more")
    assert fill.events == ["eof_received"]


@pytest.mark.parametrize("size", [100, FIRST_READ, 3 * FIRST_READ])
def test_what_comes_behind_our_close_is_dropped_and_then_the_end_is_heard(reactor, served, size):
    protocol, peer = served
    protocol.act = lambda: protocol.transport.close()
    peer.sendall(bytes(size))
    reactor.settle()
    peer.sendall(b"for nobody" * 10_000)
    peer.shutdown(socket.SHUT_WR)
    reactor.settle()
    assert protocol.events[-1] == "connection_lost"
    assert peer.recv(1) == b""  # no reset


def test_what_is_given_back_comes_again_and_then_the_rest(reactor, served):
    protocol, peer = served
    protocol.act = lambda: protocol.transport.unread(protocol.data[100:])
    peer.sendall(bytes(3 * FIRST_READ))
    reactor.settle()
    assert len(protocol.data) == FIRST_READ + 3 * FIRST_READ - 100


def test_a_peer_that_is_slow_to_read_hears_all_and_is_heard(reactor, served):
    protocol, peer = served
    protocol.transport.write(bytes(8 << 20))
    reactor.settle()
    assert protocol.transport.get_write_buffer_size()
    peer.sendall(b"wait")
    reactor.settle()
    assert protocol.data == b"wait"
    got = 0
    while got < 8 << 20:
        got += len(peer.recv(1 << 20))
        reactor.settle()
    peer.sendall(bytes(3 * FIRST_READ))
    reactor.settle()
    assert len(protocol.data) == 4 + 3 * FIRST_READ


def test_urgent_data_hides_nothing_that_comes_behind_it(reactor, served):
    protocol, peer = served
    peer.sendall(b"before")
    peer.send(b"!", socket.MSG_OOB)
    peer.sendall(b"behind")
    reactor.settle()
    assert protocol.data == b"beforebehind"


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix sockets")
def test_on_a_unix_socket_descriptors_sent_along_hide_nothing(reactor, tmp_path):
    made = []
    reactor.listen_unix(lambda: made.append(Hear()) or made[-1], str(tmp_path / "door"))
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(tmp_path / "door"))
        reactor.settle()
        (reading, writing) = os.pipe()
        descriptor = array.array("i", [reading])
        peer.sendmsg([b"with one"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)])
        peer.sendall(b" and behind it")
        reactor.settle()
        os.close(reading)
        os.close(writing)
    assert made[0].data == b"with one and behind it"
    assert not on_edges(made[0])


@pytest.mark.parametrize("size", [100, FIRST_READ, 3 * FIRST_READ])
def test_an_interrupt_in_the_midst_of_a_batch_costs_nobody_anything(reactor, served, size):
    _, peer = served
    others = [socket.create_connection(peer.getpeername(), timeout=10) for _ in range(3)]
    reactor.settle()
    heard = [transport.get_protocol() for transport in reactor.connections()]
    for protocol in heard:
        protocol.act = interrupt
    for sock in (peer, *others):
        sock.sendall(bytes(size))
        sock.shutdown(socket.SHUT_WR)
    for _ in heard:
        with pytest.raises(KeyboardInterrupt):
            reactor.settle()
    reactor.settle()
    assert [len(protocol.data) for protocol in heard] == [size] * 4
    assert [protocol.events[-2:] for protocol in heard] == [["eof_received", "connection_lost"]] * 4
    for sock in others:
        sock.close()


def interrupt():
    raise KeyboardInterrupt


def test_in_memory_too_an_edge_is_told_once():
    with MemoryReactor() as reactor:
        heard = Hear()
        reactor.listen_tcp(lambda: heard, "localhost", 80)
        peer, _ = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 80))
        reactor.settle()
        heard.transport._sock.recv = lambda size: b"?"  # it leaves all there is
        peer.write(b"x")
        reactor.settle()
        assert heard.data == b"?"
