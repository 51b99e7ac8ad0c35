"""The verbs of a reactor's loop on any loop of asyncio's: calls, timers, threads. Knows no sockets and no reactor.

A protocol written for the reactor is often given it for its timers. Where it is to be served by asyncio's own loop, or
by uvloop, it is given these in its place. On the loop of `new_event_loop` they are the reactor underneath.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ..loop.futures import Promise


def verbs(loop: asyncio.AbstractEventLoop) -> Any:
    """What protocols call `reactor`, on this loop: `call_soon`, `call_later`, `time` and so on; see `LoopVerbs`."""
    return getattr(loop, "reactor", None) or LoopVerbs(loop)


class LoopTimer:
    """As `reactor.Timer`, on asyncio's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fn: Callable[[], Any], when: float, interval: float | None):
        self._loop = loop
        self._fn = fn
        self._handle: asyncio.TimerHandle | None = None
        self.interval = interval
        self.when = when
        self._arm(when)

    @property
    def active(self) -> bool:
        """True until it has fired or was cancelled; a series stays active."""
        return self._handle is not None

    def cancel(self) -> None:
        """Do not fire, unless `reset`."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def reset(self, delay: float) -> None:
        """Fire `delay` seconds from now instead."""
        self.cancel()
        self._arm(self._loop.time() + delay)

    def _arm(self, when: float) -> None:
        self.when = when
        self._handle = self._loop.call_at(when, self._fire)

    def _fire(self) -> None:
        self._handle = None
        if self.interval is not None:
            missed = max(0.0, (self._loop.time() - self.when) // self.interval)
            self._arm(self.when + (missed + 1) * self.interval)
        self._fn()


class LoopVerbs:
    """The verbs that need no network. Each is as the reactor's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def time(self) -> float:
        """As `Reactor.time`."""
        return self._loop.time()

    def call_soon(self, fn: Callable[..., Any], *args: Any) -> None:
        """As `Reactor.call_soon`."""
        self._loop.call_soon(fn, *args)

    def call_soon_threadsafe(self, fn: Callable[..., Any], *args: Any) -> None:
        """As `Reactor.call_soon_threadsafe`."""
        self._loop.call_soon_threadsafe(fn, *args)

    def flush(self) -> None:
        """Nothing waits: transports of this loop have sent when they were written to."""

    @property
    def now(self) -> float:
        """As `Reactor.now`, when this round began; asyncio does not tell, so that nothing is ever late in it."""
        return self._loop.time()

    def call_later(self, delay: float, fn: Callable[..., Any], *args: Any) -> LoopTimer:
        """As `Reactor.call_later`."""
        return self.call_at(self._loop.time() + delay, fn, *args)

    def call_at(self, when: float, fn: Callable[..., Any], *args: Any) -> LoopTimer:
        """As `Reactor.call_at`."""
        return LoopTimer(self._loop, lambda: fn(*args), when, None)

    def call_every(self, interval: float, fn: Callable[..., Any], *args: Any) -> LoopTimer:
        """As `Reactor.call_every`; what `fn` raises goes to the loop's exception handler."""
        if not interval > 0:
            raise ValueError(f"the interval must be positive: {interval!r}")
        return LoopTimer(self._loop, lambda: fn(*args), self._loop.time() + interval, interval)

    def run_in_thread(self, fn: Callable[..., Any], *args: Any) -> Future[Any]:
        """As `Reactor.run_in_thread`: the future completes on the loop."""
        future = self.promise()
        inner = self._loop.run_in_executor(None, fn, *args)
        inner.add_done_callback(lambda done: _pass_on(done, future))
        return future

    def promise(self, *, own: bool = False) -> Future[Any]:
        """A future that whoever asked for it completes."""
        return Promise()


def _pass_on(done: asyncio.Future[Any], future: Future[Any]) -> None:
    if future.cancelled() or not future.set_running_or_notify_cancel():
        return
    if done.cancelled():
        future.set_exception(asyncio.CancelledError())
    elif (error := done.exception()) is not None:
        future.set_exception(error)
    else:
        future.set_result(done.result())
