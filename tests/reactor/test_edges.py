"""What people pass, and where they run: no limit as math.inf, a machine that pauses, a stdout that others have set."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import socket
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from reactor import Limits, ListenError, Protocol, Timeouts
from reactor.loop.poller import MAX_EVENTS
from reactor.loop.timers import FULL_BATCHES, TimerHeap
from reactor.testing import MemoryReactor, Recorder

ROOT = Path(__file__).parents[2]
SECONDS = ["connect", "handshake", "idle", "write", "close"]
COUNTS = ["connections", "per_peer", "output", "output_soft", "output_soft_seconds"]
VALUES = [5e-324, 1e-9, 1.0, 1e9, 1e300, sys.float_info.max, math.inf, None]


class Echo(Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", SECONDS)
def test_every_number_of_seconds_that_is_accepted_works(name, value):
    """To the point of an end that it brings: nothing but that connection is harmed."""
    timeouts = Timeouts(**{name: value})
    with MemoryReactor() as reactor:
        reactor.listen_tcp(Echo, "localhost", 7, timeouts=timeouts)
        attempt = reactor.connect_tcp(Recorder, "localhost", 7, timeouts=timeouts)
        if name == "connect" and value is not None and value < 1e-6:
            reactor.advance(1)
            assert attempt.done()
            attempt.exception()
            return
        transport, client = reactor.run_until(attempt)
        transport.write(b"x" * 500_000)
        reactor.advance(1e-7)
        assert not transport.is_closing() or (value is not None and value < 1e-6)
        transport.close()
        reactor.advance(100)
        assert client.events[-1] == "connection_lost"


@pytest.mark.parametrize("value", [1, 10**9, 10**300, math.inf, None])
@pytest.mark.parametrize("name", COUNTS)
def test_every_count_that_is_accepted_works(name, value):
    if name == "output_soft_seconds" and value is None:
        pytest.skip("that one is a number")
    with MemoryReactor() as reactor:
        reactor.listen_tcp(Echo, "localhost", 7, limits=Limits(**{name: value}))
        transport, client = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
        transport.write(b"x")
        reactor.advance(1)
        assert client.data == b"x"


@pytest.mark.parametrize("kind", [Limits, Timeouts])
def test_what_no_clock_can_count_is_refused_where_it_is_given(kind):
    name = SECONDS[2] if kind is Timeouts else COUNTS[4]
    for value, error in ((10**400, ValueError), (-1, ValueError), (math.nan, ValueError), ("1", TypeError)):
        with pytest.raises(error, match=name):
            kind(**{name: value})


@pytest.mark.parametrize("timeout", [math.inf, 1e300, None])
def test_a_start_tls_may_take_as_long_as_it_takes(stage, timeout):
    from tests.kit.tls import server_context

    _, transport = stage.connect(Recorder())
    transport.start_tls(server_context(), server_side=True, timeout=timeout)
    stage.reactor.settle()
    assert not transport.is_closing()


# -- a pause of the machine -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crowd", [1500, MAX_EVENTS, 3 * MAX_EVENTS + 1])
def test_nobody_who_has_spoken_in_a_pause_is_ended_as_idle(crowd):
    reactor = MemoryReactor()
    listener = reactor.listen_tcp(lambda: Recorder(), "localhost", 7, timeouts=Timeouts(idle=60))
    ours = [reactor.connect_tcp(Recorder, "localhost", 7) for _ in range(crowd)]
    reactor.settle()
    speakers = [future.result()[0] for future in ours]
    reactor.advance(40)
    for each in speakers:
        each.write(b"I am here")
    reactor._tick()  # sent, and not read yet
    reactor.world.clock.now += 100  # the machine was paused
    reactor.settle()
    assert len(listener.connections) == crowd
    reactor.advance(59)
    assert len(listener.connections) == crowd
    reactor.advance(10)
    assert len(listener.connections) == 0
    reactor.close()


def test_a_flood_holds_up_the_timers_for_a_while_and_not_for_ever():
    fired, heap = [], TimerHeap(lambda: 0.0)
    heap.arm(1.0, fired.append, ("due",))
    for _ in range(FULL_BATCHES):
        heap.fire_due(2.0, more=True)
    assert fired == []
    heap.fire_due(2.0, more=True)
    assert fired == ["due"]


# -- what others have set ---------------------------------------------------------------------------------------------

FULL = 65536  # bytes that a pipe takes (pipe(7))
WRITER = """
import socket
{first}
from reactor import Protocol, Reactor
class Writer(Protocol):
    def connection_made(self, transport):
        transport.write(b"A" * 150_000)
        reactor.call_later(0.3, lambda: (transport.write(b"B" * 150_000), transport.close()))
    def connection_lost(self, exc): reactor.stop()
with Reactor() as reactor:
    reactor.open_stdio(Writer); reactor.run()
"""


def waiting(pipe):
    """The bytes that nobody has read yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


@pytest.mark.parametrize("flag", [os.O_NONBLOCK, 0])
@pytest.mark.parametrize("first", ["", "socket.setdefaulttimeout(0.1)"])
def test_all_that_is_written_comes_out_of_a_stdout_that_others_have_set(flag, first):
    """The reader begins when the pipe is full; and the writer rests for longer than that timeout."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETFL, flag)
    program = [sys.executable, "-c", WRITER.format(first=first)]
    child = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=writing, cwd=ROOT)
    os.close(writing)
    while waiting(reading) < FULL and child.poll() is None:
        time.sleep(0.01)
    count = 0
    while data := os.read(reading, 65536):
        count += len(data)
    os.close(reading)
    child.stdin.close()
    assert child.wait(20) == 0
    assert count == 300_000


@pytest.mark.parametrize("reason", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_name_is_listened_on_where_one_of_its_addresses_is_missing(stage, monkeypatch, reason):
    from reactor.sockets import listening

    real = listening._listen_on

    def without(family, address, *args):
        if family == socket.AF_INET6:
            raise OSError(reason, os.strerror(reason))
        return real(family, address, *args)

    both = [(2, 1, 6, "", ("127.0.0.1", 0)), (10, 1, 6, "", ("::1", 0, 0, 0))]
    monkeypatch.setattr(listening, "_listen_on", without)
    monkeypatch.setattr(stage.reactor._kernel, "getaddrinfo", lambda *args, **options: both)
    listener = stage.reactor.listen_tcp(Echo, "localhost", 0)
    assert [address[0] for address in listener.addresses] == ["127.0.0.1"]
    with pytest.raises(ListenError):
        stage.reactor.listen_tcp(Echo, "::1", 0)


def test_a_literal_address_that_is_missing_is_refused(stage):
    with pytest.raises(ListenError):
        stage.reactor.listen_tcp(Echo, "192.0.2.1", 0)
