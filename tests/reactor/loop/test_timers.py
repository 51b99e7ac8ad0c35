"""The heap of deadlines. Pure: time is a number."""

from __future__ import annotations

import random
import weakref
from collections import deque

import pytest

from reactor.loop.timers import SWEEP_AT, TimerHeap


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def heap(clock):
    return TimerHeap(clock)


def test_due_timers_come_by_deadline_then_by_arrival(heap):
    fired = []
    for name, when in [("c", 3), ("a", 1), ("b", 2), ("a2", 1), ("later", 9)]:
        heap.arm(when, fired.append, (name,))
    heap.fire_due(5)
    assert fired == ["a", "a2", "b", "c"]
    assert len(heap) == 1
    assert heap.next_deadline() == 9


def test_a_timer_due_exactly_now_is_due(heap):
    fired = []
    heap.arm(5.0, fired.append, (1,))
    heap.fire_due(4.999)
    assert fired == []
    heap.fire_due(5.0)
    assert fired == [1]


def test_the_next_deadline_looks_past_the_cancelled(heap):
    first = heap.arm(1, print, ())
    heap.arm(2, print, ())
    assert heap.next_deadline() == 1
    first.cancel()
    assert heap.next_deadline() == 2
    assert len(heap) == 1
    assert TimerHeap(heap.now).next_deadline() is None


def test_cancelling_twice_counts_once(heap):
    timer = heap.arm(1, print, ())
    heap.arm(2, print, ())
    timer.cancel()
    timer.cancel()
    assert len(heap) == 1


def test_cancelling_a_fired_timer_is_harmless(heap):
    timer = heap.arm(1, lambda: None, ())
    heap.fire_due(1)
    timer.cancel()
    assert len(heap) == 0
    assert not timer.active


def test_reset_counts_from_now(heap, clock):
    timer = heap.arm(101, print, ())
    clock.now = 100.5
    timer.reset(10)
    assert timer.when == 110.5
    assert heap.next_deadline() == 110.5
    assert len(heap) == 1


def test_reset_revives_a_cancelled_timer(heap):
    fired = []
    timer = heap.arm(101, fired.append, (1,))
    timer.cancel()
    timer.reset(5)
    assert timer.active
    heap.fire_due(105)
    assert fired == [1]


def test_what_is_armed_while_firing_waits_for_the_next_call(heap):
    fired = []

    def again():
        fired.append(1)
        heap.arm(0, again, ())

    heap.arm(0, again, ())
    heap.fire_due(10)
    assert fired == [1]
    heap.fire_due(10)
    assert fired == [1, 1]


def test_a_series_is_armed_again_even_where_it_raises(heap):
    def fails():
        raise KeyboardInterrupt

    series = heap.arm(10, fails, (), interval=10)
    with pytest.raises(KeyboardInterrupt):
        heap.fire_due(10)
    assert series.active
    assert heap.next_deadline() == 20


@pytest.mark.parametrize(
    ("now", "following"), [(10, 20), (10.1, 20), (19.9, 20), (20, 30), (45, 50), (1e9 + 5, 1e9 + 10)]
)
def test_a_series_goes_on_at_the_next_point_of_its_grid(heap, now, following):
    series = heap.arm(10, lambda: None, (), interval=10)
    heap.fire_due(now)
    assert series.when == following


def test_a_series_cancelled_or_moved_in_its_own_callback(heap, clock):
    clock.now = 10
    ended = heap.arm(10, lambda: ended.cancel(), (), interval=10)
    moved = heap.arm(10, lambda: moved.reset(3), (), interval=10)
    heap.fire_due(10)
    assert (ended.active, moved.active) == (False, True)
    assert heap.next_deadline() == 13
    assert len(heap) == 1


def test_clearing_disarms_everything(heap):
    timers = [heap.arm(when, print, ()) for when in range(5)]
    heap.clear()
    assert len(heap) == 0
    assert heap.next_deadline() is None
    assert not any(timer.active for timer in timers)
    timers[0].cancel()
    timers[1].reset(1)
    assert len(heap) == 1


