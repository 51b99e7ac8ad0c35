"""Tells who holds the loop, while it is held: a thread that looks at the loop's stack. Knows nothing of sockets.

The loop does nothing for it in its ticks. Of each tick it leaves the number and the time, which it notes anyway, and
whether it sleeps in its poll; whether it is in a callback can be read off its stack. While the loop sleeps, the thread
sleeps as well, without a timeout: an idle server uses no processor at all. `wake` ends that sleep, and the loop calls
it in the first turn after its own (see `TURN`), which costs one comparison a tick.

A callback that keeps the interpreter to itself (one regular expression of a second, say) cannot be watched by a thread
of that interpreter; then only `over` tells, afterwards. Time in which the whole process stood still is nobody's: see
`standstill`.
"""

from __future__ import annotations

import concurrent.futures
import gc
import os
import sys
import threading
import traceback
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import CodeType, FrameType
from typing import Protocol as Interface

from ..boundary import PACKAGE, log
from ..loop.loop import Loop
from ..loop.meter import Meter
from .standstill import Standstill

AGAIN = 4  # a stall is told again when it is so many times longer: 1, 4, 16, 64 s. Is it still the same line?
GLANCE = 0.1  # of the threshold, from one look to the second: is it one callback that is slow, or are there many?
DEPTH = 30  # frames of the stack that are told, the innermost: a recursion must not fill the disk
DOUBT = 0.15  # seconds over the threshold: what waits for longer is seen in time even on a busy machine
UNSEEN = "a callback that was not seen: it ended too soon, or let no other thread run"
PATIENCE = 0.1  # seconds: the least that is given to the thread to end in; a look takes a hundredth of that
FUTURES = os.path.dirname(os.path.abspath(concurrent.futures.__file__)) + os.sep
COLLECTS_ANYWHERE = sys.version_info < (3, 12)

Bell = SimpleQueue[bool]


class Looked(Interface):
    """What is asked of the loop."""

    meter: Meter
    now: float
    asleep: bool

    def clock(self) -> float: ...


class Watchdog:
    """Watches one loop while it runs in one thread. `threshold`: seconds that a tick may take.

    Its thread has a bell, a queue of True (look now) and False (end). Not an Event: `put` may be called from whatever
    a garbage collection calls, in the middle of a `get` too, and the lock of an Event may not.
    """

    def __init__(self, loop: Looked, threshold: float, tick: CodeType, poll: CodeType | None) -> None:
        self._loop = weakref.ref(loop, lambda _: self._ring(True))  # a loop that is forgotten is not kept alive here
        self._tick = tick
        self._poll = poll
        self._thread: threading.Thread | None = None
        self._bell: Bell = SimpleQueue()
        self._watched = 0  # the thread that the loop runs in
        self._asleep = self._closed = False
        self._tick_number = -1
        self._next = threshold  # seconds of a stall at which it is told
        self._told: str | None = None  # who was seen holding it
        self._standstill = Standstill()
        self._stood = (-1, 0.0)  # the number of a tick, and the seconds of it in which the process did not run
        self.threshold = threshold

    def begin(self) -> None:
        """The loop runs, in this thread from here on."""
        self._watched = threading.get_ident()
        self._told = None
        self._start()

    def _start(self) -> None:
        if self._thread is not None or self._closed:
            return
        bell: Bell = SimpleQueue()  # of its own: one that was told to end may still be busy with its last words
        thread = threading.Thread(target=self._watch, args=(bell,), name="reactor-watchdog", daemon=True)
        try:
            thread.start()
        except RuntimeError as exc:  # the system has no more threads to give
            self._closed = True  # it is not tried again
            log.warning("nobody watches for callbacks that hold the loop: %s", exc)
        else:
            self._thread, self._bell = thread, bell

    def wake(self) -> None:
        """The loop is at work again, if it was not. On the loop's thread, at most once a turn."""
        self._start()
        self._standstill.turn()
        if self._asleep:
            self._asleep = False
            self._standstill.expect(0.0)
            self._ring(True)

    def over(self, seconds: float) -> None:
        """A tick took longer than the threshold, and is over. On the loop's thread."""
        who, self._told = self._told, None
        loop = self._loop()
        stood = self._standstill.seconds() + (self._stood_still(loop.meter.ticks) if loop is not None else 0.0)
        if not stood and who is None and seconds < self.threshold + DOUBT and self._standstill.is_likely(seconds):
            stood = seconds  # our thread was due only at the threshold, too late for a stop to show by its delay
        stood = min(stood, seconds)  # where both threads went on at once, both have counted it
        held = seconds - stood
        if stood and who is None and held < self.threshold:
            log.info("the process stood still for %.2f s: it was stopped, or got no processor", stood)
        else:
            log.warning("the loop goes on: it was held for %.2f s by %s", held, who or UNSEEN)

    def _stood_still(self, tick: int) -> float:
        number, seconds = self._stood
        return seconds if number == tick else 0.0

    def rest(self) -> None:
        """End the thread; the next `wake` starts another."""
        thread, self._thread = self._thread, None
        self._standstill.expect(None)
        self._ring(False)
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(self.threshold, PATIENCE))  # one that logs to a blocked stderr is not waited for
        self._asleep = False  # nobody is late to wake up

    def close(self) -> None:
        """Watch no more. The thread ends."""
        self._closed = True
        self.rest()

    def _ring(self, go_on: bool) -> None:
        self._bell.put(go_on)

    # -- the thread ---------------------------------------------------------------------------------------------

    def _watch(self, bell: Bell) -> None:
        while (loop := self._loop()) is not None:
            self._note_standstill(loop)
            wait = self._look(loop, bell)
            self._standstill.expect(wait)
            del loop
            if not heard(bell, wait):
                return

    def _note_standstill(self, loop: Looked) -> None:
        stood, number = self._standstill.seconds(), loop.meter.ticks
        if stood and loop.clock() - loop.now >= stood:  # else the round in which that was is over
            self._stood = number, self._stood_still(number) + stood
        self._standstill.expect(None)

    def _look(self, loop: Looked, bell: Bell) -> float | None:
        """Tell of a stall if there is one. Gives the seconds until the next look; None: until `wake`."""
        meter = loop.meter
        # In this order. If the loop wakes up after we have seen it asleep, it asks for the time then, which is past the
        # turn that we have read, so it takes the turn, finds us asleep, and wakes us. A poll that does not wait is no
        # sleep: the round behind it has the time from before it, so it may take no turn, and nobody would wake us.
        self._asleep = True
        turn, number, now = meter.turn_at, meter.ticks, loop.clock()
        held = now - loop.now - self._stood_still(number)
        works, frame = self._where()
        if not works and now >= turn:
            return None
        self._asleep = False
        if frame is None or number != meter.ticks:
            return max(0.0, min(turn - now, self.threshold)) or self.threshold
        if number != self._tick_number:
            self._tick_number, self._next = number, self.threshold
        if held >= self._next:
            self._tell(loop.meter, frame, held, bell)
            self._next *= AGAIN
        return max(0.0, min(self._next - held, self.threshold))  # it may end, and another begin

    def _where(self) -> tuple[bool, FrameType | None]:
        """Whether the loop is at work, and the innermost frame of what it has called, if it has."""
        loop = self._loop()
        with undisturbed():
            innermost = frame = sys._current_frames().get(self._watched)
            inner = None
            while frame is not None and frame.f_code is not self._tick:
                frame, inner = frame.f_back, frame
        if frame is None:
            return False, None  # it does not run
        if inner is None or inner.f_code is self._poll:  # in its own lines, between two calls, or in its poll
            return loop is not None and not loop.asleep, None
        return True, innermost

    def _tell(self, meter: Meter, frame: FrameType, held: float, bell: Bell) -> None:
        frames = self._frames(frame)
        self._told = who = name(frames)
        stack = "".join(traceback.format_list([_summary(each) for each in frames[-DEPTH:]]))
        if not heard(bell, self.threshold * GLANCE):
            bell.put(False)  # this was for who comes next
        works, frame_now = self._where()
        if meter.ticks != self._tick_number or not works:
            self._told = None
            return  # that was its end, and `over` has told; or the loop was interrupted
        if any(each is first(frames) for each in self._frames(frame_now)):
            what = f"{who} has held the loop for {held:.2f} s"
        else:
            what = f"the loop has been in one round of callbacks for {held:.2f} s, one of them {who}"
        log.warning("%s; nobody else is served meanwhile:\n%s", what, stack.rstrip())

    def _frames(self, frame: FrameType | None) -> list[FrameType]:
        """From what the tick has called to the innermost."""
        frames: list[FrameType] = []
        with undisturbed():
            while frame is not None and frame.f_code is not self._tick:
                frames.append(frame)
                frame = frame.f_back
        return frames[::-1]


