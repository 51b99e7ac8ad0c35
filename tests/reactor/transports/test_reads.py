"""How much is read at a time: little from a stranger, more from a peer whose protocol takes it all."""

from __future__ import annotations

from reactor import Protocol
from reactor.testing import MemoryReactor, Recorder
from reactor.transports.reads import FIRST_READ, MORE_READ, READ_SIZE, SMALL


class Sizes(Protocol):
    """Writes down how much comes at a time; gives back all but `takes` bytes of it, and pauses, where that is set."""

    takes = None

    def connection_made(self, transport):
        self.transport = transport
        self.sizes = []

    def data_received(self, data):
        self.sizes.append(len(data))
        if self.takes is not None:
            self.transport.pause_reading()
            self.transport.unread(data[self.takes :])


def dial(reactor):
    made = []
    reactor.listen_tcp(lambda: made.append(Sizes()) or made[-1], "localhost", 80)
    transport, _ = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 80))
    reactor.settle()
    return transport, made[0]


def test_a_peer_gets_more_once_its_full_reads_were_taken():
    with MemoryReactor() as reactor:
        peer, protocol = dial(reactor)
        for _ in range(20):
            peer.write(bytes(50_000))
            reactor.settle()
        assert protocol.sizes[0] == FIRST_READ
        assert max(protocol.sizes[:3]) <= MORE_READ
        assert FIRST_READ < max(protocol.sizes) <= READ_SIZE
        assert protocol.transport._read_size > FIRST_READ


def test_small_reads_change_nothing():
    with MemoryReactor() as reactor:
        peer, protocol = dial(reactor)
        for _ in range(20):
            peer.write(bytes(SMALL))
            reactor.settle()
        assert protocol.transport._read_size == FIRST_READ


def test_what_a_stuffed_protocol_holds_is_one_first_read():
    with MemoryReactor() as reactor:
        peer, protocol = dial(reactor)
        protocol.takes = 1
        peer.write(bytes(1 << 20))
        reactor.settle()
        assert protocol.sizes == [FIRST_READ]
        assert len(protocol.transport._unread) == FIRST_READ - 1


def test_who_is_given_something_back_begins_anew():
    with MemoryReactor() as reactor:
        peer, protocol = dial(reactor)
        for _ in range(8):
            peer.write(bytes(50_000))
            reactor.settle()
        protocol.takes = 1
        peer.write(bytes(1 << 20))
        reactor.settle()
        assert protocol.transport._read_size == FIRST_READ
