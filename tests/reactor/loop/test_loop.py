"""The tick and the calls of the loop. Time is given; nothing here waits for it."""

from __future__ import annotations

import gc
import logging
import socket
import threading
import time
from concurrent.futures import Future
from itertools import pairwise

import pytest

from reactor import Protocol, Reactor, ReactorClosed, ReactorError
from reactor.loop.kernel import default_poller
from reactor.loop.poller import READ
from reactor.testing import MemoryReactor, Recorder, SteppedReactor


def tracebacks(caplog):
    return [record for record in caplog.records if record.levelno >= logging.ERROR and record.exc_info]


@pytest.fixture
def reactor():
    with SteppedReactor() as reactor:
        yield reactor


# -- one tick ----------------------------------------------------------------------------------------------------


def test_the_steps_of_a_tick_come_in_order(stage):
    """I/O, timers, soon, flush, reap: seen by what each can see of the one before."""
    order = []

    class Noted:
        def __init__(self, sock):
            self.sock = sock

        def __getattr__(self, name):
            return getattr(self.sock, name)

        def send(self, data):
            order.append("flush")
            return self.sock.send(data)

    class Marks(Recorder):
        def data_received(self, data):
            order.append("I/O")
            stage.reactor.call_soon(order.append, "soon")
            self.transport.write(b"reply")
            leaver.transport.abort()

        def connection_lost(self, exc):
            order.append("reap")

    marks, leaver = Marks(), Marks()
    peer, transport = stage.connect(marks)
    stage.connect(leaver)
    transport._sock = Noted(transport._sock)
    stage.reactor.call_soon(order.append, "soon, posted first")
    stage.reactor.call_later(0, order.append, "timer")
    peer.sendall(b"x")
    stage.reactor._tick()
    assert order == ["I/O", "timer", "soon, posted first", "soon", "flush", "reap"]


def test_soon_runs_in_order_and_what_it_adds_waits_a_tick(reactor):
    ran = []

    def again(name):
        ran.append(name)
        if len(ran) < 10:
            reactor.call_soon(again, name)

    reactor.call_soon(again, "a")
    reactor.call_soon(again, "b")
    reactor._tick()
    assert ran == ["a", "b"]
    reactor._tick()
    assert ran == ["a", "b", "a", "b"]


def test_a_round_runs_what_both_queues_held_and_no_more(reactor):
    """The loop's own calls come first, then those of threads; what either adds to either waits for the next round."""
    ran = []

    def again(name):
        ran.append(name)
        reactor.call_soon(ran.append, f"{name}, then soon")
        reactor.call_soon_threadsafe(ran.append, f"{name}, then posted")

    reactor.call_soon_threadsafe(again, "posted")
    reactor.call_soon(again, "soon")
    reactor._tick()
    assert ran == ["soon", "posted"]
    assert reactor.meter.calls == 2
    reactor._tick()
    assert ran[2:] == ["soon, then soon", "posted, then soon", "soon, then posted", "posted, then posted"]


def test_a_call_soon_chain_does_not_starve_io(stage):
    protocol = Recorder()
    peer, _ = stage.connect(protocol)
    ticks = []

    def spin():
        ticks.append(1)
        if not protocol.data and len(ticks) < 100:
            stage.reactor.call_soon(spin)

    peer.sendall(b"x")
    stage.reactor.call_soon(spin)
    stage.reactor.settle()
    assert len(ticks) <= 2


@pytest.mark.loud
def test_an_exception_in_a_call_is_logged_once_and_the_rest_runs(reactor, caplog):
    ran = []
    reactor.call_soon(ran.append, 1)
    reactor.call_soon(lambda: 1 / 0)
    reactor.call_soon_threadsafe(lambda: [][0])
    reactor.call_later(0, lambda: {}["x"])
    reactor.call_later(0, ran.append, 2)
    reactor.call_soon(ran.append, 3)
    reactor.settle()
    assert sorted(ran) == [1, 2, 3]
    kinds = [record.exc_info[0] for record in tracebacks(caplog)]
    assert sorted(kinds, key=str) == sorted([ZeroDivisionError, IndexError, KeyError], key=str)


