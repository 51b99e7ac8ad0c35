"""Micro-benchmarks of the pure parts, for before and after a change: `pytest bench/`. Not in the default run."""

import socket
from contextlib import ExitStack

import pytest

from reactor import LengthPrefixedProtocol, LineProtocol, NetstringProtocol, Reactor
from reactor.buffers import gather
from reactor.timers import TimerHeap

COUNT = 1000  # messages or timers in one call measured


class Lines(LineProtocol):
    seen = 0

    def line_received(self, line):
        self.seen += 1


class Strings(NetstringProtocol):
    seen = 0

    def string_received(self, string):
        self.seen += 1


class Messages(LengthPrefixedProtocol):
    seen = 0

    def message_received(self, message):
        self.seen += 1


@pytest.fixture
def connected():
    """Makes a protocol on a real transport, whose loop stands still while the protocol is fed by hand."""
    with ExitStack() as stack:
        reactor = stack.enter_context(Reactor())

        def connect(kind):
            protocol = kind()
            port = reactor.listen_tcp(lambda: protocol, "127.0.0.1", 0).port
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            while protocol.transport is None:  # any future that completes gives the loop a few ticks
                reactor.run_until(reactor.run_in_thread(int), timeout=5)
            return protocol

        yield connect


@pytest.mark.parametrize(
    ("kind", "frame"),
    [(Lines, b"name 0123456789\n"), (Strings, b"15:name 0123456789,"), (Messages, b"\0\0\0\x0fname 0123456789")],
    ids=["lines", "netstrings", "length-prefixed"],
)
@pytest.mark.parametrize("size", [64, 65536], ids=["64 B reads", "64 KiB reads"])
def test_framing_of_a_thousand_messages(benchmark, connected, kind, frame, size):
    stream = frame * COUNT
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    protocol = connected(kind)

    def feed():
        protocol.seen = 0
        for piece in pieces:
            protocol.data_received(piece)
        return protocol.seen

    assert benchmark(feed) == COUNT


def test_a_thousand_timers_armed_and_fired(benchmark):
    def run():
        heap = TimerHeap(lambda: 0.0)
        for number in range(COUNT):
            heap.arm(float(number % 10), int, ())
        heap.fire_due(10.0)
        return len(heap)

    assert benchmark(run) == 0


def test_a_thousand_resets_beside_a_thousand_timers(benchmark):
    """What a timeout that moves with every byte costs: the heap must stay flat."""
    heap = TimerHeap(lambda: 0.0)
    timers = [heap.arm(60.0, int, ()) for _ in range(COUNT)]

    def run():
        for timer in timers:
            timer.reset(60.0)

    benchmark(run)
    assert len(heap) == COUNT


@pytest.mark.parametrize("size", [20, 1024], ids=["20 B chunks", "1 KiB chunks"])
def test_gathering_a_hundred_chunks_for_one_send(benchmark, size):
    chunks = [bytes(size)] * 100
    data, count = benchmark(gather, chunks)
    assert (len(data), count) == (100 * size, 100)
