"""What a run does when it is asked to end by a signal: the first one drains, a second one ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from .signals import NOBODYS, Signals


class Termination:
    """The signals that ask one loop to end, handled while it runs. Use it as a context manager.

    numbers: those signals. drain: called at the first. is_draining: tells whether that is under way. cut: called at
    the second.
    """

    def __init__(
        self,
        signals: Signals,
        numbers: tuple[int, ...],
        drain: Callable[[], Any],
        is_draining: Callable[[], bool],
        cut: Callable[[], Any],
    ) -> None:
        self._signals = signals
        self._numbers = numbers
        self._drain = drain
        self._is_draining = is_draining
        self._cut = cut
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
            self._cut()
        else:
            self._drain()