def test_a_waiting_loop_costs_no_ticks():
    """With nothing to do the poll has no deadline but the hourly look."""
    waits = []

    class Watching:
        def __init__(self):
            self.poller = default_poller()
            self.register, self.unregister = self.poller.register, self.poller.unregister
            self.modify, self.close, self.tell = self.poller.modify, self.poller.close, self.poller.tell

        def poll(self, timeout):
            waits.append(timeout)
            if len(waits) == 3:
                reactor.stop()
            return []

    reactor = Reactor(poller=Watching(), clock=lambda: 100.0)
    reactor.call_at(160.0, print)
    reactor.run()
    assert waits == [60.0, 60.0, 60.0]
    waits.clear()
    reactor.call_soon(str)
    reactor.run()
    assert waits == [0, 60.0, 60.0]
    reactor.timers.clear()
    waits.clear()
    reactor.run()
    assert waits == [3600.0] * 3
    reactor.close()


def test_the_clock_is_asked_behind_a_wait_and_behind_the_work():
    """A round that does not wait begins when the one before it ended: it asks the clock once instead of twice."""
    now, seen = [0.0], []

    def clock():
        now[0] += 1
        return now[0]

    def work(left):
        seen.append((reactor.now, now[0]))
        reactor.call_soon(work, left - 1) if left else reactor.stop()

    with Reactor(clock=clock) as reactor:
        reactor.call_soon(work, 3)
        reactor.run()
    begun = [begin for begin, _ in seen]
    assert all(begin == asked for begin, asked in seen)  # nobody has asked since the round began
    assert [later - earlier for earlier, later in pairwise(begun)] == [1, 1, 1]


def test_a_timer_runs_in_the_round_whose_wait_has_brought_it_due():
    now, waits = [0.0], []

    def poll(timeout):
        waits.append(timeout)
        now[0] += timeout
        return []

    with Reactor(clock=lambda: now[0]) as reactor:
        reactor.poller.poll = poll
        reactor.call_later(60, reactor.stop)
        reactor.run()
    assert waits == [60.0]


def test_a_posted_call_is_not_slept_over_after_an_interrupt(stage):
    """The wake-up's byte is taken in the I/O step; Ctrl-C in that very step must not lose the call behind it."""

    class Interrupted(Recorder):
        def data_received(self, data):
            raise KeyboardInterrupt

    waits = []
    peer, _ = stage.connect(Interrupted())
    ran = []
    stage.reactor.call_soon_threadsafe(ran.append, "posted")
    peer.sendall(b"x")
    with pytest.raises(KeyboardInterrupt):
        stage.reactor._tick()
    poll = stage.reactor.poller.poll
    stage.reactor.poller.poll = lambda timeout: waits.append(timeout) or poll(timeout)
    stage.reactor._tick()
    assert (ran, waits) == (["posted"], [0])


# -- calls from other threads ------------------------------------------------------------------------------------


def test_another_thread_wakes_the_loop():
    with Reactor() as reactor:
        ran = []

        def note(number):
            ran.append((number, threading.get_ident()))

        def work():
            for number in range(100):
                reactor.call_soon_threadsafe(note, number)
            reactor.call_soon_threadsafe(reactor.stop)

        thread = threading.Thread(target=work)
        reactor.call_soon(thread.start)
        reactor.run()  # without a deadline: only the wake-up ends it
        thread.join()
        assert [number for number, _ in ran] == list(range(100))
        assert {who for _, who in ran} == {threading.get_ident()}


def test_a_thousand_posts_are_one_wake_up_or_many_and_none_is_lost(reactor):
    ran = []
    for number in range(100_000):  # far more wake-ups than the socket pair holds
        reactor.call_soon_threadsafe(ran.append, number)
    reactor.settle()
    assert ran == list(range(100_000))


