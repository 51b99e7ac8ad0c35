"""Who holds the loop is told while it does. The callback blocks until the record has come, so nothing is slept.

A busy machine may hold any tick for longer than the threshold here, and have any stall told again: what was told of
others is not looked at.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from reactor import LineProtocol, Protocol, Reactor
from reactor.diagnostics import standstill
from reactor.diagnostics.asked import WATCHDOG
from reactor.diagnostics.watchdog import UNSEEN, Bell, Watchdog, watch
from reactor.loop.meter import Meter
from reactor.testing import FakeClock, MemoryReactor, SteppedPoller, SteppedReactor

QUICKLY = 0.05  # seconds: the threshold here
PATIENCE = 60  # seconds after which a record will not come

pytestmark = pytest.mark.loud


class Records(logging.Handler):
    """The records of the reactor; `await_one` blocks until one has this text, as a callback that is stuck does."""

    def __init__(self):
        super().__init__()
        self._more = threading.Condition()
        self.texts = []

    def emit(self, record):
        with self._more:
            self.texts.append(record.getMessage())
            self._more.notify_all()

    def await_one(self, part, count=1):
        with self._more:
            assert self._more.wait_for(lambda: self.told(part) >= count, PATIENCE), self.texts

    def told(self, part):
        return sum(part in text for text in self.texts)


@pytest.fixture
def records():
    records = Records()
    logging.getLogger("reactor").addHandler(records)
    yield records
    logging.getLogger("reactor").removeHandler(records)


@pytest.fixture
def reactor():
    with Reactor(watchdog=QUICKLY) as reactor:
        yield reactor


def watchdogs():
    return [thread for thread in threading.enumerate() if thread.name == "reactor-watchdog"]


def test_a_blocking_protocol_is_named_with_its_stack_while_it_blocks(reactor, records):
    class Blocking(LineProtocol):
        def line_received(self, line):
            self.look_up()

        def look_up(self):
            records.await_one("look_up")  # told while it is stuck: else this waits in vain
            reactor.stop()

    listener = reactor.listen_tcp(Blocking, "127.0.0.1", 0)
    transport, _ = reactor.run_until(reactor.connect_tcp(Protocol, "127.0.0.1", listener.port))
    transport.write(b"hello\n")
    reactor.run()
    stall, *_, end = [text for text in records.texts if "Blocking.line_received (test_watchdog.py:" in text]
    assert "Blocking.line_received (test_watchdog.py:" in stall.splitlines()[0]
    assert "in test_a_blocking_protocol_is_named_with_its_stack_while_it_blocks.<locals>.Blocking.look_up" in stall
    assert "records.await_one" in stall
    assert "in Loop.run" not in stall  # the program around the loop is of no interest
    assert end.startswith("the loop goes on: it was held for ")


def test_a_long_stall_is_told_again_and_one_after_it_anew(reactor, records):
    def first():
        records.await_one("first (test_watchdog.py", 2)
        reactor.call_soon(second)

    def second():
        records.await_one("second (test_watchdog.py")
        reactor.stop()

    reactor.call_soon(first)
    reactor.run()
    goes_on = [text for text in records.texts if text.startswith("the loop goes on")]
    assert [sum(f"{name} (test_watchdog.py" in text for text in goes_on) for name in ("first", "second")] == [1, 1]


class Held:
    """A loop in a callback, as the watchdog sees it."""

    def __init__(self):
        self.now = self.time = 100.0
        self.meter = Meter(100.0)
        self.asleep = False

    def clock(self):
        return self.time


def test_it_looks_again_when_a_stall_is_due_and_after_it_at_least_once_a_threshold(records):
    loop, here = Held(), sys._getframe()
    watchdog = Watchdog(loop, 1.0, (lambda: None).__code__, None)
    watchdog._where = lambda: (True, here)
    bell = Bell()

    def look(seconds):
        loop.time = 100.0 + seconds
        bell.put(True)  # no waiting for the second glance
        return watchdog._look(loop, bell), records.told("s; nobody else")

    assert [look(seconds) for seconds in (0.25, 1.0, 2.5, 3.5, 4.0, 15.0, 16.0)] == [
        (0.75, 0), (1.0, 1), (1.0, 1), (0.5, 1), (1.0, 2), (1.0, 2), (1.0, 3),
    ]  # fmt: skip
    loop.meter.ticks, loop.now = 1, 116.0  # the next round
    assert look(16.25) == (0.75, 3)
    assert look(17.0) == (1.0, 4)


class Times:
    """`time`, as `standstill` sees it."""

    def __init__(self, monkeypatch):
        self.real = self.spent = 50.0
        monkeypatch.setattr(standstill, "time", self)

    def monotonic(self):
        return self.real

    def process_time(self):
        return self.spent


@pytest.fixture
def times(monkeypatch):
    return Times(monkeypatch)


@pytest.fixture
def held(times, records, caplog):
    """A watchdog whose thread is due at once when the loop has begun a round; its moments are the test's."""
    caplog.set_level("INFO", "reactor")
    loop, here = Held(), sys._getframe()
    watchdog = Watchdog(loop, 1.0, (lambda: None).__code__, None)
    watchdog.loop, watchdog._closed = loop, True  # no thread of its own
    watchdog._where = lambda: (True, here)
    watchdog._asleep = True
    watchdog.wake()
    return watchdog


