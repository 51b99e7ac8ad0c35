"""Turns Unix signals into calls on the loop. Knows of the loop only `post`, which queues a call.

Handlers and the wake-up descriptor are the process's: they are put back only where they are still ours.

The handler that Python runs only notes the number: it may interrupt any line of the program, so the work waits for
the tick. `signal.set_wakeup_fd` closes the gap between the last line of Python and the poll, in which a signal would
otherwise be noticed only with the next event.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any


def inherited() -> frozenset[int]:
    """The signals that are ignored because our parent ignored them: a shell does so with SIGINT for `server &`."""
    return frozenset(number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is signal.SIG_IGN)


INHERITED = inherited()  # at import, before the program can have chosen any
IMPATIENCE = 2  # signals the loop may leave unanswered before Ctrl-C interrupts it wherever it is


def is_nobodys(number: int) -> bool:
    """Whether nobody has chosen what this signal does: it must still end a server cleanly."""
    found = signal.getsignal(number)
    return found in (signal.SIG_DFL, signal.default_int_handler) or (found is signal.SIG_IGN and number in INHERITED)


_owners: dict[int, Signals] = {}
"""The loops that have signals, by their wake-up descriptors."""


def _restore(fd: int) -> None:
    try:
        signal.set_wakeup_fd(fd)
    except (OSError, ValueError):
        signal.set_wakeup_fd(-1)  # it was closed meanwhile


class Signals:
    """The signal handlers of one loop. Only the main thread may add or remove them (a rule of Python)."""

    def __init__(self, post: Callable[..., None], wakeup_fd: int) -> None:
        self._post = post
        self._wakeup_fd = wakeup_fd
        self._calls: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        self._replaced: dict[int, Any] = {}
        self._replaced_fd = -1
        self._replaced_owner: Signals | None = None  # the loop whose descriptor that is
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
                self._replaced_owner = _owners.get(self._replaced_fd)
                _owners[self._wakeup_fd] = self
            self._replaced[signum] = previous
        self._calls[signum] = fn, args

    def remove(self, signum: int) -> bool:
        """Put back what was there before, unless somebody has changed it since. False if there was no call for it."""
        if signum not in self._calls:
            return False
        del self._calls[signum]
        if signal.getsignal(signum) == self._on_signal:
            previous = self._before(signum)
            signal.signal(signum, signal.SIG_DFL if previous is None else previous)
        if not self._calls:
            self._give_back_wakeup()
        return True

    def _before(self, signum: int) -> Any:
        """What we have replaced; if that was another loop's and is over, what that one had replaced."""
        previous = self._replaced[signum]
        owner = getattr(previous, "__self__", None)
        if isinstance(owner, Signals) and signum not in owner._calls:
            return owner._before(signum)
        return previous

    def _give_back_wakeup(self) -> None:
        _owners.pop(self._wakeup_fd, None)
        found = signal.set_wakeup_fd(-1)
        if found != self._wakeup_fd:  # somebody's by now
            return _restore(found)
        _restore(self._wakeup_before())

    def _wakeup_before(self) -> int:
        owner = self._replaced_owner
        if owner is not None and not owner._calls:  # another loop's, which is over
            return owner._wakeup_before()
        return self._replaced_fd

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