def test_posting_to_a_closed_reactor_says_so(reactor):
    reactor.close()
    with pytest.raises(ReactorClosed):
        reactor.call_soon_threadsafe(print)


# -- running -----------------------------------------------------------------------------------------------------


def test_stop_ends_run_after_the_tick_and_run_works_again(reactor):
    ran = []
    for round_number in range(3):
        reactor.call_soon(reactor.stop)
        reactor.call_soon(ran.append, round_number)
        reactor.run()
        assert ran[-1] == round_number
    assert len(ran) == 3


def test_a_stepped_reactor_goes_on_after_stop(reactor):
    ran = []
    reactor.stop()
    reactor.settle()
    reactor.call_later(5, ran.append, 1)
    reactor.advance(5)
    assert ran == [1]


def test_run_until_gives_the_result(reactor):
    future = Future()
    reactor.call_later(3, future.set_result, "done")
    before = reactor.time()
    assert reactor.run_until(future) == "done"
    assert reactor.time() - before == pytest.approx(3)
    assert reactor.run_until(future) == "done"


def test_run_until_raises_what_the_future_holds(reactor):
    future = Future()
    reactor.call_soon(future.set_exception, KeyError("x"))
    with pytest.raises(KeyError):
        reactor.run_until(future)


def test_run_until_a_future_of_another_thread(request):
    with Reactor() as reactor:
        future = Future()
        thread = threading.Thread(target=future.set_result, args=(7,))
        reactor.call_soon(thread.start)
        assert reactor.run_until(future) == 7
        thread.join()


def test_a_timeout_of_run_until_leaves_all_usable(reactor):
    future = Future()
    for _ in range(2):
        before = reactor.time()
        with pytest.raises(TimeoutError, match="5"):
            reactor.run_until(future, timeout=5)
        assert reactor.time() - before == pytest.approx(5)
    assert not future.done()
    reactor.call_later(1, future.set_result, "late")
    assert reactor.run_until(future, timeout=5) == "late"
    assert reactor.stats()["timers"] == 0
    ran = []
    reactor.call_later(100, reactor.stop)
    reactor.call_later(99, ran.append, 1)
    reactor.run()
    assert ran == [1]


def test_a_stopped_run_until_says_so(reactor):
    reactor.call_soon(reactor.stop)
    with pytest.raises(ReactorError, match="stopped before"):
        reactor.run_until(Future(), timeout=5)
    assert reactor.stats()["timers"] == 0


@pytest.mark.loud
@pytest.mark.parametrize("way", ["run", "run_until"])
def test_a_callback_must_not_wait_for_its_own_loop(reactor, caplog, way):
    def wait():
        reactor.run() if way == "run" else reactor.run_until(Future(), timeout=5)

    reactor.call_soon(wait)
    reactor.call_later(1000, reactor.stop)
    before = reactor.time()
    reactor.run()
    (record,) = tracebacks(caplog)
    assert isinstance(record.exc_info[1], ReactorError)
    assert "running already" in str(record.exc_info[1])
    assert reactor.time() - before == pytest.approx(1000)  # nor does its timeout stop the loop that refused it


def test_an_interrupted_run_until_leaves_no_timer(reactor):
    def interrupt():
        raise KeyboardInterrupt

    reactor.call_soon(interrupt)
    with pytest.raises(KeyboardInterrupt):
        reactor.run_until(Future(), timeout=5)
    reactor.call_later(100, reactor.stop)
    before = reactor.time()
    reactor.run()
    assert reactor.time() - before == pytest.approx(100)


def test_a_loop_that_was_interrupted_in_its_poll_sleeps_no_more():
    """Who asks is the watchdog, and whoever writes: another thread may not, while the loop sleeps."""

    def poll(timeout):
        assert reactor.asleep
        raise KeyboardInterrupt

    with Reactor() as reactor:
        reactor.poller.poll = poll
        with pytest.raises(KeyboardInterrupt):
            reactor.run()
        assert not reactor.asleep


