"""The wake-up: one byte for a burst, and no call that nobody looks at."""

from __future__ import annotations

import select
import socket
import threading

import pytest

from reactor import Reactor
from reactor.loop.wakeup import Wakeup


class Counting:
    """The sending end of a wake-up, and how often it sends."""

    def __init__(self, sock):
        self.sock = sock
        self.sent = 0

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def send(self, data):
        self.sent += 1
        return self.sock.send(data)


class Interrupted(Counting):
    """The receiving end; while it receives, another thread has its turn and calls `then`."""

    then = None

    def recv(self, size):
        self.then, then = None, self.then
        if then is not None:
            then()
        return self.sock.recv(size)


@pytest.fixture
def ends():
    receiver, sender = socket.socketpair()
    yield Interrupted(receiver), Counting(sender)
    receiver.close()
    sender.close()


@pytest.fixture
def wakeup(ends):
    return Wakeup(*ends)


def is_ready(wakeup):
    return bool(select.select([wakeup.fileno()], [], [], 0)[0])


def test_a_burst_sends_one_byte_until_the_loop_has_looked(wakeup, ends):
    for _ in range(1000):
        wakeup.wake()
    assert ends[1].sent == 1
    wakeup._on_ready(1)
    assert not is_ready(wakeup)
    wakeup.wake()
    assert ends[1].sent == 2
    assert is_ready(wakeup)


def test_a_call_while_the_bytes_are_taken_does_not_silence_the_next(wakeup, ends):
    wakeup.wake()
    ends[0].then = wakeup.wake
    wakeup._on_ready(1)
    assert not is_ready(wakeup)  # what that call put down is looked at in this very round
    wakeup.wake()
    assert is_ready(wakeup)


def test_a_spurious_look_does_not_silence_the_next_call(wakeup):
    wakeup._on_ready(1)
    wakeup.wake()
    assert is_ready(wakeup)


def test_bytes_of_signals_do_not_stand_in_for_a_call(wakeup, ends):
    ends[1].sock.send(b"\x0f")  # as the interpreter does for SIGTERM
    wakeup.wake()
    assert ends[1].sent == 1
    wakeup._on_ready(1)
    assert not is_ready(wakeup)


def test_every_call_of_many_threads_is_made():
    """Each waits for its answer before the next call, so that the loop falls asleep between any two."""
    calls, threads = 300, 4
    made = []

    def caller(number):
        for call in range(calls):
            answered = threading.Event()
            reactor.call_soon_threadsafe(made.append, (number, call))
            reactor.call_soon_threadsafe(answered.set)
            assert answered.wait(30), "a call was lost"

    with Reactor() as reactor:
        workers = [threading.Thread(target=caller, args=(number,), daemon=True) for number in range(threads)]
        done = reactor.run_in_thread(lambda: [*(w.start() for w in workers), *(w.join() for w in workers)])
        reactor.run_until(done, 120)
    assert sorted(made) == [(number, call) for number in range(threads) for call in range(calls)]
