"""One worker process: how it is forked, what it is given, how it hears of its parent's end. Knows no supervisor."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

from ..boundary import log
from ..reactor import GRACE, Reactor

BROKEN = 1  # the exit status of a worker that raised, as Python's own


class Worker:
    """What the function that serves is given, in the worker's own process.

    number: from 0; a worker that replaces another has its number. sockets: what to accept from, listening already;
    the parent holds them as well, so what waits in them when a worker dies waits for its successor.
    """

    def __init__(self, number: int, sockets: list[socket.socket], lifeline: int, ready: int) -> None:
        self.number = number
        self.sockets = sockets
        self._lifeline = lifeline
        self._ready = ready

    def run(self, reactor: Reactor, *, grace: float = GRACE) -> None:
        """Say that this worker accepts, and run until the parent ends it or is gone, even by SIGKILL: then drain.

        grace: seconds for that drain; the supervisor's `patience` must be longer.
        SIGTERM drains this worker alone, and its replacement starts as soon as the drain has begun. SIGINT is the
        parent's: Ctrl-C reaches them all, and the parent says what it means.
        """
        reactor.add_signal_handler(signal.SIGINT, _leave_it_to_the_parent)
        reactor.add_reader(self._lifeline, self._on_parent_gone, reactor, grace)
        reactor._inventory.keepers[self] = None
        self._reactor = reactor
        reactor.call_soon(self._say, os.getpid())
        reactor._termination.is_last = True
        reactor.run()

    def _on_drain(self) -> None:
        """Once the listeners are closed: the replacement may listen where this one did."""
        self._reactor.call_soon(self._say, -os.getpid())

    def _say(self, word: int) -> None:
        """Our pid: we accept. The negative of it: we drain."""
        try:
            os.write(self._ready, b"%d\n" % word)
        except OSError:
            pass  # the parent is gone, which the lifeline tells as well

    def _on_parent_gone(self, reactor: Reactor, grace: float) -> None:
        log.info("worker %d drains: its parent ends it, or is gone", os.getpid())
        reactor.remove_reader(self._lifeline)
        reactor.drain(grace)


def _leave_it_to_the_parent() -> None:
    pass


def fork(become: Callable[[], None]) -> int:
    """Fork; the child calls `become()` and ends with its outcome, the parent gets the child's number.

    Nothing of the parent's code runs in the child after that: no `finally`, no `atexit`.
    """
    _flush()  # else what waits there is written by both
    # A signal between the fork and the child's own handlers would be taken for the parent's, and lost.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        pid = os.fork()
        if not pid:
            _live(become, held)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _live(become: Callable[[], None], held: set[int]) -> NoReturn:
    status = BROKEN
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        become()
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else BROKEN if leaving.code else 0
        if isinstance(leaving.code, str):
            print(leaving.code, file=sys.stderr)
    except BaseException:
        log.exception("exception in a worker, which ends")
    finally:
        _flush()
        os._exit(status)


def _flush() -> None:
    """Write out what waits in the standard streams, as far as there are any: they are no condition for a process."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            pass  # closed, full, or nobody reads it


def describe(status: int) -> str:
    """An exit status as `subprocess` gives it, in words.

    >>> describe(3), describe(-9)
    ('status 3', 'by SIGKILL')
    """
    if status >= 0:
        return f"status {status}"
    try:
        return f"by {signal.Signals(-status).name}"
    except ValueError:
        return f"by signal {-status}"
