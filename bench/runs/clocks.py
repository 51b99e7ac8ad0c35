"""How much CPU another process has used, and how that becomes exact. Knows no servers and no rounds.

The kernel brings the clock of a process forward when it loses its core, and else only at a tick: read from another
process while it runs, the clock is up to a tick (4 ms at 250 Hz) behind. A short round could count nothing, and the
next one too much. Once all its threads sleep, nothing is missing.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable

REST = 1.0  # seconds a process is given to fall asleep: one that answered its load has little left to do
PAUSE = 0.0002  # seconds between two looks: a thread is marked as sleeping some instructions before it leaves its core
WORKING = (b"R", b"D")  # states of a thread whose work goes on: on a core or ready for one, or waiting for the disk


def used(pid: int) -> float:
    """Seconds of user and system time of all its threads, ended ones too. OSError where it has gone."""
    if sys.platform == "linux":
        # The process clock of another process, as clock_getcpuclockid(3) makes it: nanoseconds,
        # where /proc/PID/stat counts ticks of 10 ms.
        return time.clock_gettime((~pid << 3) | 2)
    shown = subprocess.run(["ps", "-o", "cputime=", "-p", str(pid)], capture_output=True, text=True).stdout
    minutes, _, seconds = shown.strip().rpartition(":")
    return 60 * float(minutes.rpartition(":")[2] or 0) + float(seconds)


def rest(pids: Iterable[int], limit: float = REST) -> bool:
    """Wait until these processes sleep, or `limit` seconds: whether they do. At once where the system does not tell.

    The clock of one that does not is up to a tick behind, which is little in a round long enough to keep it busy.
    """
    watched, deadline, quiet = list(pids), time.monotonic() + limit, 0
    while quiet < 2:
        quiet = quiet + 1 if all(map(asleep, watched)) else 0
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def asleep(pid: int) -> bool:
    """Whether no thread of it works, as proc_pid_stat(5) tells; a process that has gone, or cannot be asked, is."""
    threads: list[str] = []
    with contextlib.suppress(OSError):
        threads = os.listdir(f"/proc/{pid}/task")
    for thread in threads:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/stat", "rb") as stat:
            if stat.read().rpartition(b")")[2].split()[0] in WORKING:
                return False
    return True