STOOD = "the process stood still for 9.00 s: it was stopped, or got no processor"


def test_a_stop_is_no_stall_though_the_loop_is_the_first_to_go_on(held, times, records):
    times.real += 9
    held.over(9.0)
    assert records.texts == [STOOD]


def test_a_stop_is_no_stall_though_the_watchdog_is_the_first_to_go_on(held, times, records):
    times.real += 9
    held.loop.time += 9
    held._note_standstill(held.loop)
    assert held._look(held.loop, Bell()) == 1.0
    assert records.texts == []
    held.over(9.0)
    assert records.texts == [STOOD]


def test_what_computes_and_lets_no_thread_run_is_a_stall(held, times, records):
    times.real += 9
    times.spent += 1
    held.over(9.0)
    assert records.texts == [f"the loop goes on: it was held for 9.00 s by {UNSEEN}"]


def test_what_waits_and_lets_the_watchdog_run_is_a_stall(held, times, records):
    held._note_standstill(held.loop)  # it runs in time
    held._standstill.expect(1.0)
    times.real += 1.2  # late, on a busy machine
    held.over(1.2)
    assert records.texts == [f"the loop goes on: it was held for 1.20 s by {UNSEEN}"]


def test_a_stop_that_both_threads_have_counted_is_told_once(held, times, records):
    times.real += 9
    held.loop.time += 9
    held._stood = held.loop.meter.ticks, 9.0  # the watchdog has noted it, and not yet said that it runs
    held.over(9.0)
    assert records.texts == [STOOD]


def test_a_stop_that_is_hardly_longer_than_the_threshold_is_no_stall(held, times, records):
    held._note_standstill(held.loop)
    held._standstill.expect(1.0)
    times.real += 1.06
    held.over(1.06)
    assert records.texts == ["the process stood still for 1.06 s: it was stopped, or got no processor"]


def test_what_computes_hardly_longer_than_the_threshold_is_a_stall(held, times, records):
    held._note_standstill(held.loop)
    held._standstill.expect(1.0)
    times.real += 1.06
    times.spent += 1
    held.over(1.06)
    assert records.texts == [f"the loop goes on: it was held for 1.06 s by {UNSEEN}"]


def test_a_stop_within_a_stall_is_not_counted(held, times, records):
    times.real += 9
    held.loop.time += 9
    held._note_standstill(held.loop)
    held.over(11.0)
    assert records.texts == [f"the loop goes on: it was held for 2.00 s by {UNSEEN}"]


def test_a_stop_counts_for_its_own_round_alone(held, times, records):
    times.real += 9
    held.loop.time += 9
    held._note_standstill(held.loop)
    held.loop.meter.ticks += 1
    held.over(2.0)
    assert records.texts == [f"the loop goes on: it was held for 2.00 s by {UNSEEN}"]


def test_a_stop_that_was_over_when_the_round_began_is_not_counted(held, times, records):
    times.real += 9
    held.loop.time += 9
    held.loop.now = held.loop.time
    held._note_standstill(held.loop)
    held.over(2.0)
    assert records.texts == [f"the loop goes on: it was held for 2.00 s by {UNSEEN}"]


