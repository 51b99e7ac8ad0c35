"""The tick: poll, I/O, timers, soon, flush, reap. Knows no sockets and no protocols.

     +-> 1 poll      timeout 0 if work is queued, else the next deadline; at most MAX_EVENTS events
     |   2 I/O       handlers of the batch are called; one whose connection ended in it skips itself, or is skipped
     |   3 timers    due ones, by deadline, ties in order of arrival
     |   4 soon      a snapshot; what it adds waits for the next tick. Then the guest's part, if there is a `Guest`
     |   5 flush     every transport written to: one send each
     |   6 reap      the only place that calls connection_lost, then closes that descriptor
     +---- until stopped

Flushing once a tick is what makes this loop fast: a send costs more than all the Python around it, so sixteen
replies to sixteen pipelined lines leave in one. Reaping last means that a descriptor number cannot be closed and
reused while the batch that was polled still names it.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import get_ident
from typing import Any, Self, TypeVar

from ..boundary import EXITS, Runner, check_interval, log, name_of, not_seconds, refuse_coroutine
from ..errors import ReactorClosed, ReactorError
from .budget import OUTPUT_BUDGET, OutputBudget
from .deadlines import DeadlineWheel
from .forks import MESSAGE, track
from .futures import Promise, Promises, in_vain
from .ground import Belongings, Flushed, Host
from .jobs import Jobs
from .kernel import Kernel
from .lag import QUICK
from .meter import Lookout, Meter
from .poller import MAX_EVENTS, READ, Poller
from .signals import Signals
from .timers import Timer, TimerHeap
from .watchers import Watchers

T = TypeVar("T")
MAX_WAIT = 3600.0  # seconds; poll takes an int of milliseconds, and an hourly look at an idle loop costs nothing


class Loop:
    """The event loop without its network verbs; `Reactor` adds those. What transports use of it is in `Ground`."""

    _inventory: Belongings  # the heir's

    def __init__(
        self,
        *,
        clock: Callable[[], float] | None = None,
        poller: Poller | None = None,
        output_budget: int | None = OUTPUT_BUDGET,
        kernel: Kernel | None = None,
    ) -> None:
        self._kernel = kernel or Kernel()
        self.clock = clock or time.monotonic
        self.now = self.clock()
        self.meter = Meter(self.now)
        self.poller = poller or self._kernel.poller()
        self.dirty: list[Flushed] = []
        self.doomed: deque[Flushed] = deque()
        self.budget = OutputBudget(output_budget)
        self.runner = Runner()
        self.timers = TimerHeap(self.clock, self.runner)
        self.wheel = DeadlineWheel.on(self.timers, lambda: self.now)
        self._soon: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._inbox: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._wakeup = self._kernel.wakeup()
        self._signals = Signals(self._post, self._wakeup.signal_fileno())
        self._pid = os.getpid()
        self._running = self._stopping = self._flushing = False
        self.asleep = False  # in a poll that may wait
        self._runs = 0
        self.closed = False
        self._host: Host | None = None
        self._promises = Promises(lambda: in_vain(self.runner.thread))
        self._jobs = Jobs(self._kernel, self._post, self.promise)
        self._watchers = Watchers(self.poller, self.meter)
        self._lookout = Lookout(self.meter)
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
        run = self._runs + 1  # the future's last step may come from any thread, and long after this run
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
        """Return from `run` after this tick. May be called in any thread."""
        self._stopping = self._running
        if self.runner.ident != get_ident():
            self._wakeup.wake()
        if self._running and self._host is not None:
            self._host.stop()

    def _stop_run(self, run: int) -> None:
        if run == self._runs:
            self.stop()

    def _check_idle(self) -> None:
        self._check_usable()
        if self._running:
            raise ReactorError("the loop is running already; a callback must not wait for it")

    def _spin(self) -> None:
        if self._host is not None:
            return self._host.run_forever()
        self._run_here(lambda: self._tick(forever=True))

    def _run_here(self, turn: Callable[[], None]) -> None:
        self._check_idle()
        self._running, self._stopping = True, False
        self.runner.begin()
        self._runs += 1
        self.now = self.clock()
        self._lookout.begin(self.now)
        try:
            turn()
        except Exception:
            self._check_process()  # a callback forked, and its child came back to here
            raise
        finally:
            self._running = self._stopping = self.asleep = False
            self.runner.end()

    def _tick(self, forever: bool = False, longest: float = MAX_WAIT) -> None:
        """One round, as drawn above; or round after round until stopped. The poll waits `longest` at most.

        The loop is in here, with its names local, because on a quiet server each message pays for a whole round:
        0.5 microseconds of Python instead of 0.9 as a method called in a loop.
        """
        clock, poll, tell, timers, meter = self.clock, self.poller.poll, self.poller.tell, self.timers, self.meter
        soon, inbox, dirty, doomed = self._soon, self._inbox, self.dirty, self.doomed
        guest = None if self._host is None else self._host.guest
        guest_queue = () if guest is None else guest.queue
        if self.runner.interrupted:
            self._inventory.on_interrupted()
        self.runner.interrupted = True  # stays so if an exception leaves this method
        done = clock()
        while True:
            if guest_queue or soon or inbox or dirty or doomed or self._stopping:
                events = poll(0)
                self.now = now = done  # it has not waited: to ask the clock again costs a twentieth of such a round
            else:
                wait = longest if guest is None else guest.longest(done)
                self.asleep = True
                events = poll(timers.wait(done, wait) if timers.entries else wait)
                self.asleep = False
                self.now = now = clock()
            meter.ticks += 1
            if now >= meter.turn_at:
                self._lookout.turn(now)
            if events:
                meter.events += tell(events)
            if timers.entries and timers.entries[0][0] <= now:
                timers.fire_due(now, len(events) == MAX_EVENTS)
            if inbox or soon:
                self._run_soon()
            if guest is not None:
                guest.serve(now)
            if dirty:
                self._flushing = True  # and still, where an interrupt leaves this: the next round does the rest
                for transport in dirty:  # one that is written to meanwhile is appended, and has its turn
                    transport._on_flush()
                meter.flushes += len(dirty)
                dirty.clear()
                self._flushing = False
            while doomed:
                doomed.popleft()._on_reap()
            done = clock()
            meter.busy += (lag := done - now)
            if lag > QUICK:
                self._lookout.slow(now, lag)
            if self._stopping or not forever:
                self.runner.interrupted = False
                return

    def _run_soon(self) -> None:
        for queue, count in ((self._soon, len(self._soon)), (self._inbox, len(self._inbox))):  # what is added waits
            self.meter.calls += count
            for _ in range(count):
                fn, args = queue.popleft()
                self._guard(fn, args)

    def _guard(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Call code of the program: what it raises is logged once and goes no further."""
        try:
            if (given := fn(*args)) is not None:
                refuse_coroutine(given)
        except EXITS:
            raise
        except BaseException:
            log.exception("exception in callback %s", name_of(fn))

    def time(self) -> float:
        """Seconds of the loop's clock, monotonic."""
        return self.clock()

    def call_soon(self, fn: Callable[..., Any], *args: Any) -> None:
        """Call `fn(*args)` in this tick's `soon` step, or in the next tick's if that has begun. In order."""
        if self.asleep:  # then this is another thread, and a plain append would not wake it
            self.runner.check()
        self._soon.append((fn, args))

    def call_soon_threadsafe(self, fn: Callable[..., Any], *args: Any) -> None:
        """As `call_soon`, from any thread. Raises ReactorClosed once the reactor is closed."""
        if self.closed:
            raise ReactorClosed("the reactor is closed")
        self._inbox.append((fn, args))  # `_post`, written out, and without the call of `wake` where that does nothing
        if not self._wakeup.under_way:
            self._wakeup.wake()

    def _post(self, fn: Callable[..., Any], *args: Any) -> None:
        self._inbox.append((fn, args))  # before the wake-up: the tick empties the inbox after it takes the bytes
        self._wakeup.wake()

    def call_later(self, delay: float, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call `fn(*args)` once, `delay` seconds from now."""
        try:
            when = self.clock() + delay
        except TypeError:
            raise not_seconds("call_later()", delay) from None
        return self.timers.arm(when, fn, args)

    def call_at(self, when: float, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call `fn(*args)` once, when `time()` reaches `when`."""
        return self.timers.arm(when, fn, args)

    def call_every(self, interval: float, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call `fn(*args)` every `interval` seconds, first after one interval, on a grid without drift.

        What it raises is logged, and the series goes on. A tick that comes late skips grid points: no burst.

        >>> from reactor.testing import MemoryReactor
        >>> reactor = MemoryReactor()
        >>> timer = reactor.call_every(0.5, lambda: print("again"))
        >>> reactor.advance(1.2)
        again
        again
        >>> timer.cancel()
        """
        check_interval(interval)
        return self.timers.arm(self.clock() + interval, fn, args, interval)

    def promise(self, *, own: bool = False) -> Promise[Any]:
        """A future of the caller's to complete, on the loop's thread. `close` fails it otherwise, unless `own`."""
        if not own:
            self._check_usable()
        return self._promises.make(own)

    def run_in_thread(self, fn: Callable[..., T], *args: Any) -> Promise[T]:
        """Call `fn(*args)` in a worker thread; the future completes on the loop. Cancelling works until it starts.

        >>> from reactor import Reactor
        >>> with Reactor() as reactor:
        ...     reactor.run_until(reactor.run_in_thread(sum, [1, 2, 3]), timeout=10)
        6
        """
        return self._jobs.run(self._jobs.workers, fn, *args)

    def add_reader(self, fd: Any, fn: Callable[..., Any], *args: Any) -> None:
        """Call `fn(*args)` whenever `fd` (a number, or anything with `fileno()`) is readable or hung up.

        Replaces an earlier reader of `fd`. A callback that raises is logged and removed: left there, it would be
        called again at once and for ever. The descriptor stays the caller's, to be removed here before it is closed.

        >>> import os
        >>> from reactor import Reactor
        >>> reading, writing = os.pipe()
        >>> with Reactor() as reactor:
        ...     reactor.add_reader(reading, lambda: print(os.read(reading, 100), reactor.stop()))
        ...     _ = os.write(writing, b"hello")
        ...     reactor.run()
        b'hello' None
        >>> os.close(reading)
        >>> os.close(writing)
        """
        self._check_usable()
        self._watchers.read(fd, (fn, args))

    def add_writer(self, fd: Any, fn: Callable[..., Any], *args: Any) -> None:
        """As `add_reader`, for writing."""
        self._check_usable()
        self._watchers.write(fd, (fn, args))

    def remove_reader(self, fd: Any) -> bool:
        """Stop watching `fd` for reading; False if it was not watched."""
        self.runner.check()
        return self._watchers.stop_reading(fd)

    def remove_writer(self, fd: Any) -> bool:
        """Stop watching `fd` for writing; False if it was not watched."""
        self.runner.check()
        return self._watchers.stop_writing(fd)

    # -- ending -------------------------------------------------------------------------------------------------

    def _check_usable(self) -> None:
        """Raise a clear error where the reactor cannot work any more."""
        if self.closed:
            raise ReactorClosed("the reactor is closed")
        self.runner.check()
        self._check_process()

    def _check_process(self) -> None:
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
            return self._inventory.abandon()  # to end connections here would end them for the parent
        if self._running:
            raise ReactorError("a running loop cannot be closed: stop it first")
        for _ in range(2):  # twice: what a connection_lost or a future's callback began in the first round ends too
            self._inventory.abort()
            while self.doomed:
                self.doomed.popleft()._on_reap()
            self._promises.fail(ReactorClosed("the reactor was closed"))
            self._run_soon()
        self._give_back()
        self._promises.fail(ReactorClosed("the reactor was closed"))

    def _give_back(self) -> None:
        self.closed = True
        self._lookout.set_sentry(None, running=False)
        for queue in (self.timers, self._soon, self._inbox):
            queue.clear()
        self._jobs.close()
        self._signals.close()
        self.poller.close()
        self._wakeup.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if not (any(exc_info) or self.meter.ticks or self.closed):  # it left without an error and never turned
            self._inventory.note_unserved()
        self.close()
