"""Tells a process that did not run (Ctrl-Z, SIGSTOP, a frozen container) from a loop that is held. Knows no loop.

A callback that holds the loop lets other threads run, or uses the processor itself. While the process stands still,
neither is so: the watchdog's thread, which was due, has not run either, and no processor time was spent. A stop is
seen by that alone, without a handler for SIGCONT, which would be the program's, and without a look at each tick.

A callback that keeps the interpreter to itself and does not compute (a C function that waits and holds the GIL) looks
the same; so does a machine so busy that the process got less than a tenth of a processor.
"""

from __future__ import annotations

import math
import time

SHARE = 0.1  # of a processor: who got less than that did not run
SHORTEST = 0.25  # seconds: a thread of a busy machine may be late by less


class Standstill:
    """How long the process has not run, as far as one thread of it knows, which says when it is due.

    >>> standstill = Standstill()
    >>> standstill.expect(60.0)
    >>> standstill.seconds()
    0.0
    """

    def __init__(self) -> None:
        self._due = math.inf
        self._spent = time.process_time()

    def turn(self) -> None:
        """The loop has a turn: processor time counts from here on."""
        self._spent = time.process_time()

    def expect(self, wait: float | None) -> None:
        """The thread will run in `wait` seconds; None: it waits for nothing, or runs."""
        self._due = math.inf if wait is None else time.monotonic() + wait

    def is_likely(self, seconds: float) -> bool:
        """Whether the thread should have run by now, and the processor was hardly used in the last `seconds`."""
        return time.monotonic() >= self._due and time.process_time() - self._spent <= SHARE * seconds

    def seconds(self) -> float:
        """For how long the thread should have run, and nobody has; 0 where that may be something else."""
        late = time.monotonic() - self._due
        if late < SHORTEST or time.process_time() - self._spent > SHARE * late:
            return 0.0
        return late
