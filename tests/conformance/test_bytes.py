"""The bytes arrive: all of them, in order, once, however they are cut."""

from __future__ import annotations

import random

import pytest

from reactor import BufferedProtocol
from tests.conformance.carriers import Echo, Life, noise

KIB, MIB = 1 << 10, 1 << 20
SIZES = [1, 2, 4095, 4096, 4097, 16 * KIB, 16 * KIB + 1, 64 * KIB, 64 * KIB + 1, 120 * KIB + 1, MIB, 3 * MIB + 7]


@pytest.mark.parametrize("size", SIZES)
def test_an_echo_is_exact(carrier, size):
    a, b = Life(), Echo()
    carrier.pair(a, b)
    a.transport.write(noise(size))
    carrier.until(lambda: sum(map(len, a.parts)) >= size)
    carrier.settle()
    assert a.received == noise(size)
    assert b.received == a.received
    assert (a.transport.bytes_out, a.transport.bytes_in) == (size, size)
    assert (b.transport.bytes_out, b.transport.bytes_in) == (size, size)


@pytest.mark.parametrize("nothing", [b"", bytearray(), memoryview(b"")])
def test_writing_nothing_says_nothing(carrier, nothing):
    a, b = Life(), Life()
    carrier.pair(a, b)
    a.transport.write(nothing)
    a.transport.writelines([nothing, nothing])
    carrier.settle()
    assert b.events == ["connection_made"]
    assert a.transport.get_write_buffer_size() == 0
    a.transport.write(b"something")
    carrier.until(lambda: b.received)
    assert b.received == b"something"


def test_five_thousand_writes_of_one_byte(carrier):
    a, b = Life(), Life()
    carrier.pair(a, b)
    stream = noise(5000)
    for i in range(5000):
        a.transport.write(stream[i : i + 1])
        if i % 1250 == 0:
            carrier.settle_once()
    carrier.until(lambda: len(b.received) >= 5000)
    assert b.received == stream


@pytest.mark.parametrize("seed", range(3))
def test_writes_of_all_sizes_keep_their_order(carrier, seed):
    rng = random.Random(seed)
    a, b = Life(), Life()
    carrier.pair(a, b)
    sent = b""
    for number in range(200):
        part = noise(rng.choice([1, 10, 100, 4095, 4096, 5000, 40_000]), number)
        sent += part
        rng.choice([a.transport.write, lambda data: a.transport.writelines([data[:3], data[3:]])])(
            rng.choice([bytes, bytearray, memoryview])(part)
        )
        if rng.random() < 0.2:
            carrier.settle_once()
    carrier.until(lambda: len(b.received) >= len(sent))
    assert b.received == sent


@pytest.mark.parametrize("size", [100, 10_000])
def test_a_buffer_may_change_once_it_is_written(carrier, size):
    a, b = Life(), Life()
    carrier.pair(a, b)
    buffer = bytearray(b"x" * size)
    a.transport.write(buffer)
    buffer[:] = b"y" * size
    a.transport.write(memoryview(buffer))
    buffer[:] = b"z" * size
    a.transport.writelines([buffer])
    buffer[:] = b"." * size
    carrier.until(lambda: len(b.received) >= 3 * size)
    assert b.received == b"x" * size + b"y" * size + b"z" * size


def test_both_talk_at_once(carrier):
    """Large writes both ways, and nobody waits for the other to read first."""
    a, b = Life(), Life()
    carrier.pair(a, b)
    there, back = noise(4 * MIB, 1), noise(3 * MIB, 2)
    a.transport.write(there)
    b.transport.write(back)
    carrier.until(lambda: len(b.received) >= len(there) and len(a.received) >= len(back))
    assert b.received == there
    assert a.received == back


def test_what_is_written_in_connection_made_arrives(carrier):
    class Greeter(Life):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.write(b"welcome, ")
            transport.write(noise(100_000))

    a, b = Life(), Greeter()
    carrier.pair(a, b)
    carrier.until(lambda: len(a.received) >= 100_009)
    assert a.received == b"welcome, " + noise(100_000)


