"""A connection over TCP is told of input once, as long as each read takes all there is. Nothing may be left behind.

The peer is a socket of the kernel, which says what it has to say before the loop looks, and then nothing more.
"""

from __future__ import annotations

import array
import contextlib
import os
import random
import socket
import ssl
import sys
from types import SimpleNamespace

import pytest

from reactor import BufferedProtocol, Reactor
from reactor.aio.selector import ReactorSelector
from reactor.loop.poller import EDGE, READ, WRITE
from reactor.sockets.carrier import reset_on_close
from reactor.testing import MemoryReactor, Recorder, SteppedReactor, connected_pair
from reactor.testing.unreliable import UnreliablePoller
from reactor.transports.reads import FIRST_READ, SMALL
from tests.kit.tls import Peer, client_context, server_context


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
    reset_on_close(sock)
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


def test_a_socket_with_a_receive_of_its_own_is_told_by_level(reactor):
    """It may leave what it likes."""

    class Sparing(socket.socket):
        def recv(self, size):
            return super().recv(min(size, 1000))

    class Door(socket.socket):
        def accept(self):
            fd, address = self._accept()
            return Sparing(self.family, self.type, self.proto, fileno=fd), address

    heard, door = Hear(), Door(socket.AF_INET)
    door.bind(("127.0.0.1", 0))
    door.listen()
    reactor.listen_socket(lambda: heard, door)
    with socket.create_connection(door.getsockname(), timeout=10) as peer:
        peer.sendall(bytes(5000))
        reactor.settle()
        assert len(heard.data) == 5000


# -- an exception that leaves a round before its end ---------------------------------------------------------------


def interrupt(*args):
    raise KeyboardInterrupt


def settle_through(reactor, interrupts=1):
    """Run on after each Ctrl-C, as a program that drains does."""
    for _ in range(interrupts):
        with pytest.raises(KeyboardInterrupt):
            reactor.settle()
    reactor.settle()


@pytest.fixture
def crowd(reactor, served):
    """Four who hear, and the sockets at the other ends."""
    peers = [served[1], *(socket.create_connection(served[1].getpeername(), timeout=10) for _ in range(3))]
    reactor.settle()
    yield [transport.get_protocol() for transport in reactor.connections()], peers
    for peer in peers:
        peer.close()


@pytest.mark.parametrize("size", [100, FIRST_READ, 3 * FIRST_READ])
def test_an_interrupt_in_the_midst_of_a_batch_costs_nobody_anything(reactor, crowd, size):
    heard, peers = crowd
    for protocol in heard:
        protocol.act = interrupt
    for peer in peers:
        peer.sendall(bytes(size))
        peer.shutdown(socket.SHUT_WR)
    settle_through(reactor, 4)
    assert [len(protocol.data) for protocol in heard] == [size] * 4
    assert [protocol.events[-2:] for protocol in heard] == [["eof_received", "connection_lost"]] * 4


def test_an_interrupt_costs_nobody_anything_where_asyncio_turns_the_reactor():
    with Reactor() as reactor:
        made = []
        listener = reactor.listen_tcp(lambda: made.append(Hear()) or made[-1], "127.0.0.1", 0)
        selector = ReactorSelector(reactor)
        peers = [socket.create_connection(("127.0.0.1", listener.port), timeout=10) for _ in range(3)]
        while len(made) < 3:
            selector.select(10)
        for protocol, peer in zip(made, peers, strict=True):
            protocol.act = interrupt
            peer.sendall(bytes(3 * FIRST_READ))
        interrupts = 0
        while any(len(protocol.data) < 3 * FIRST_READ for protocol in made):
            try:
                selector.select(10)
            except KeyboardInterrupt:
                interrupts += 1
        assert interrupts == 3
        for peer in peers:
            peer.close()


