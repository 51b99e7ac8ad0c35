"""How long a thread was ready to run and no core was free for it: what is the machine's and not the server's.

Linux tells (CONFIG_SCHED_INFO); of another system nothing is known, and what cannot be known is 0.
"""

import contextlib
import os
from collections.abc import Callable, Iterator


def turns(pid: int) -> dict[str, int]:
    """How often each thread of a process has been given a core."""
    found = {}
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
                found[thread] = int(stat.read().split()[2])
    return found


def busiest(pid: int, before: dict[str, int]) -> str | None:
    """The thread that was given a core most often since `turns` said `before`; None where that is not told."""
    gained = {thread: count - before.get(thread, 0) for thread, count in turns(pid).items()}
    return max(gained, key=gained.__getitem__, default=None)


@contextlib.contextmanager
def waits(pid: int, thread: str | None) -> Iterator[Callable[[], float]]:
    """Gives a function: seconds that the thread has waited for a core so far.

    >>> with waits(os.getpid(), str(os.getpid())) as waited:
    ...     waited() >= 0.0
    True
    >>> with waits(os.getpid(), None) as waited:
    ...     waited()
    0.0
    """
    with contextlib.ExitStack() as stack:
        try:
            stat = stack.enter_context(open(f"/proc/{pid}/task/{thread}/schedstat", "rb"))
        except OSError:
            yield lambda: 0.0
            return
        yield lambda: int(os.pread(stat.fileno(), 100, 0).split()[1]) / 1e9
