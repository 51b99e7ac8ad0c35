"""Futures that a loop has promised, and completing those that others may cancel. Knows no loop."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

T = TypeVar("T")


class AwaitableFuture(Future[T]):
    """A future of `concurrent.futures` that a coroutine of asyncio's can await, on whatever loop it runs."""

    def __await__(self) -> Generator[Any, None, T]:
        from asyncio import wrap_future  # here: who awaits has asyncio, and nobody else needs it

        return wrap_future(self).__await__()


def settle(future: Future[Any], result: Any = None, error: BaseException | None = None) -> None:
    """Complete a future, unless it was cancelled (which any thread may do at any moment) or is complete."""
    try:
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
    except InvalidStateError:
        pass


class Promises:
    """The futures that one loop has given out and that are not done."""

    def __init__(self) -> None:
        self._open: dict[Future[Any], None] = {}  # in order, as all that is walked here: one seed, one run

    def __len__(self) -> int:
        return len(self._open)

    def make(self) -> Future[Any]:
        """A future that `fail` completes if nothing else has."""
        future: Future[Any] = AwaitableFuture()
        self._open[future] = None
        future.add_done_callback(self._open.pop)
        return future

    def fail(self, error: Exception) -> None:
        """Complete all that are not done, with `error`."""
        for future in list(self._open):
            settle(future, error=error)
