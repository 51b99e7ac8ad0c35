"""What a run does when it is asked to end by a signal: the first one drains, a second one ends at once.

One request may come as two signals: `timeout` and service managers signal the child, and then its whole process group,
the child among it, within milliseconds. Impatience is a person's, and takes longer. And it is counted in signals alone:
that a drain is under way already, for whatever reason, makes no signal the second one.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from typing import Protocol as Interface

from .signals import Signals, is_nobodys

ECHO = 0.5  # seconds after the first within which a signal is the same request: no person is so quick


class Terminated(Interface):
    """What is ended."""

    clock: Callable[[], float]

    def drain(self) -> object: ...
    def abort(self) -> None: ...
    def stop(self) -> None: ...


class Requests:
    """Counts signals that ask to end."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._first: float | None = None

    def __bool__(self) -> bool:
        return self._first is not None

    def reset(self) -> None:
        """Begin anew."""
        self._first = None

    def is_second(self) -> bool:
        """Note a signal; true if it is a second request."""
        now = self._clock()
        if self._first is None:
            self._first = now
        return now - self._first >= ECHO


def ignore(numbers: Iterable[int]) -> None:
    """Let these signals do nothing from here on, to the end of the program."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


class Termination:
    """The signals (`numbers`) that ask one loop to end, handled while it runs. Use it as a context manager."""

    def __init__(self, owner: Terminated, signals: Signals, numbers: tuple[int, ...]) -> None:
        self._owner = owner
        self._signals = signals
        self._numbers = numbers
        self._ours: list[int] = []
        self.requests = Requests(owner.clock)
        self.is_last = False  # the program ends after this run: the echo of what ended it must not kill it on its way

    def __enter__(self) -> None:
        self.requests.reset()
        for number in filter(self._may_handle, self._numbers):
            try:
                self._signals.add(number, self._on_signal, ())
            except ValueError:
                return  # an interpreter that is not the main one has no signals
            self._ours.append(number)

    def __exit__(self, *exc_info: object) -> None:
        if self.is_last and self.requests:
            ignore(self._ours)
        while self._ours:
            self._signals.remove(self._ours.pop())

    def _may_handle(self, number: int) -> bool:
        """Only the main thread may; and what the program has set itself, SIG_IGN included, is left alone."""
        if threading.current_thread() is not threading.main_thread() or number in self._signals:
            return False
        return is_nobodys(number)

    def _on_signal(self) -> None:
        if self.requests.is_second():
            self._owner.abort()
            self._owner.stop()
        else:
            self._owner.drain()