@pytest.mark.parametrize("name", ["modify", "unregister"])
def test_an_interrupt_while_the_poller_is_asked_costs_nothing(reactor, served, name, monkeypatch):
    """Where a large read asks for a level; or twice in what takes up the connection after another interrupt."""
    protocol, peer = served
    asked = getattr(reactor.poller, name)
    left = [1, 1]

    def ask(*args):
        if left:
            left.pop()
            raise KeyboardInterrupt
        return asked(*args)

    if name == "unregister":
        protocol.act = interrupt
    monkeypatch.setattr(reactor.poller, name, ask)
    peer.sendall(bytes(3 * FIRST_READ))
    for _ in range(4):
        try:
            reactor.settle()
        except KeyboardInterrupt:
            pass
    assert left == ([] if name == "unregister" else [1])
    assert len(protocol.data) == 3 * FIRST_READ


def test_an_interrupt_in_a_redelivery_leaves_the_connection_heard(reactor, served):
    protocol, peer = served
    protocol.act = lambda: (protocol.transport.unread(b"again"), setattr(protocol, "act", interrupt))
    peer.sendall(b"x")
    settle_through(reactor)
    peer.sendall(b"more")
    reactor.settle()
    assert protocol.data == b"xagainmore"


def test_an_interrupt_at_the_peers_end_still_ends_the_connection(reactor, served, monkeypatch):
    protocol, peer = served
    monkeypatch.setattr(protocol, "eof_received", interrupt)
    peer.shutdown(socket.SHUT_WR)
    settle_through(reactor)
    assert protocol.events[-1] == "connection_lost"
    assert peer.recv(1) == b""


def test_what_was_written_before_an_interrupt_leaves(reactor, served):
    protocol, peer = served

    def write():
        protocol.transport.write(b"written")
        raise KeyboardInterrupt

    protocol.act = write
    peer.sendall(b"x")
    settle_through(reactor)
    assert peer.recv(100) == b"written"


def test_an_interrupt_hides_no_end_that_came_in_the_same_read_of_tls(stage):
    heard = Hear()
    listener = stage.reactor.listen_tcp(lambda: heard, "127.0.0.1", 0, tls=server_context())
    talk = Peer(stage, stage.dial(listener), client_context()).shake()
    talk.flush()
    heard.act = interrupt
    talk.tls.write(b"x")
    with contextlib.suppress(ssl.SSLWantReadError):
        talk.tls.unwrap()
    with pytest.raises(KeyboardInterrupt):
        talk.flush()
    stage.reactor.settle()
    assert (heard.data, heard.events[-1]) == (b"x", "connection_lost")


# -- sockets in memory, and carriers -------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [100, 5000])
def test_what_a_carrier_writes_while_it_sends_is_kept(taken):
    heard = Recorder()
    with connected_pair(heard, Recorder()) as pair:
        send = pair.b._sock.send

        def sending(data):
            pair.b._sock.send = send
            pair.b.write(b"behind")
            return send(data[:taken])

        pair.b._sock.send = sending
        pair.b.write(bytes(5000))
        pair.settle()
    assert heard.data == bytes(5000) + b"behind"


def test_what_an_interrupt_keeps_from_being_sent_leaves_in_the_next_round():
    heard, writer = Recorder(), Hear()
    with connected_pair(heard, writer) as pair:
        send = pair.b._sock.send

        def sending(data):
            pair.b._sock.send = send
            raise KeyboardInterrupt

        pair.b._sock.send = sending
        writer.act = lambda: pair.b.write(bytes(5000))
        pair.a.write(b"x")
        with pytest.raises(KeyboardInterrupt):
            pair.settle()
        pair.settle()
    assert heard.data == bytes(5000)


def test_of_an_edge_that_was_told_in_part_the_unreliable_poller_tells_the_rest():
    sock = SimpleNamespace(on_change=None, state=None, events=lambda: WRITE, changed=lambda: sock.on_change())
    dice = SimpleNamespace(hit=lambda chance: next(drawn), random=random.Random(1))
    faults = SimpleNamespace(spurious=1, reorder=1, late=1)
    poller = UnreliablePoller(SimpleNamespace(dice=dice, faults=faults, descriptors={5: sock}))
    poller.register(5, READ | WRITE | EDGE, "handler")
    drawn = iter([True, False, True, False])  # a read that is not there, in order; the write is late, the read is not
    told = [mask for _, mask in poller.poll(0)]
    drawn = iter([False] * 4)
    assert (told, [mask for _, mask in poller.poll(0)]) == ([READ], [WRITE])


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
