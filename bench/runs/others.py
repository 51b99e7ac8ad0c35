"""How much of the machine other programs took meanwhile. Linux's counters; elsewhere nothing is known."""

import os
import resource
import time
from dataclasses import dataclass

LIMIT = 0.1  # of all cores: below it the daemons of a quiet desktop stay, above it figures are those of a busy machine
_BUSY = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq, steal: proc_stat(5)


@dataclass(frozen=True)
class Look:
    """The counters at one moment, in seconds: the clock, what all cores did, what we and our ended children did."""

    wall: float
    busy: float | None
    ours: float

    def until(self, later: "Look") -> float | None:
        """The share of all cores that others had between two looks.

        >>> Look(0.0, 10.0, 1.0).until(Look(10.0, 10.0 + os.cpu_count() * 5.0, 1.0))
        0.5
        >>> Look(0.0, None, 0.0).until(Look(1.0, None, 0.0)) is None
        True
        """
        if self.busy is None or later.busy is None or later.wall <= self.wall:
            return None
        others = (later.busy - self.busy) - (later.ours - self.ours)
        return max(0.0, others / (later.wall - self.wall) / (os.cpu_count() or 1))


def look() -> Look:
    """The counters now. Children count once they have ended and were waited for."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Look(time.monotonic(), _busy(), sum(use.ru_utime + use.ru_stime for use in usage))


def _busy() -> float | None:
    try:
        with open("/proc/stat") as file:
            ticks = [int(part) for part in file.readline().split()[1:]]
    except (OSError, ValueError):
        return None
    return sum(ticks[index] for index in _BUSY) / os.sysconf("SC_CLK_TCK")
