"""Every test of the core gives back what it took: descriptors and threads are counted before and after."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading

import pytest

PATIENCE = 5  # seconds for a thread that was told to end; only a leak waits so long
PATIENCE_FOR_A_TEST = 20  # seconds; the slowest takes one


def open_descriptors():
    """What each open descriptor stands for, by number."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[int(number)] = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            pass  # the listing's own
    return found


class Stuck(BaseException):
    """Not an Exception: the reactor would log that and go on."""


@pytest.fixture(autouse=True)
def _ends():
    """A loop that spins fails its test, with the traceback of where it spins, instead of hanging the run."""

    def stuck(signum, frame):
        raise Stuck(f"still running after {PATIENCE_FOR_A_TEST} s")

    previous = signal.signal(signal.SIGALRM, stuck)
    signal.alarm(PATIENCE_FOR_A_TEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture(autouse=True)
def _gives_back_what_it_took():
    """Fail a test that leaves a descriptor or a thread behind. Set up before `stage`, so it looks after its close."""
    threads = set(threading.enumerate())
    descriptors = open_descriptors() if sys.platform == "linux" else {}
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), f"left running: {thread}"
    if sys.platform == "linux":
        left = {number: what for number, what in open_descriptors().items() if descriptors.get(number) != what}
        if left:  # perhaps only unreachable: a leak for a server all the same, but the next test must not pay for it
            gc.collect()
        assert not left, f"left open: {left}"


@pytest.fixture
def no_gc():
    """Nothing but reference counts frees memory: what lives on after its end is held by something."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