def test_ctrl_c_leaves_the_loop_usable(stage):
    """KeyboardInterrupt from any step: what waited for the later steps is done by the next run."""
    done = []

    class Written(Recorder):
        def connection_lost(self, exc):
            done.append("lost")

    leaver = Written()
    peer, transport = stage.connect(Recorder())
    stage.connect(leaver)

    def interrupt():
        raise KeyboardInterrupt

    stage.reactor.call_later(1, interrupt)
    stage.reactor.call_later(1, done.append, "timer due in the same tick")
    series = stage.reactor.call_every(1, done.append, "series")
    transport.write(b"written before")
    leaver.transport.abort()
    stage.reactor.call_soon(interrupt)
    stage.reactor.call_soon(done.append, "soon after it")
    with pytest.raises(KeyboardInterrupt):
        stage.reactor.settle()
    assert done == []
    assert stage.received(peer) == b"written before"
    assert done == ["soon after it", "lost"]
    with pytest.raises(KeyboardInterrupt):
        stage.reactor.advance(1)
    stage.reactor.settle()
    assert sorted(done[2:]) == ["series", "timer due in the same tick"]
    assert series.active


# -- timers on the loop ------------------------------------------------------------------------------------------


def test_timers_fire_by_deadline_and_ties_in_order_of_arrival(reactor):
    fired = []
    now = reactor.time()
    reactor.call_at(now + 2, fired.append, "c")
    reactor.call_later(1, fired.append, "a")
    reactor.call_later(1, fired.append, "b")
    reactor.call_at(now + 2, fired.append, "d")
    reactor.call_at(now - 5, fired.append, "overdue")
    reactor.advance(3)
    assert fired == ["overdue", "a", "b", "c", "d"]


def test_a_deadline_must_be_a_number(reactor):
    timer = reactor.call_later(1, print)
    for arm in (lambda nan: reactor.call_later(nan, print), lambda nan: reactor.call_at(nan, print), timer.reset):
        with pytest.raises(ValueError, match="nan"):
            arm(float("nan"))


def test_a_series_keeps_its_grid(reactor):
    times = []
    start = reactor.time()
    series = reactor.call_every(0.1, lambda: times.append(reactor.time()))
    reactor.advance(20.05)
    assert len(times) == 200
    for number, when in enumerate(times, 1):
        assert when - start == pytest.approx(number * 0.1, abs=1e-9)
    series.cancel()
    reactor.advance(10)
    assert len(times) == 200


def test_a_late_series_skips_instead_of_bursting(reactor):
    times = []
    start = reactor.time()

    def slow():
        times.append(reactor.time() - start)
        if len(times) == 2:
            reactor._fake.advance(35)  # a callback that takes 35 s

    reactor.call_every(10, slow)
    reactor.advance(100)
    assert times[0] == 10
    assert times[1] == 20
    assert times[2] in {55, 60}  # once for all the missed points
    assert times[3:] == [when for when in (60, 70, 80, 90, 100, 110, 120, 130) if when > times[2]][: len(times) - 3]


@pytest.mark.loud
def test_an_exception_in_a_series_does_not_end_it(reactor, caplog):
    ran = []

    def fails():
        ran.append(1)
        raise ValueError

    reactor.call_every(1, fails)
    reactor.advance(3)
    assert len(ran) == 3
    assert len(tracebacks(caplog)) == 3


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
def test_a_series_needs_a_positive_interval(reactor, interval):
    with pytest.raises(ValueError, match="positive"):
        reactor.call_every(interval, print)


def test_a_timer_may_be_cancelled_or_moved_by_the_one_before_it(reactor):
    fired = []
    reactor.call_later(1, lambda: (second.cancel(), third.reset(5)))
    second = reactor.call_later(1, fired.append, 2)
    third = reactor.call_later(1, fired.append, 3)
    fourth = reactor.call_later(1, fired.append, 4)
    reactor.advance(1)
    assert fired == [4]
    assert (second.active, third.active, fourth.active) == (False, True, False)
    reactor.advance(5)
    assert fired == [4, 3]


