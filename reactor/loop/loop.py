"""The tick: poll, I/O, timers, soon, flush, reap. Knows no sockets and no protocols.

     +-> 1 poll      timeout 0 if work is queued, else the next deadline; at most MAX_EVENTS events
     |   2 I/O       handlers, not descriptor numbers; a handler whose connection ended in this batch skips itself
     |   3 timers    due ones, by deadline, ties in order of arrival
     |   4 soon      a snapshot; what it adds waits for the next tick
     |   5 flush     every transport written to: one send each
     |   6 reap      the only place that calls connection_lost, then closes that descriptor
     +---- until stopped

Flushing once a tick is what makes this loop fast: a send costs more than all the Python around it, so sixteen
replies to sixteen pipelined lines leave in one. Reaping last means that a descriptor number cannot be closed and
reused while the batch that was polled still names it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol as Interface, Self, TypeVar

from ..diagnostics.watchdog import Watchdog, seconds
from ..errors import ReactorClosed, ReactorError
from .budget import OUTPUT_BUDGET, OutputBudget
from .deadlines import DeadlineWheel
from .forks import MESSAGE, disarm, track
from .jobs import Jobs
from .kernel import Kernel
from .lag import QUICK
from .meter import TURN, Meter
from .poller import READ, Poller
from .signals import Signals
from .timers import Timer, TimerHeap
from .watchers import ForeignDescriptors

T = TypeVar("T")
log = logging.getLogger("reactor")

MAX_WAIT = 3600.0  # seconds; poll takes an int of milliseconds, and an hourly look at an idle loop costs nothing
KEPT = frozenset(
    {"abandon", "check_process", "check_usable", "close", "connections", "dump", "stats", "time"}
)  # what a forked child may call


class Flushed(Interface):
    """What steps 5 and 6 ask of a transport."""

    def _on_flush(self) -> None: ...
    def _on_reap(self) -> None: ...


class Loop(ForeignDescriptors, Jobs):
    """The event loop without its network verbs; `Reactor` adds those."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] | None = None,
        poller: Poller | None = None,
        output_budget: int | None = OUTPUT_BUDGET,
        watchdog: float | None = None,
        kernel: Kernel | None = None,
    ) -> None:
        threshold = seconds(watchdog, clock is None, os.environ.get("REACTOR_WATCHDOG"))
        self.kernel = kernel or Kernel()
        ForeignDescriptors.__init__(self)
        Jobs.__init__(self, self.kernel)
        self.clock = clock or time.monotonic
        self.now = self.clock()  # the time of this tick: transports stamp their activity with it
        self.meter = Meter(self.now)
        self.poller = poller or self.kernel.poller()
        self.dirty: list[Flushed] = []  # written to in this tick
        self.doomed: deque[Flushed] = deque()  # ended in this tick
        self.budget = OutputBudget(output_budget)
        self.timers = TimerHeap(self.clock)
        self.wheel = DeadlineWheel(self._wake_wheel_at)
        self._wheel_timer: Timer | None = None
        self._soon: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._inbox: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._wakeup = self.kernel.wakeup()
        self._signals = Signals(self._post, self._wakeup.signal_fileno())
        self._pid = os.getpid()
        self._running = self._stopping = False
        self.thread: threading.Thread | None = None  # in which it runs
        self._runs = 0
        self.closed = False
        self._watchdog: Watchdog | None = None
        self.watch(threshold)
        self.poller.register(self._wakeup.fileno(), READ, self._wakeup)
        track(self)

    # -- running ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run until `stop()`. May be called again afterwards."""
        self._spin()

    def run_until(self, future: Future[T], timeout: float | None = None) -> T:
        """Run until `future` is done and give its result, or raise what it holds.

        Raises TimeoutError after `timeout` seconds; the loop and the future stay usable.
        """
        self._check_idle()
        if future.done():
            return future.result()
        # Its last step may come from any thread, and long after this run.
        run = self._runs + 1
        future.add_done_callback(lambda _: self._post(self._stop_run, run))
        timer = None if timeout is None else self.call_later(timeout, self.stop)
        try:
            self._spin()
        finally:
            if timer is not None:
                timer.cancel()
        if future.done():
            return future.result()
        if timer is not None and self.clock() >= timer.when:
            raise TimeoutError(f"not done within {timeout} s")
        raise ReactorError("the loop was stopped before the future was done")

    def stop(self) -> None:
        """Return from `run` after this tick; nothing where the loop does not run.

        From another thread: `call_soon_threadsafe(reactor.stop)`.
        """
        self._stopping = self._running

    def watch(self, threshold: float) -> None:
        """Let the watchdog tell of callbacks that hold the loop for `threshold` seconds; 0 is no watchdog."""
        if self._watchdog is not None:
            self._watchdog.close()
        poll = getattr(self.poller.poll, "__code__", None)
        self._watchdog = Watchdog(self, threshold, Loop.tick.__code__, poll) if threshold else None
        self._turn_after = min(TURN, threshold or TURN)
        if self._watchdog is not None and self._running:
            self._watchdog.begin()

    def _stop_run(self, run: int) -> None:
        if run == self._runs:
            self.stop()

    def _check_idle(self) -> None:
        self.check_usable()
        if self._running:
            raise ReactorError("the loop is running already; a callback must not wait for it")

    def _spin(self) -> None:
        self._check_idle()
        self._running, self._stopping = True, False
        self.thread = threading.current_thread()
        self._runs += 1
        self.now = self.clock()
        self.meter.turn_at = self.now
        if self._watchdog is not None:
            self._watchdog.begin()
        try:
            self.tick(forever=True)
        except Exception:
            self.check_process()  # a callback forked, and its child came back to here
            raise
        finally:
            self._running = self._stopping = False
            self.thread = None

    def tick(self, forever: bool = False) -> None:
        """One round, as drawn above; or round after round until stopped.

        The loop is in here, with its names local, because on a quiet server each message pays for a whole round:
        0.5 microseconds of Python instead of 0.9 as a method called in a loop.
        """
        clock, poll, timers, meter = self.clock, self.poller.poll, self.timers, self.meter
        soon, inbox, dirty, doomed = self._soon, self._inbox, self.dirty, self.doomed
        done = clock()
        while True:
            if soon or inbox or dirty or doomed or self._stopping:
                events = poll(0)
            elif timers.entries:
                events = poll(self._wait(done))
            else:
                events = poll(MAX_WAIT)
            self.now = now = clock()
            meter.ticks += 1
            if now >= meter.turn_at:
                self._turn(now)
            if events:
                for handler, mask in events:
                    handler._on_ready(mask)
                meter.events += len(events)
            if timers.entries and timers.entries[0][0] <= now:
                timers.fire_due(now)
            if inbox or soon:
                self._run_soon()
            if dirty:
                for transport in dirty:  # one that is written to meanwhile is appended, and has its turn
                    transport._on_flush()
                meter.flushes += len(dirty)
                dirty.clear()
            while doomed:
                doomed.popleft()._on_reap()
            done = clock()
            lag = done - now
            meter.busy += lag
            if lag > QUICK:
                self._on_slow(lag)
            if self._stopping or not forever:
                return

    def _wait(self, now: float) -> float:
        deadline = self.timers.next_deadline()
        if deadline is None or deadline - now > MAX_WAIT:
            return MAX_WAIT
        return deadline - now if deadline > now else 0.0

    def _turn(self, now: float) -> None:
        """At most once in TURN seconds: what need not be looked at in each tick."""
        meter = self.meter
        meter.turn_at = now + self._turn_after
        meter.lag.turn(now, meter.ticks - 1, meter.busy)  # the round that has just begun is not over
        if self._watchdog is not None:
            self._watchdog.wake()

    def _on_slow(self, lag: float) -> None:
        meter = self.meter
        meter.lag.turn(self.now + lag, meter.ticks - 1, meter.busy - lag)  # it belongs to the minute in which it ends
        meter.lag.record(lag)
        if self._watchdog is not None and lag >= self._watchdog.threshold:
            self._watchdog.over(lag)

    def _run_soon(self) -> None:
        soon, inbox = self._soon, self._inbox
        for _ in range(len(inbox)):  # a snapshot: threads may post faster than we take
            soon.append(inbox.popleft())
        self.meter.calls += len(soon)
        for _ in range(len(soon)):
            fn, args = soon.popleft()
            self.guard(fn, *args)

    def guard(self, fn: Callable[..., Any], *args: Any) -> None:
        """Call code of the program: what it raises is logged once and goes no further."""
        try:
            fn(*args)
        except Exception:
            log.exception("exception in callback %s", getattr(fn, "__qualname__", fn))

    # -- calls --------------------------------------------------------------------------------------------------

    def time(self) -> float:
        """Seconds of the loop's clock, monotonic."""
        return self.clock()

    def call_soon(self, fn: Callable[..., Any], *args: Any) -> None:
        """Call `fn(*args)` in this tick's `soon` step, or in the next tick's if that has begun. In order."""
        self._soon.append((fn, args))

    def call_soon_threadsafe(self, fn: Callable[..., Any], *args: Any) -> None:
        """As `call_soon`, from any thread. Raises ReactorClosed once the reactor is closed."""
        if self.closed:
            raise ReactorClosed("the reactor is closed")
        self._post(fn, *args)

    def _post(self, fn: Callable[..., Any], *args: Any) -> None:
        self._inbox.append((fn, args))  # before the wake-up: the tick empties the inbox after it takes the bytes
        self._wakeup.wake()

    def call_later(self, delay: float, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call `fn(*args)` once, `delay` seconds from now."""
        return self.timers.arm(self.clock() + delay, fn, args)

    def call_at(self, when: float, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call `fn(*args)` once, when `time()` reaches `when`."""
        return self.timers.arm(when, fn, args)

    def call_every(self, interval: float, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call `fn(*args)` every `interval` seconds, first after one interval, on a grid without drift.

        What it raises is logged, and the series goes on. A tick that comes late skips grid points: no burst.

        >>> from reactor.testing import MemoryReactor
        >>> reactor = MemoryReactor()
        >>> timer = reactor.call_every(0.5, lambda: print(reactor.time() - start))
        >>> start = reactor.time()
        >>> reactor.advance(1.2)
        0.5
        1.0
        >>> timer.cancel()
        """
        if not interval > 0:
            raise ValueError(f"the interval must be positive: {interval!r}")
        return self.timers.arm(self.clock() + interval, fn, args, interval)

    # -- signals ----------------------------------------------------------------------------------------------

    def add_signal_handler(self, signum: int, fn: Callable[..., Any], *args: Any) -> None:
        """Call `fn(*args)` on the loop when the signal comes. Main thread only (ValueError elsewhere)."""
        self.check_usable()
        self._signals.add(signum, fn, args)

    def remove_signal_handler(self, signum: int) -> bool:
        """Put back the handler that was there before; False if there was none of ours."""
        return self._signals.remove(signum)

    # -- ending -------------------------------------------------------------------------------------------------

    def abort(self) -> None:
        """End all that is open at once."""

    def kind(self, transport: type[T]) -> type[T]:
        """The class to make a transport of: this one, but in debug mode."""
        return transport

    def check_usable(self) -> None:
        """Raise a clear error where the reactor cannot work any more."""
        if self.closed:
            raise ReactorClosed("the reactor is closed")
        self.check_process()

    def check_process(self) -> None:
        """Raise ReactorError in a forked child."""
        if os.getpid() != self._pid:
            raise ReactorError(MESSAGE)

    def close(self) -> None:
        """End every connection (connection_lost is delivered), give back every descriptor and signal handler.

        Futures that are not done fail with ReactorClosed. Harmless twice. Raises ReactorError while the loop runs.
        """
        if self.closed:
            return
        if os.getpid() != self._pid:
            self.closed = True
            return self.abandon()  # to end connections here would end them for the parent
        if self._running:
            raise ReactorError("a running loop cannot be closed: stop it first")
        for _ in range(2):  # twice: what a connection_lost or a future's callback began in the first round ends too
            self.abort()
            while self.doomed:
                self.doomed.popleft()._on_reap()
            self._fail_promises()
            self._run_soon()
        self._give_back()
        self._fail_promises()

    def _give_back(self) -> None:
        self.closed = True
        self.watch(0)
        self.timers.clear()
        self._soon.clear()
        self._inbox.clear()
        self._workers.close()
        self.resolvers.close()
        self._signals.close()
        self.poller.close()
        self._wakeup.close()

    def before_fork(self) -> None:
        """In the parent: a fork copies one thread, and Python warns of a process that has others."""
        if self._watchdog is not None:
            self._watchdog.rest()

    def after_fork(self) -> None:
        """In the parent: the callback that forked may go on for long."""
        if self._watchdog is not None and self._running:
            self._watchdog.wake()

    def _on_forked(self) -> None:
        """In a forked child, before its first line: out of service. See `forks`."""
        self._watchdog = None  # its thread has not come with us
        self._signals.close()  # the child's SIGTERM is its own again
        disarm(self, KEPT)
        for queue in (self._soon, self._inbox, self.dirty, self.doomed, self._watchers, self.timers):
            queue.clear()
        self._wakeup.close()
        self.poller.close()

    def abandon(self) -> None:
        """Close copies of descriptors that belong to the parent process."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _wake_wheel_at(self, when: float) -> None:
        if self._wheel_timer is None:
            self._wheel_timer = self.call_at(when, self._turn_wheel)
        else:
            self._wheel_timer.move(when)

    def _turn_wheel(self) -> None:
        self.wheel.expire(self.now)
