"""What a run does when it is asked to end by a signal: the first one drains, a second one ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Protocol as Interface

from .signals import NOBODYS, Signals


class Terminated(Interface):
    """What is ended."""

    def drain(self) -> object: ...
    def abort(self) -> None: ...
    def stop(self) -> None: ...


class Termination:
    """The signals (`numbers`) that ask one loop to end, handled while it runs. Use it as a context manager."""

    def __init__(
        self, owner: Terminated, signals: Signals, numbers: tuple[int, ...], is_draining: Callable[[], bool]
    ) -> None:
        self._owner = owner
        self._signals = signals
        self._numbers = numbers
        self._is_draining = is_draining
        self._ours: list[int] = []

    def __enter__(self) -> None:
        self._ours = [number for number in self._numbers if self._may_handle(number)]
        for number in self._ours:
            self._signals.add(number, self._on_signal, ())

    def __exit__(self, *exc_info: object) -> None:
        for number in self._ours:
            self._signals.remove(number)

    def _may_handle(self, number: int) -> bool:
        """Python lets the main thread alone; and a handler that the program has set itself is left alone."""
        if threading.current_thread() is not threading.main_thread() or number in self._signals:
            return False
        return signal.getsignal(number) in NOBODYS

    def _on_signal(self) -> None:
        if self._is_draining():
            self._owner.abort()
            self._owner.stop()
        else:
            self._owner.drain()