def test_a_process_that_stops_in_a_callback_tells_of_no_stall():
    code = (
        "import logging, os, signal, reactor\n"
        "logging.basicConfig(level='INFO')\n"
        f"with reactor.Reactor(watchdog={QUICKLY}) as loop:\n"
        "    loop.call_later(0.1, os.kill, os.getpid(), signal.SIGSTOP)\n"
        "    loop.call_later(0.2, loop.stop)\n"
        "    loop.run()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as child:
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        time.sleep(2 * standstill.SHORTEST + QUICKLY)  # the length of the stop
        child.send_signal(signal.SIGCONT)
        _, said = child.communicate(timeout=PATIENCE)
    assert "held" not in said
    assert "the process stood still for 0." in said


def test_a_thread_that_sleeps_is_woken_once():
    """The loop calls `wake` in each of its turns: the bell must not be rung in each, or it would never sleep again."""
    watchdog = Watchdog(Held(), 1.0, (lambda: None).__code__, None)
    watchdog._thread, watchdog._bell = threading.current_thread(), Bell()
    watchdog._asleep = True
    watchdog.wake()
    watchdog.wake()
    assert watchdog._bell.qsize() == 1


def test_the_time_of_a_run_begins_with_it():
    class Poller(SteppedPoller):
        def poll(self, timeout):
            times.append(reactor.now)
            return super().poll(timeout)

    times, clock = [], FakeClock()
    with Reactor(clock=clock, poller=Poller(clock)) as reactor:
        clock.advance(100)  # it does not run: a look at it in its first poll must not take that for a stall
        reactor.call_soon(reactor.stop)
        reactor.run()
    assert times[0] == clock.now


def test_a_round_of_many_callbacks_is_no_single_one(records):
    with Reactor(watchdog=0.2) as reactor:

        def short():
            if not records.told("in one round of callbacks"):  # a busy machine may hold a single one for once
                time.sleep(0.005)

        for _ in range(2000):
            reactor.call_soon(short)
        reactor.call_soon(reactor.stop)
        reactor.run()
    assert records.told("in one round of callbacks")


def test_a_timer_a_reader_and_a_future_are_named_too(reactor, records):
    def late():
        records.await_one("late (test_watchdog.py")
        os.write(writing, b"x")

    def readable():
        os.read(reading, 1)
        records.await_one("readable (test_watchdog.py")
        reactor.remove_reader(reading)
        reactor.run_in_thread(int).add_done_callback(done)

    def done(future):
        records.await_one("done (test_watchdog.py")
        reactor.stop()

    reading, writing = os.pipe()
    reactor.add_reader(reading, readable)
    reactor.call_later(0, late)
    reactor.run()
    os.close(reading), os.close(writing)


def test_an_idle_loop_is_no_stall_and_its_thread_sleeps(reactor, records):
    """Ten thresholds of nothing: the thread looks once or twice, then not at all."""
    looks = []
    watchdog = reactor._lookout.sentry
    look = watchdog._look
    watchdog._look = lambda *args: looks.append(look(*args)) or looks[-1]
    reactor.call_soon(int)  # a first round, so that it is watched from there on
    reactor.call_later(10 * QUICKLY, reactor.stop)
    reactor.run()
    assert None in looks  # None: it sleeps until it is woken
    assert len(looks) < 8
    assert not records.told("has held the loop")


def test_it_wakes_up_after_a_long_sleep(reactor, records):
    def block():
        records.await_one("block (test_watchdog.py")
        reactor.stop()

    reactor.call_later(5 * QUICKLY, block)
    reactor.run()


def test_a_loop_that_runs_again_is_watched_again(reactor, records):
    def block():
        records.await_one("block (test_watchdog.py", records.told("block (test_watchdog.py") + 1)
        reactor.stop()

    for _ in range(2):
        time.sleep(2 * QUICKLY)  # it does not run: that is no stall
        reactor.call_soon(block)
        reactor.run()
    assert len(watchdogs()) == 1


def test_a_loop_in_another_thread_is_watched_there(reactor, records):
    def block():
        records.await_one("block (test_watchdog.py")
        reactor.stop()

    reactor.call_soon(block)
    thread = threading.Thread(target=reactor.run)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_one_second_unless_the_program_or_the_environment_says_else(monkeypatch):
    monkeypatch.delenv("REACTOR_WATCHDOG")
    with Reactor() as reactor:
        assert reactor._lookout.sentry.threshold == WATCHDOG == 1.0
    monkeypatch.setenv("REACTOR_WATCHDOG", "2.5")
    with Reactor() as reactor, Reactor(watchdog=3) as other:
        assert (reactor._lookout.sentry.threshold, other._lookout.sentry.threshold) == (2.5, 3.0)
    monkeypatch.setenv("REACTOR_WATCHDOG", "soon")
    with pytest.raises(ValueError, match="REACTOR_WATCHDOG is a number of seconds, 0 for none, not 'soon'"):
        Reactor()


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf")])
def test_a_threshold_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="the watchdog is a number of seconds"):
        Reactor(watchdog=wrong)


