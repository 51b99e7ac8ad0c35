"""asyncio's timers on our loop: their order, what becomes of cancelled ones, and what debug mode says of them."""

from __future__ import annotations

import asyncio

import pytest

import reactor.aio
from reactor.aio.timers import MANY


@pytest.fixture
def loop():
    loop = reactor.aio.new_event_loop()
    yield loop
    loop.close()


@pytest.mark.parametrize("debug", [False, True])
def test_timers_come_by_time_and_ties_in_order_of_arrival(loop, debug):
    loop.set_debug(debug)
    said, now = [], loop.time()
    for name, when in (("third", now + 0.02), ("first", now + 0.01), ("second", now + 0.01)):
        loop.call_at(when, said.append, name)
    loop.call_later(0.015, said.append, "never").cancel()
    loop.call_at(now + 0.03, loop.stop)
    loop.run_forever()
    assert said == ["first", "second", "third"]


@pytest.mark.parametrize("debug", [False, True])
def test_a_timer_is_asyncios_and_tells_where_it_was_made(loop, debug):
    loop.set_debug(debug)
    for handle in (loop.call_later(60, print), loop.call_at(loop.time() + 60, print)):
        assert isinstance(handle, asyncio.TimerHandle)
        assert 59 < handle.when() - loop.time() <= 60
        if debug:
            assert handle._source_traceback[-1].filename == __file__
        handle.cancel()


def test_cancelled_ones_are_let_go_when_they_are_next_or_half_of_all(loop):
    queue = loop.guest.timers
    for _ in range(3):
        loop.call_later(60, print).cancel()
    assert (queue.first(), queue.heap, loop._timer_cancelled_count) == (None, [], 0)
    kept = loop.call_later(30, print)
    for _ in range(MANY + 1):
        loop.call_later(60, print).cancel()
    loop.run_until_complete(asyncio.sleep(0))
    assert [handle for _, _, handle in queue.heap] == [kept]
    assert loop._timer_cancelled_count == 0


def test_those_that_are_kept_come_by_time_after_a_sweep(loop):
    queue, now = loop.guest.timers, loop.time() + 60
    timers = [loop.call_at(now + number * 37 % 101, print) for number in range(2 * MANY)]
    kept = timers[::3]
    for timer in (*timers[1::3], *timers[2::3]):
        timer.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    assert len(queue.heap) == len(kept)
    kept[0].cancel()
    assert loop._timer_cancelled_count == 1, "it is counted: it is still there"
    due = [timer.when() for timer in queue.due(now + 101)]
    assert due == sorted(timer.when() for timer in kept[1:])


def test_what_runs_may_cancel_what_is_due_with_it(loop):
    said, now = [], loop.time()
    loop.call_at(now, lambda: second.cancel())
    second = loop.call_at(now, said.append, "never")
    loop.call_at(now + 0.01, loop.stop)
    loop.run_forever()
    assert (said, loop._timer_cancelled_count) == ([], 0)


@pytest.mark.parametrize("call", ["call_at", "call_later"])
def test_no_timer_without_a_time_or_a_loop(loop, call):
    with pytest.raises(TypeError):
        getattr(loop, call)(None, print)
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        getattr(loop, call)(1.0, print)
    assert loop.guest.timers.heap == []