def watch(loop: Loop, threshold: float) -> None:
    """Let a watchdog tell of callbacks that hold `loop` for `threshold` seconds; 0 is no watchdog."""
    poll = getattr(loop.poller.poll, "__code__", None)
    sentry = Watchdog(loop, threshold, Loop._tick.__code__, poll) if threshold else None
    loop._lookout.set_sentry(sentry, loop._running)


def heard(bell: Bell, wait: float | None) -> bool:
    """Wait for so many seconds (None: for as long as it takes) or until the bell rings. False: it rang for the end."""
    try:
        return bell.get(timeout=wait)
    except Empty:
        return True


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection meanwhile, in CPython 3.11: there it may run inside `sys._current_frames` and `f_back`.

    What it finalizes may let other threads run, and then the frame that is being read is gone (a crash), or a thread
    that ends waits for ever for a lock that `_current_frames` holds (cpython #106883, mended in 3.12).
    """
    collects = COLLECTS_ANYWHERE and gc.isenabled()
    if collects:
        gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def first(frames: list[FrameType]) -> FrameType:
    """The first that is the program's own; the innermost, where all are the reactor's."""
    return next((frame for frame in frames if not _between(frame)), frames[-1])


def _between(frame: FrameType) -> bool:
    """Is it the reactor's, or of the futures that call for it?"""
    return frame.f_code.co_filename.startswith((PACKAGE, FUTURES))


def name(frames: list[FrameType]) -> str:
    """Its function, as people call it, and where it stands.

    >>> name([sys._getframe()])
    '<module> (<doctest ...>:1)'
    """
    frame = first(frames)
    if _between(frame) and callable(fn := frame.f_locals.get("fn")):  # it has no frame: it is not written in Python
        return ".".join(filter(None, (getattr(fn, "__module__", None), getattr(fn, "__qualname__", repr(fn)))))
    return f"{frame.f_code.co_qualname} ({os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno})"


def _summary(frame: FrameType) -> traceback.FrameSummary:
    return traceback.FrameSummary(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname)