def test_zero_is_no_watchdog_and_no_thread(records):
    with Reactor(watchdog=0) as reactor:
        reactor.call_soon(time.sleep, 2 * QUICKLY)
        reactor.call_later(0.01, reactor.stop)
        reactor.run()
        assert watchdogs() == []
    assert records.texts == []


def test_where_time_is_moved_there_is_none():
    for reactor in (SteppedReactor(), MemoryReactor()):
        reactor.call_later(100, reactor.stop)
        reactor.run()
        assert watchdogs() == []
        reactor.close()


def test_the_thread_starts_with_the_loop_and_ends_with_the_reactor(reactor):
    assert watchdogs() == []
    reactor.call_soon(reactor.stop)
    reactor.run()
    assert len(watchdogs()) == 1
    reactor.close()
    assert watchdogs() == []


def test_a_reactor_that_is_forgotten_takes_its_thread_along():
    reactor = Reactor(watchdog=QUICKLY)
    reactor.call_soon(reactor.stop)
    reactor.run()
    (thread,) = watchdogs()
    deadline = time.monotonic() + PATIENCE
    while not reactor._lookout.sentry._asleep and time.monotonic() < deadline:
        time.sleep(0.001)
    for part in (reactor.poller, reactor._wakeup):
        part.close()  # else the test would leave descriptors behind
    del reactor, part
    gc.collect()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded")  # 3.12 may count a thread that has just ended
