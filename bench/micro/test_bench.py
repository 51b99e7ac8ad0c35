"""Micro-benchmarks of what lives inside one process: `pytest bench/`. Not in the default run.

Before and after a change, on one machine: `pytest bench/ --benchmark-autosave`, then, with the change,
`pytest bench/ --benchmark-compare --benchmark-compare-fail=min:10%`. A stored figure of another machine means nothing
here, so what is stored in baseline.json are multiples of a yardstick; bench/micro/guard.py holds a run against it.
"""

import socket
from contextlib import ExitStack

import pytest

from protocols.chat import Chat, Settings
from protocols.http.wire import RequestWire, ResponseWire
from protocols.text.framer import TextFramer
from reactor import LengthPrefixedProtocol, LineProtocol, NetstringProtocol, Protocol, Reactor
from reactor.loop.timers import TimerHeap
from reactor.testing import MemoryReactor
from reactor.transports.buffers import gather

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


class Thing:
    def __init__(self, number):
        self.number = number

    def add(self, number):
        self.number += number
        return self.number


def yardstick():
    """What all others are measured by: calls, attributes, dictionaries, bytes and lists, as they need them."""
    seen = {}
    for number in range(COUNT):
        thing = Thing(number)
        seen[thing.add(number)] = b"name %d" % number
    return len(b"".join(seen.values()).split(b" "))


def test_yardstick_first(benchmark):
    """It is taken three times, so that a machine that is busy for a second does not make a longer yard."""
    assert benchmark(yardstick) == COUNT + 1


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


def test_a_thousand_callbacks_in_one_tick(benchmark):
    with Reactor() as reactor:
        seen = []

        def run():
            for number in range(COUNT):
                reactor.call_soon(seen.append, number)
            reactor._tick()
            count = len(seen)
            seen.clear()
            return count

        assert benchmark(run) == COUNT


def test_a_hundred_ticks_of_one_callback(benchmark):
    """The round itself: poll, timers, callbacks, flush and reap of nothing."""
    with Reactor() as reactor:

        def run():
            for _ in range(100):
                reactor.call_soon(int)
                reactor._tick()

        benchmark(run)


def test_yardstick_between(benchmark):
    assert benchmark(yardstick) == COUNT + 1


@pytest.mark.parametrize("size", [64, 65536], ids=["64 B reads", "64 KiB reads"])
@pytest.mark.parametrize("line", [b"hello, everybody\n", "早上好，大家\r\n".encode()], ids=["ascii", "chinese"])
def test_a_thousand_messages_of_people(benchmark, size, line):
    stream = line * COUNT
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]

    def run():
        framer = TextFramer()
        return sum(len(framer.feed(piece)) for piece in pieces)

    assert benchmark(run) == COUNT


class Counting(Protocol):
    """A member who only counts what comes."""

    seen = 0

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.seen += data.count(b"\n")


def test_a_room_of_a_hundred_where_ten_talk(benchmark):
    """The chat itself on connections in memory: a thousand deliveries, less those to the talkers themselves."""
    reactor = MemoryReactor()
    chat = Chat(reactor, Settings(flood_rate=0))
    listener = reactor.listen_tcp(chat.session, "localhost", 0)
    members = [reactor.run_until(reactor.connect_tcp(Counting, "localhost", listener.port))[1] for _ in range(100)]
    reactor.advance(5.0)  # the news of all who have come

    def run():
        for member in members:
            member.seen = 0
        for member in members[:10]:
            member.transport.write(b"hello, everybody\n")
        reactor.settle()
        return sum(member.seen for member in members)

    assert benchmark(run) == 10 * 99
    reactor.close()


RESPONSE = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 22:00:00 GMT\r\n"
    b'Content-Type: application/octet-stream\r\nContent-Length: 1024\r\nETag: "65a1b2c3-400"\r\n'
    b"Cache-Control: max-age=3600\r\nVary: Accept-Encoding\r\nConnection: keep-alive\r\n\r\n" + bytes(1024)
)
REQUEST = b"GET /some/path?query=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\n\r\n"


def test_a_hundred_responses_with_a_length(benchmark):
    def run():
        wire = ResponseWire()
        events = 0
        for _ in range(100):
            events += len(wire.feed(RESPONSE))
            wire.next_request()
        return events

    assert benchmark(run) == 300  # Head, Data, End


def test_a_hundred_requests(benchmark):
    def run():
        wire = RequestWire()
        events = 0
        for _ in range(100):
            events += len(wire.feed(REQUEST))
            wire.next_message()
        return events

    assert benchmark(run) == 200  # RequestHead, End


@pytest.mark.parametrize("chunk", [1024, 65536], ids=["1 KiB chunks", "64 KiB chunks"])
def test_a_megabyte_in_chunks(benchmark, chunk):
    one = b"%x\r\n%b\r\n" % (chunk, bytes(chunk))
    stream = one * ((1 << 20) // chunk) + b"0\r\n\r\n"
    pieces = [stream[start : start + 262144] for start in range(0, len(stream), 262144)]

    def run():
        wire = ResponseWire()
        wire.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            wire.feed(piece)
        return wire.received

    assert benchmark(run) == 1 << 20


def test_yardstick_last(benchmark):
    assert benchmark(yardstick) == COUNT + 1
