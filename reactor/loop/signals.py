"""Turns Unix signals into calls on the loop. Knows of the loop only `post`, which queues a call.

The handler that Python runs only notes the number: it may interrupt any line of the program, so the work waits for
the tick. `signal.set_wakeup_fd` closes the gap between the last line of Python and the poll, in which a signal would
otherwise be noticed only with the next event.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

NOBODYS = (signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler)
"""Handlers that nobody chose: a shell sets SIG_IGN for `server &`, where SIGINT must still end a server cleanly."""
IMPATIENCE = 2  # signals the loop may leave unanswered before Ctrl-C interrupts it wherever it is


class Signals:
    """The signal handlers of one loop. Only the main thread may add or remove them (a rule of Python)."""

    def __init__(self, post: Callable[..., None], wakeup_fd: int) -> None:
        self._post = post
        self._wakeup_fd = wakeup_fd
        self._calls: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        self._replaced: dict[int, Any] = {}
        self._replaced_fd = -1
        self._unanswered = 0

    def __contains__(self, signum: int) -> bool:
        return signum in self._calls

    def add(self, signum: int, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Post `fn(*args)` whenever `signum` comes. Replaces an earlier call for it.

        Raises ValueError outside the main thread, OSError for a signal that cannot be caught.
        """
        if signum not in self._calls:
            previous = signal.signal(signum, self._on_signal)
            if not self._calls:
                self._replaced_fd = signal.set_wakeup_fd(self._wakeup_fd, warn_on_full_buffer=False)
            self._replaced[signum] = previous
        self._calls[signum] = fn, args

    def remove(self, signum: int) -> bool:
        """Put back what was there before. False if there was no call for `signum`."""
        if signum not in self._calls:
            return False
        previous = self._replaced[signum]
        signal.signal(signum, signal.SIG_DFL if previous is None else previous)
        del self._calls[signum], self._replaced[signum]
        if not self._calls:
            signal.set_wakeup_fd(self._replaced_fd)
        return True

    def close(self) -> None:
        """Remove every handler."""
        for signum in list(self._calls):
            self.remove(signum)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        if signum == signal.SIGINT and self._unanswered >= IMPATIENCE:
            raise KeyboardInterrupt  # the loop has not come round: a callback is stuck, and Ctrl-C must get through
        self._unanswered += 1
        self._post(self._dispatch, signum)

    def _dispatch(self, signum: int) -> None:
        self._unanswered = 0
        if signum in self._calls:
            fn, args = self._calls[signum]
            fn(*args)
