"""Threads for calls that block. Knows no loop: a job is a callable that reports for itself.

Why not `concurrent.futures.ThreadPoolExecutor`: the interpreter joins its threads at exit, so that one name lookup
that hangs for 20 s would hold back a Ctrl-C for 20 s. These are daemon threads.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

WORKERS = 16  # threads for run_in_thread: they wait on disks and the like, not on the processor
RESOLVERS = 16  # threads for names, apart: a silent name server holds each for half a minute, and nothing else
KEEP = 30.0  # seconds an idle thread waits for more work before it ends


class WorkerPool:
    """At most `size` threads, started when needed; further jobs wait their turn."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self.pending = 0  # jobs not finished
        self._unclaimed = 0  # jobs queued, less threads waiting for one

    def submit(self, job: Callable[[], None]) -> None:
        """Run `job()` in a thread. It must not raise. Raises OSError if there is no thread and none can be started."""
        with self._lock:
            self.pending += 1
            self._unclaimed += 1
            starting = self._unclaimed > 0 and self._threads < self._size
            if starting:
                self._threads += 1
                self._unclaimed -= 1
            number = self._threads
        if starting:
            self._start(number)
        self._jobs.put(job)

    def _start(self, number: int) -> None:
        try:
            threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True).start()
        except RuntimeError as exc:  # the system has no more threads to give
            with self._lock:
                self._threads -= 1
                self._unclaimed += 1
                if self._threads:
                    return  # those that run will come to it
                self._unclaimed -= 1
                self.pending -= 1
            raise OSError(errno.EAGAIN, str(exc)) from None

    def close(self) -> None:
        """Let idle threads end now. Those in a job end after it."""
        with self._lock:
            threads = self._threads
        for _ in range(threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=KEEP)
            except Empty:
                with self._lock:
                    if self._unclaimed < 0:  # else a job is counted for us, and not queued yet
                        self._threads -= 1
                        self._unclaimed += 1
                        return
                continue
            if job is None:
                with self._lock:
                    self._threads -= 1
                return
            job()
            job = None  # what it holds must not live until the next one comes
            with self._lock:
                self.pending -= 1
                self._unclaimed -= 1