def test_a_fork_copies_no_second_thread_and_the_parent_is_watched_on(reactor, records):
    def fork():
        begun = watchdogs()
        pid = os.fork()
        if not pid:
            os._exit(0 if reactor._lookout.sentry is None else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert (len(begun), len(watchdogs())) == (1, 1)
        assert begun != watchdogs()
        reactor.call_later(2 * QUICKLY, block)

    def block():
        records.await_one("block (test_watchdog.py")
        reactor.stop()

    reactor.call_soon(fork)
    reactor.run()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_callback_that_forks_and_then_hangs_is_told_while_it_hangs(reactor, records):
    def fork():
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
        records.await_one("fork (test_watchdog.py")
        reactor.stop()

    reactor.call_soon(fork)
    reactor.run()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_while_the_thread_is_busy_with_its_log_leaves_one_thread(reactor):
    class Blocked(logging.Handler):
        def emit(self, record):
            begun.set()
            go_on.wait(PATIENCE)

    def fork():
        begun.wait(PATIENCE)
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
        old, new = watchdogs()
        go_on.set()
        old.join(PATIENCE)
        assert watchdogs() == [new]
        reactor.stop()

    begun, go_on, handler = threading.Event(), threading.Event(), Blocked()
    logging.getLogger("reactor").addHandler(handler)
    try:
        reactor.call_soon(fork)
        reactor.run()
    finally:
        logging.getLogger("reactor").removeHandler(handler)


def test_who_was_seen_in_an_interrupted_run_is_not_blamed_in_the_next(reactor, records):
    def guilty():
        records.await_one("guilty (test_watchdog.py")
        raise KeyboardInterrupt

    reactor.call_soon(guilty)
    with pytest.raises(KeyboardInterrupt):
        reactor.run()
    deadline = time.monotonic() + PATIENCE
    while not reactor._lookout.sentry._asleep and time.monotonic() < deadline:
        time.sleep(0.001)
    reactor._lookout.sentry.rest()  # what comes now is not seen
    reactor._lookout.sentry._closed = True
    reactor.call_soon(time.sleep, 2 * QUICKLY)
    reactor.call_later(0, reactor.stop)
    reactor.run()
    assert "guilty" not in records.texts[-1]
    assert records.texts[-1].endswith(f"by {UNSEEN}")


def test_a_run_that_was_interrupted_is_not_told_as_stuck(reactor, records):
    """The look falls into a callback, the second glance behind the end of the run."""
    here, watchdog, bell = sys._getframe(), reactor._lookout.sentry, Bell()
    watchdog._where = lambda: (False, None)
    watchdog._tick_number = reactor.meter.ticks
    bell.put(True)
    watchdog._tell(reactor.meter, here, 1.0, bell)
    assert records.texts == []
    assert watchdog._told is None


def test_the_end_that_rings_in_a_second_glance_is_heard(reactor, records):
    watchdog, bell = reactor._lookout.sentry, Bell()
    watchdog._where = lambda: (True, sys._getframe())
    watchdog._tick_number = reactor.meter.ticks
    bell.put(False)
    watchdog._tell(reactor.meter, sys._getframe(), 1.0, bell)
    assert bell.get(block=False) is False


def test_the_lines_of_the_tick_itself_are_no_sleep(reactor):
    """A look that falls between two callbacks of a batch must not send the thread to sleep: the next may hang."""

    def tick():
        return watchdog._where()

    loop = Held()
    watchdog = Watchdog(loop, 1.0, sys._getframe().f_code, tick.__code__)
    watchdog._watched = threading.get_ident()
    assert tick() == (True, None)  # in a poll that does not wait: what comes behind it may hang
    loop.asleep = True
    assert tick() == (False, None)  # in one that does
    loop.asleep = False
    seen = []
    thread = threading.Thread(target=lambda: seen.append(watchdog._where()))
    thread.start()
    thread.join(PATIENCE)  # this frame, which stands for the tick, has called `join`: something of Python's
    assert seen[0][0] is True
    watchdog._watched = -1
    assert watchdog._where() == (False, None)  # it does not run


@pytest.mark.parametrize("schedule", ["call_soon", "call_later"])
def test_what_is_not_written_in_python_is_named_too(reactor, records, schedule):
    class Releasing(logging.Handler):
        def emit(self, record):
            if record.getMessage().startswith("lock.acquire has held the loop for ") and not told:
                told.append(record)
                lock.release()

    told, lock, handler = [], threading.Lock(), Releasing()
    lock.acquire()
    logging.getLogger("reactor").addHandler(handler)
    try:
        getattr(reactor, schedule)(*(0,) * (schedule == "call_later"), lock.acquire, True, PATIENCE)
        reactor.call_later(0, reactor.stop)
        reactor.run()
    finally:
        logging.getLogger("reactor").removeHandler(handler)
    assert told


def test_a_callback_of_a_future_is_named_and_not_the_future(reactor, records):
    def done(future):
        records.await_one("done (test_watchdog.py")
        reactor.stop()

    reactor.run_in_thread(int).add_done_callback(done)
    reactor.run()
    assert any("done (test_watchdog.py" in text.splitlines()[0] for text in records.texts)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="collections wait for the next instruction there")
def test_no_garbage_is_collected_while_stacks_are_read(reactor):
    """In CPython 3.11 a collection inside of `sys._current_frames` crashes or hangs the process."""
    seen = []
    watchdog = reactor._lookout.sentry
    real = sys._current_frames
    try:
        sys._current_frames = lambda: seen.append(gc.isenabled()) or real()
        watchdog._where()
        gc.disable()
        watchdog._where()
        assert not gc.isenabled()  # who had none before has none after
    finally:
        sys._current_frames = real
        gc.enable()
    watchdog._where()
    assert gc.isenabled()
    assert seen == [False, False]


def test_it_can_be_changed_while_the_loop_runs(reactor, records):
    def change():
        watch(reactor, 0)
        assert watchdogs() == []
        reactor.call_soon(time.sleep, 3 * QUICKLY)
        reactor.call_later(4 * QUICKLY, again)

    def again():
        assert records.texts == []
        watch(reactor, QUICKLY)
        reactor.call_soon(block)

    def block():
        records.await_one("block (test_watchdog.py")
        reactor.stop()

    reactor.call_soon(change)
    reactor.run()


def test_without_a_thread_to_be_had_that_is_told_once(reactor, records, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for _ in range(2):
        reactor.call_later(3 * QUICKLY, reactor.stop)
        reactor.run()
    assert records.told("nobody watches for callbacks that hold the loop: can't start new thread") == 1
