"""Futures that a loop has promised, and completing those that others may cancel. Knows of a loop only who runs it."""

from __future__ import annotations

import threading
from _thread import RLock
from collections.abc import Callable, Generator
from concurrent.futures import Future, InvalidStateError
from concurrent.futures._base import PENDING
from functools import partial
from typing import Any, TypeVar

from ..boundary import call, log
from ..errors import ReactorClosed

T = TypeVar("T")

OURS = "reactor-"  # how the names of this package's own threads begin

RUNS_HERE = (
    "this future is not done, and it never will be while its loop waits here: the loop runs in this thread. "
    "Use add_done_callback, or run_until outside of callbacks"
)
NOBODY_RUNS = "this future is not done, and nobody runs its loop: use reactor.run_until(future)"


_KNOWN = {"_condition", "_state", "_result", "_exception", "_waiters", "_done_callbacks"}
_IS_KNOWN = vars(Future()).keys() == _KNOWN
"""Whether futures of this Python have what we know and no more: then one is made without a condition of its own."""


class _NobodyWaits(RLock):  # type: ignore[misc]  # for mypy it is final; CPython's own tests derive from it
    """The lock of a future that no thread waits for yet, where `Future` has a condition.

    The first thread that waits makes the condition. That takes ten times as long as this lock: with one in each
    future a question to Redis took 1.5 times as much CPU (`bench/clients/redis_client.py`).
    """

    __slots__ = ()

    def notify_all(self) -> None:
        """Nobody is there to be told."""


class Promise(Future[T]):
    """A future of `concurrent.futures` that says what a program does wrong with it.

    To wait for it on the loop's own thread raises RuntimeError, and so it does where nobody runs the loop; other
    threads may wait while it runs. One that has failed and is dropped before anybody has asked for its outcome is
    logged. A coroutine of asyncio's can await it, on any loop.
    """

    def __init__(self, in_vain: Callable[[], str] = str, origin: str = "") -> None:
        if _IS_KNOWN:
            self._condition: Any = _NobodyWaits()
            self._state: str = PENDING
            self._result: Any = None
            self._exception: BaseException | None = None
            self._waiters: list[Any] = []
            self._done_callbacks: list[Callable[[Future[T]], object]] = []
        else:
            super().__init__()
        self._in_vain = in_vain  # why it cannot be waited for in this thread, now; `str` sees no reason
        self._origin = origin  # the call that it comes from, in debug mode
        self._asked = False

    def result(self, timeout: float | None = None) -> T:
        """As `Future.result`. Raises RuntimeError where nobody is left to complete it meanwhile."""
        self._prepare(timeout)
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """As `Future.exception`. Raises RuntimeError where nobody is left to complete it meanwhile."""
        self._prepare(timeout)
        return super().exception(timeout)

    def _prepare(self, timeout: float | None) -> None:
        """It is asked for: see that this thread can wait, if it has to."""
        if self.done():
            self._asked = True
            return
        if timeout != 0:
            self._asked = True  # also where it raises: the mistake is told then
            if (reason := self._in_vain()) and not self.done():  # it may have been done meanwhile
                raise RuntimeError(reason)
        with self._condition:
            if type(self._condition) is _NobodyWaits:
                self._condition = threading.Condition(self._condition)

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """As `Future.add_done_callback`; whatever `fn` raises is logged."""
        super().add_done_callback(partial(call, "the callback of a future,", fn))

    def __await__(self) -> Generator[Any, None, T]:
        from asyncio import wrap_future  # here: who awaits has asyncio, and nobody else needs it

        return wrap_future(self).__await__()

    def __del__(self) -> None:
        error = self._exception
        if error is not None and not self._asked and not isinstance(error, ReactorClosed):
            origin = f"; it was made here:\n{self._origin}" if self._origin else ""
            log.unasked("a future has failed, and nobody asked for its outcome: %s%s", error, origin, exc_info=error)


def settle(future: Future[Any], result: Any = None, error: BaseException | None = None, told: bool = False) -> None:
    """Complete a future, unless it was cancelled (which any thread may do at any moment) or is complete.

    told: the program hears of the error in another way as well, so it need not ask.
    """
    if told and isinstance(future, Promise):
        future._asked = True
    try:
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
    except InvalidStateError:
        pass


def in_vain(runner: threading.Thread | None, mine: threading.Thread | None = None) -> str:
    """Why this thread waits in vain for what only a loop can do, which runs in `runner`; empty where it does not.

    Where it does not run, any other thread of the program may run it next, unless it is known to be `mine`.
    """
    here = threading.current_thread()
    if runner is not None:
        return RUNS_HERE if runner is here else ""
    others = (other for other in threading.enumerate() if other is not here and not other.name.startswith(OURS))
    return NOBODY_RUNS if here is mine or not any(others) else ""


class Promises:
    """The futures that one loop has given out and that are not done. `in_vain`: why nobody can wait here, if so."""

    def __init__(self, in_vain: Callable[[], str]) -> None:
        self.in_vain = in_vain
        self._open: dict[Future[Any], None] = {}  # in order, as all that is walked here: one seed, one run
        self.origin: Callable[[], str] | None = None  # debug mode: where a future comes from

    def __len__(self) -> int:
        return len(self._open)

    def make(self, own: bool = False) -> Promise[Any]:
        """A future that `fail` completes if nothing else has; not if it is the caller's `own`, who sees to that."""
        if own:
            return Promise(self.in_vain)
        future: Promise[Any] = Promise(self.in_vain, self.origin() if self.origin else "")
        self._open[future] = None
        Future.add_done_callback(future, self._open.pop)
        return future

    def fail(self, error: Exception) -> None:
        """Complete all that are not done, with `error`."""
        for future in list(self._open):
            settle(future, error=error)