def test_stale_keys_are_swept_when_the_next_timer_is_armed(heap):
    fired = []
    timers = [heap.arm(when, fired.append, (when,)) for when in range(1000)]
    for timer in timers[:900]:
        timer.cancel()
    assert len(heap) == 100
    heap.arm(1000, fired.append, (1000,))
    assert len(heap.entries) <= 2 * 101 + SWEEP_AT
    heap.fire_due(2000)
    assert fired == list(range(900, 1001))


def test_a_swept_heap_is_a_heap(heap):
    rng = random.Random(3)
    fired = []
    whens = [rng.random() for _ in range(1000)]
    timers = [heap.arm(when, fired.append, (when,)) for when in whens]
    for timer in rng.sample(timers, 800):
        timer.cancel()
    heap.arm(1.0, fired.append, (1.0,))
    assert len(heap.entries) == 201
    heap.fire_due(2)
    assert len(fired) == 201
    assert fired == sorted(fired)


@pytest.mark.parametrize("standing", [0, 1, 100, 5000])
@pytest.mark.parametrize("behind", [0, 1, 50])
def test_the_heap_stays_flat_however_many_come_and_go(heap, standing, behind):
    """Cancelled at once, or when `behind` others have come: never more stale keys than timers and the least sweep."""
    for when in range(standing):
        heap.arm(500 + when, print, ())
    alive = deque(heap.arm(1, print, ()) for _ in range(behind))
    for number in range(10_000):
        alive.append(heap.arm(2 + number, print, ()))
        alive.popleft().cancel()
        assert len(heap) == standing + behind
        assert len(heap.entries) <= 2 * (standing + behind + 1) + SWEEP_AT


def test_any_number_of_resets_keeps_the_heap_flat(heap):
    timer = heap.arm(1, print, ())
    for delay in range(10_000):
        timer.reset(delay)
        assert len(heap) == 1
        assert len(heap.entries) <= 2 + SWEEP_AT


@pytest.mark.parametrize("then", ["nothing", "the end"])
def test_a_cancelled_timer_is_let_go_at_once(heap, no_gc, then):
    """Neither the heap nor a cycle holds it, or what it would have called, until its key surfaces."""

    class Owner:
        def callback(self, owner):
            raise AssertionError

    owner = Owner()
    alive = weakref.ref(owner)
    timer = heap.arm(1000, owner.callback, (owner,))
    heap.arm(1, print, ())
    timer.cancel()
    if then == "the end":
        heap.clear()
    del timer, owner
    assert alive() is None


def test_a_fired_timer_is_let_go_at_once(heap, no_gc):
    class Owner:
        def callback(self, owner):
            pass

    owner = Owner()
    alive = weakref.ref(owner)
    heap.arm(1, owner.callback, (owner,))
    heap.fire_due(1)
    del owner
    assert alive() is None


def test_what_a_callback_cancels_or_moves_in_its_batch_does_not_fire(heap, clock):
    fired = []

    def first():
        fired.append("first")
        cancelled.cancel()
        moved.reset(5)
        earlier.reset(-50)

    heap.arm(1, first, ())
    cancelled = heap.arm(2, fired.append, ("cancelled",))
    moved = heap.arm(3, fired.append, ("moved",))
    earlier = heap.arm(4, fired.append, ("earlier",))
    heap.arm(5, fired.append, ("last",))
    heap.fire_due(10)
    assert fired == ["first", "last"]
    assert [cancelled.active, moved.active, earlier.active] == [False, True, True]
    heap.fire_due(200)
    assert fired == ["first", "last", "earlier", "moved"]


