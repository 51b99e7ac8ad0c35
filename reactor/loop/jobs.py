"""Calls in threads whose futures complete on the loop. Knows of the loop only how to post a call to it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import InvalidStateError
from typing import Any, TypeVar

from .futures import Promise, settle
from .kernel import Kernel
from .workers import RESOLVERS, WORKERS, WorkerPool

T = TypeVar("T")


class Jobs:
    """The threads of one loop: workers for the program's calls, resolvers for names.

    post: calls `fn(*args)` on the loop, from any thread. promise: makes a future that the end of the loop fails.
    """

    def __init__(self, kernel: Kernel, post: Callable[..., None], promise: Callable[[], Promise[Any]]) -> None:
        self._post = post
        self._promise = promise
        self._closed = False
        self.workers = kernel.workers(WORKERS, "reactor-worker")
        self.resolvers = kernel.workers(RESOLVERS, "reactor-resolver")

    def run(self, pool: WorkerPool, fn: Callable[..., T], *args: Any) -> Promise[T]:
        """Call `fn(*args)` in a thread of `pool`; cancelling works until it starts."""
        future = self._promise()

        def job() -> None:
            try:
                if self._closed or not future.set_running_or_notify_cancel():
                    return
            except (InvalidStateError, RuntimeError):
                return  # `close` settled it at this very moment
            try:
                outcome: tuple[Any, BaseException | None] = fn(*args), None
            except BaseException as exc:  # SystemExit too: it is the caller who must hear of it
                outcome = None, exc
            self._post(settle, future, *outcome)  # a closed loop does not come round to it: `close` has settled it

        try:
            pool.submit(job)
        except OSError as exc:
            settle(future, error=exc)
        return future

    @property
    def pending(self) -> int:
        """Calls that are not finished: time that a test moves must not run away from them."""
        return self.workers.pending + self.resolvers.pending

    def close(self) -> None:
        """Begin no more calls, and let idle threads end."""
        self._closed = True
        self.workers.close()
        self.resolvers.close()
