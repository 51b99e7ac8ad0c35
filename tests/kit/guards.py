"""What a test leaves behind fails it, and what never ends is ended. conftest.py makes fixtures of these generators."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator

PATIENCE = 60  # seconds for a thread that was told to end; only a leak waits so long


def open_descriptors() -> dict[int, str]:
    """What each open descriptor stands for, by number."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[int(number)] = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            pass  # the listing's own
    return found


def gives_back_what_it_took() -> Iterator[None]:
    """Fail a test that leaves a descriptor or a thread behind. Set up before `stage`, it looks after its close."""
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


def no_gc() -> Iterator[None]:
    """Nothing but reference counts frees memory: what lives on after its end is held by something."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def instances(*kinds: type) -> list[object]:
    """All objects of these very classes."""
    return [found for found in gc.get_objects() if type(found) in kinds]


class Complaints(logging.Handler):
    """What is logged as a warning or worse while it is entered."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())

    def __enter__(self) -> None:
        logging.getLogger().addHandler(self)

    def __exit__(self, *exc_info: object) -> None:
        logging.getLogger().removeHandler(self)


class Stuck(BaseException):
    """Not an Exception: the reactor would log that and go on."""


def ends(patience: int) -> Iterator[None]:
    """A loop that spins fails its test, with the traceback of where it spins, instead of hanging the run."""

    def stuck(signum: int, frame: object) -> None:
        raise Stuck(f"still running after {patience} s")

    previous = signal.signal(signal.SIGALRM, stuck)
    signal.alarm(patience)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


def signals_as_before() -> Iterator[None]:
    """Give each signal that ends programs the handler it had."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