@pytest.mark.loud
def test_an_exception_is_logged_and_the_batch_goes_on(heap, caplog):
    fired = []
    failing = heap.arm(1, int, ("no number",))
    heap.arm(2, fired.append, ("after",))
    heap.fire_due(10)
    assert fired == ["after"]
    assert not failing.active
    (record,) = caplog.records
    assert "exception in timer <Timer int inactive>" in record.getMessage()
    assert record.exc_info[0] is ValueError


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_the_rest_of_the_batch_armed_and_in_order(heap, kind):
    fired = []

    def interrupted():
        fired.append("interrupted")
        late.cancel()
        raise kind

    heap.arm(1, fired.append, ("before",))
    heap.arm(2, interrupted, ())
    rest = [heap.arm(2, fired.append, (name,)) for name in ("a", "b", "c")]
    late = heap.arm(3, fired.append, ("late",))
    with pytest.raises(kind):
        heap.fire_due(10)
    assert fired == ["before", "interrupted"]
    assert all(timer.active for timer in rest)
    assert heap.next_deadline() == 2
    assert len(heap) == 3
    heap.arm(2, fired.append, ("newcomer",))
    heap.fire_due(10)
    assert fired[2:] == ["a", "b", "c", "newcomer"]


@pytest.mark.parametrize("arm", ["new", "cancelled", "armed"])
def test_a_deadline_that_is_no_number_is_refused_and_changes_nothing(heap, arm):
    timer = heap.arm(5, print, ())
    if arm == "cancelled":
        timer.cancel()
    with pytest.raises(ValueError, match="nan"):
        heap.arm(float("nan"), print, ()) if arm == "new" else timer.reset(float("nan"))
    assert heap.next_deadline() == (None if arm == "cancelled" else 5)
    assert timer.when == 5
    assert timer.active == (arm != "cancelled")


@pytest.mark.parametrize("seed", range(10))
def test_any_mix_of_arming_cancelling_and_moving(heap, clock, seed):
    """Against a dict that is searched: what is armed, and in which order it comes."""
    rng = random.Random(seed)
    armed, arrival, timers, fired = {}, 0, [], []
    for _ in range(2000):
        act = rng.choice(["new", "cancel", "reset", "reset", "tick"])
        if act == "new" or not timers:
            number = len(timers)
            when = clock.now + rng.choice([0, 1, 1, 5, 50])
            timers.append(heap.arm(when, fired.append, (number,)))
            arrival += 1
            armed[number] = (when, arrival)
        elif act == "cancel":
            number = rng.randrange(len(timers))
            timers[number].cancel()
            armed.pop(number, None)
        elif act == "reset":
            number = rng.randrange(len(timers))
            delay = rng.choice([0, 1, 7])
            timers[number].reset(delay)
            arrival += 1
            armed[number] = (clock.now + delay, arrival)
        else:
            clock.now += rng.choice([0, 0.5, 3])
            expected = sorted((key, number) for number, key in armed.items() if key[0] <= clock.now)
            heap.fire_due(clock.now)
            assert fired == [number for _, number in expected]
            fired.clear()
            for _, number in expected:
                del armed[number]
        assert len(heap) == len(armed)
        assert heap.next_deadline() == min((when for when, _ in armed.values()), default=None)
        if act in ("cancel", "tick"):  # what else there is makes none inactive
            assert all(timer.active == (number in armed) for number, timer in enumerate(timers))


def test_a_series_tells_its_interval_and_its_next_deadline(heap):
    seen = []
    series = heap.arm(10, lambda: seen.append((series.when, series.active)), (), 10)
    heap.fire_due(25)
    assert seen == [(30, True)]
    assert series.interval == 10
    assert heap.arm(1, print, ()).interval is None


def test_a_timer_tells_its_state(heap):
    timer = heap.arm(5, print, ())
    assert repr(timer) == "<Timer print due at 5.000>"
    timer.cancel()
    assert repr(timer) == "<Timer print inactive>"


@pytest.mark.parametrize("when", [None, "soon", [1]])
def test_what_is_no_number_is_refused_and_leaves_nothing_behind(stage, when):
    called = []
    stage.reactor.call_later(1, called.append, 1)
    with pytest.raises(TypeError, match="takes seconds"):
        stage.reactor.call_at(when, called.append, 2)
    stage.reactor.call_at(float("inf"), called.append, 3)
    stage.reactor.advance(2)
    assert called == [1]