def test_a_fired_timer_can_be_armed_again(reactor):
    fired = []
    timer = reactor.call_later(1, lambda: fired.append(reactor.time()))
    reactor.advance(1)
    assert not timer.active
    timer.reset(2)
    assert timer.active
    assert timer.when == reactor.time() + 2
    reactor.advance(2)
    assert len(fired) == 2


def test_a_timer_that_resets_itself_is_a_series_of_its_own(reactor):
    fired = []

    def again():
        fired.append(reactor.time())
        timer.reset(2)

    timer = reactor.call_later(1, again)
    reactor.advance(10)
    assert len(fired) == 5


def test_resetting_a_series_starts_a_new_grid(reactor):
    fired = []
    start = reactor.time()
    series = reactor.call_every(10, lambda: fired.append(reactor.time() - start))
    reactor.advance(14)
    series.reset(3)
    reactor.advance(20)
    assert fired == [10, 17, 27]


def test_a_hundred_thousand_resets_take_no_memory(reactor):
    timer = reactor.call_later(1000, print)
    other = reactor.call_later(2000, print)
    for number in range(100_000):
        timer.reset(1000 + number % 7)
    assert len(reactor.timers.entries) < 1000
    assert reactor.stats()["timers"] == 2
    timer.cancel()
    other.cancel()
    assert reactor.stats()["timers"] == 0


# -- work in threads ---------------------------------------------------------------------------------------------


def test_a_job_runs_elsewhere_and_completes_here():
    with Reactor() as reactor:
        future = reactor.run_in_thread(lambda a, b: (a + b, threading.get_ident()), 1, 2)
        finished_in = []
        future.add_done_callback(lambda _: finished_in.append(threading.get_ident()))
        total, worker = reactor.run_until(future, timeout=5)
        assert total == 3
        assert worker != threading.get_ident()
        assert finished_in == [threading.get_ident()]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_what_a_job_raises_is_in_its_future(error):
    def fail():
        raise error("no")

    with Reactor() as reactor, pytest.raises(error, match="no"):
        reactor.run_until(reactor.run_in_thread(fail), timeout=5)


def test_a_job_that_waits_for_a_thread_can_be_cancelled():
    go, started, ran = threading.Event(), threading.Semaphore(0), []

    def wait():
        started.release()
        go.wait()

    with Reactor() as reactor:
        busy = [reactor.run_in_thread(wait) for _ in range(16)]
        for _ in busy:
            assert started.acquire(timeout=5)
        queued = [reactor.run_in_thread(ran.append, number) for number in range(3)]
        assert queued[1].cancel()
        assert not busy[0].cancel()
        go.set()
        for future in (*busy, queued[0], queued[2]):
            reactor.run_until(future, timeout=5)
        assert sorted(ran) == [0, 2]


def test_closing_while_jobs_run_and_wait(monkeypatch):
    complaints = []
    monkeypatch.setattr(threading, "excepthook", lambda info: complaints.append(info.exc_value))
    go, started, ran = threading.Event(), threading.Semaphore(0), []

    def wait():
        started.release()
        go.wait()

    reactor = Reactor()
    futures = [reactor.run_in_thread(wait) for _ in range(16)]
    for _ in futures:
        assert started.acquire(timeout=5)
    futures += [reactor.run_in_thread(ran.append, number) for number in range(10)]
    before = set(threading.enumerate())
    reactor.close()
    for future in futures:
        assert isinstance(future.exception(timeout=0), ReactorClosed)
    go.set()
    for thread in before:
        if thread.name.startswith("reactor-worker"):
            thread.join(5)
    assert complaints == []
    assert ran == []


