"""Calls in threads, and the futures that a loop has promised. A part of the loop; knows no tick."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

from ..errors import ReactorClosed
from .futures import settle
from .kernel import Kernel
from .workers import RESOLVERS, WORKERS, WorkerPool

T = TypeVar("T")


class Jobs(ABC):
    """The verbs for what blocks."""

    closed: bool

    def __init__(self, kernel: Kernel) -> None:
        self._promised: dict[Future[Any], None] = {}  # in order, as all that is walked here: one seed, one run
        self._workers = kernel.workers(WORKERS, "reactor-worker")
        self.resolvers = kernel.workers(RESOLVERS, "reactor-resolver")

    @abstractmethod
    def check_usable(self) -> None:
        """Raise a clear error where the reactor cannot work any more."""

    @abstractmethod
    def _post(self, fn: Callable[..., Any], *args: Any) -> None:
        """Call `fn(*args)` on the loop, from any thread."""

    def run_in_thread(self, fn: Callable[..., T], *args: Any) -> Future[T]:
        """Call `fn(*args)` in a worker thread; the future completes on the loop. Cancelling works until it starts.

        >>> from reactor import Reactor
        >>> with Reactor() as reactor:
        ...     reactor.run_until(reactor.run_in_thread(sum, [1, 2, 3]), timeout=10)
        6
        """
        return self.run_in(self._workers, fn, *args)

    def run_in(self, pool: WorkerPool, fn: Callable[..., T], *args: Any) -> Future[T]:
        """`run_in_thread`, in a thread of `pool`."""
        future = self.promise()

        def job() -> None:
            try:
                if self.closed or not future.set_running_or_notify_cancel():
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

    def pending_jobs(self) -> int:
        """Calls in threads that are not finished: time that a test moves must not run away from them."""
        return self._workers.pending + self.resolvers.pending

    def promise(self) -> Future[Any]:
        """A future that `close` fails if nothing else has settled it."""
        self.check_usable()
        future: Future[Any] = Future()
        self._promised[future] = None
        future.add_done_callback(self._promised.pop)
        return future

    def _fail_promises(self) -> None:
        for future in list(self._promised):
            settle(future, error=ReactorClosed("the reactor was closed"))