class Buffered(BufferedProtocol):
    """Receives into the same small buffer again and again."""

    def __init__(self, size):
        self.buffer, self.events, self.parts, self.lost = bytearray(size), [], [], None

    def connection_made(self, transport):
        self.transport = transport
        self.events.append("connection_made")

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        assert 0 < nbytes <= len(self.buffer)
        self.parts.append(bytes(self.buffer[:nbytes]))

    def eof_received(self):
        self.events.append("eof_received")

    def connection_lost(self, exc):
        self.lost = exc
        self.events.append("connection_lost")


@pytest.mark.parametrize(("buffer", "size"), [(1, 1000), (7, 20_000), (4096, 300_000), (1 << 18, 2_000_000)])
def test_a_buffered_protocol_receives_every_byte(carrier, buffer, size):
    a, b = Life(keep_open=False), Buffered(buffer)
    carrier.pair(a, b)
    a.transport.write(noise(size))
    a.transport.close()
    carrier.lost(a, b)
    assert b"".join(b.parts) == noise(size)
    assert b.events == ["connection_made", "eof_received", "connection_lost"]
    assert b.lost is None


def test_a_buffered_protocol_that_pauses_gets_one_buffer(carrier):
    class OneByOne(Buffered):
        def buffer_updated(self, nbytes):
            super().buffer_updated(nbytes)
            self.transport.pause_reading()

    a, b = Life(), OneByOne(10)
    carrier.pair(a, b)
    a.transport.write(noise(35))
    for expected in (10, 20, 30, 35):
        carrier.until(lambda expected=expected: len(b"".join(b.parts)) >= expected)
        carrier.settle()
        assert b"".join(b.parts) == noise(expected)
        b.transport.resume_reading()


def test_another_protocol_takes_over_at_the_very_byte(carrier):
    second = Life()

    class First(Life):
        def data_received(self, data):
            head, rest = data[:5], data[5:]
            super().data_received(head)
            self.transport.unread(rest)
            self.transport.set_protocol(second)
            second.connection_made(self.transport)

    a, b = Life(), First()
    carrier.pair(a, b)
    a.transport.write(b"hello" + noise(200_000))
    carrier.until(lambda: len(second.received) >= 200_000)
    assert b.received == b"hello"
    assert second.received == noise(200_000)
    assert second.transport.get_protocol() is second
    second.transport.abort()
    carrier.settle_once()
    assert second.events[-1] == "connection_lost"
    assert "connection_lost" not in b.events
    b.events.append("connection_lost")  # for carriers that wait for it


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_what_is_given_back_comes_again(carrier, step):
    """A protocol that takes `step` bytes and gives back the rest sees every byte once."""

    class Nibbler(Life):
        def data_received(self, data):
            super().data_received(data[:step])
            self.transport.unread(data[step:])

    a, b = Life(), Nibbler()
    carrier.pair(a, b)
    a.transport.write(noise(300))
    a.transport.write(noise(100, 9))
    carrier.until(lambda: len(b.received) >= 400)
    assert b.received == noise(300) + noise(100, 9)


def test_what_is_given_back_later_comes_earlier(carrier):
    class TwoSteps(Life):
        def data_received(self, data):
            super().data_received(data[:1])
            self.transport.unread(data[2:])
            self.transport.unread(data[1:2])

    a, b = Life(), TwoSteps()
    carrier.pair(a, b)
    a.transport.write(noise(100))
    carrier.until(lambda: len(b.received) >= 100)
    assert b.received == noise(100)


def test_a_file_between_writes(carrier, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(noise(500_000))
    a, b = Life(), Life()
    carrier.pair(a, b)
    with open(path, "rb") as file:
        a.transport.write(b"before ")
        future = a.transport.sendfile(file, 1000)
        a.transport.write(b" after")
        carrier.until(lambda: len(b.received) >= 499_013)
    assert future.result(timeout=0) == 499_000
    assert b.received == b"before " + noise(500_000)[1000:] + b" after"
    assert a.transport.bytes_out == 499_013