def test_a_job_on_a_closed_reactor_is_refused(reactor):
    reactor.close()
    with pytest.raises(ReactorClosed):
        reactor.run_in_thread(print)


# -- closing -----------------------------------------------------------------------------------------------------


def test_a_closed_reactor_is_refused_clearly(reactor):
    reactor.close()
    reactor.close()
    for call in (
        reactor.run,
        lambda: reactor.run_until(Future()),
        lambda: reactor.add_reader(0, print),
        lambda: reactor.listen_tcp(Protocol, "127.0.0.1", 0),
        lambda: reactor.connect_tcp(Protocol, "127.0.0.1", 1),
        lambda: reactor.add_signal_handler(2, print),
    ):
        with pytest.raises(ReactorClosed):
            call()


@pytest.mark.loud
def test_a_running_reactor_refuses_to_be_closed(reactor, caplog):
    reactor.call_soon(reactor.close)
    reactor.call_later(1, reactor.stop)
    reactor.run()
    (record,) = tracebacks(caplog)
    assert isinstance(record.exc_info[1], ReactorError)
    assert not reactor.closed


def test_a_protocol_that_reconnects_as_the_reactor_closes_leaks_nothing(caplog):
    """`connection_lost` that connects again is the commonest of clients."""
    lives = []

    class Stubborn(Protocol):
        def connection_made(self, transport):
            lives.append(1)

        def connection_lost(self, exc):
            try:
                reactor.connect_tcp(Stubborn, "127.0.0.1", listener.port)
            except ReactorClosed:
                pass

    reactor = SteppedReactor()
    listener = reactor.listen_tcp(Protocol, "127.0.0.1", 0)
    reactor.connect_tcp(Stubborn, "127.0.0.1", listener.port)
    reactor.settle()
    reactor.close()
    gc.collect()
    assert lives == [1]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_closing_fails_what_was_promised(reactor):
    future = reactor.promise()
    reactor.close()
    assert isinstance(future.exception(timeout=0), ReactorClosed)


def test_the_context_manager_closes():
    with SteppedReactor() as reactor:
        listener = reactor.listen_tcp(Protocol, "127.0.0.1", 0)
    assert reactor.closed
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.addresses[0])


def test_stats_count(stage):
    stage.serve(Recorder)
    stage.reactor.call_later(5, print)
    stats = stage.reactor.stats()
    assert stats["timers"] == 1
    assert stats["listeners"] == 1
    assert stats["connections"] == 0
    assert stats["ticks"] >= 0


def test_the_clock_is_monotonic_by_default():
    with Reactor() as reactor:
        assert abs(reactor.time() - time.monotonic()) < 5
        assert reactor.poller.register
        assert READ == 1


@pytest.mark.parametrize("seconds", [0.1, 20.0, 57.0, 61.0, 300.0])
def test_a_stall_belongs_to_the_minute_in_which_it_ends(seconds):
    """However long it was: the worst of them must not be the one that nobody sees."""
    reactor = MemoryReactor()
    clock = reactor.world.clock
    reactor.call_every(1.0, int)
    reactor.advance(7.0)
    reactor.call_soon(clock.advance, seconds)
    reactor.settle()
    assert reactor.stats().lag_max == pytest.approx(seconds)
    reactor.advance(50.0)
    assert reactor.stats().lag_max == pytest.approx(seconds)
    assert reactor.stats().lag_p50 < 0.001
    reactor.advance(20.0)
    assert reactor.stats().lag_max < 0.001
    reactor.close()


def test_a_round_that_begins_a_slot_is_counted_in_it():
    reactor = MemoryReactor()

    def stall():
        reactor.world.clock.advance(0.5)
        reactor.stop()

    reactor.call_later(100.0, stall)  # the first round after a long sleep
    reactor.run()
    stats = reactor.stats()
    assert (stats.lag_p50, stats.lag_p99, stats.lag_max) == (0.5, 0.5, 0.5)  # it is the only one of its minute
    reactor.close()
