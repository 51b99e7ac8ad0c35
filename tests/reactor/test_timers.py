"""The heap of deadlines. Pure: time is a number."""

from __future__ import annotations

import random

import pytest

from reactor.timers import SWEEP_AT, Timer, TimerHeap


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


def fire_all(heap, now):
    for timer in heap.take_due(now):
        heap.fire(timer, now)


def test_due_timers_come_by_deadline_then_by_arrival(heap):
    fired = []
    for name, when in [("c", 3), ("a", 1), ("b", 2), ("a2", 1), ("later", 9)]:
        Timer(heap, when, fired.append, (name,))
    fire_all(heap, 5)
    assert fired == ["a", "a2", "b", "c"]
    assert len(heap) == 1
    assert heap.next_deadline() == 9


def test_a_timer_due_exactly_now_is_due(heap):
    Timer(heap, 5.0, print, ())
    assert heap.take_due(4.999) == []
    assert len(heap.take_due(5.0)) == 1


def test_the_next_deadline_looks_past_the_cancelled(heap):
    first = Timer(heap, 1, print, ())
    Timer(heap, 2, print, ())
    assert heap.next_deadline() == 1
    first.cancel()
    assert heap.next_deadline() == 2
    assert len(heap) == 1
    assert TimerHeap(heap.now).next_deadline() is None


def test_cancelling_twice_counts_once(heap):
    timer = Timer(heap, 1, print, ())
    Timer(heap, 2, print, ())
    timer.cancel()
    timer.cancel()
    assert len(heap) == 1


def test_cancelling_a_fired_timer_is_harmless(heap):
    timer = Timer(heap, 1, lambda: None, ())
    fire_all(heap, 1)
    timer.cancel()
    assert len(heap) == 0
    assert not timer.active


def test_reset_counts_from_now(heap, clock):
    timer = Timer(heap, 101, print, ())
    clock.now = 100.5
    timer.reset(10)
    assert timer.when == 110.5
    assert heap.next_deadline() == 110.5
    assert len(heap) == 1


def test_reset_revives_a_cancelled_timer(heap):
    fired = []
    timer = Timer(heap, 101, fired.append, (1,))
    timer.cancel()
    timer.reset(5)
    assert timer.active
    fire_all(heap, 105)
    assert fired == [1]


def test_what_is_armed_while_firing_waits_for_the_next_call(heap):
    fired = []

    def again():
        fired.append(1)
        Timer(heap, 0, again, ())

    Timer(heap, 0, again, ())
    fire_all(heap, 10)
    assert fired == [1]
    fire_all(heap, 10)
    assert fired == [1, 1]


def test_a_series_is_armed_again_even_where_it_raises(heap):
    def fails():
        raise KeyboardInterrupt

    series = Timer(heap, 10, fails, (), interval=10)
    (due,) = heap.take_due(10)
    with pytest.raises(KeyboardInterrupt):
        heap.fire(due, 10)
    assert series.active
    assert heap.next_deadline() == 20


@pytest.mark.parametrize(
    ("now", "following"), [(10, 20), (10.1, 20), (19.9, 20), (20, 30), (45, 50), (1e9 + 5, 1e9 + 10)]
)
def test_a_series_goes_on_at_the_next_point_of_its_grid(heap, now, following):
    series = Timer(heap, 10, lambda: None, (), interval=10)
    fire_all(heap, now)
    assert series.when == following


def test_a_series_cancelled_or_moved_in_its_own_callback(heap, clock):
    clock.now = 10
    ended = Timer(heap, 10, lambda: ended.cancel(), (), interval=10)
    moved = Timer(heap, 10, lambda: moved.reset(3), (), interval=10)
    fire_all(heap, 10)
    assert (ended.active, moved.active) == (False, True)
    assert heap.next_deadline() == 13
    assert len(heap) == 1


def test_clearing_disarms_everything(heap):
    timers = [Timer(heap, when, print, ()) for when in range(5)]
    heap.clear()
    assert len(heap) == 0
    assert heap.next_deadline() is None
    assert not any(timer.active for timer in timers)
    timers[0].cancel()
    timers[1].reset(1)
    assert len(heap) == 1


def test_empty_entries_are_swept(heap):
    timers = [Timer(heap, when, print, ()) for when in range(1000)]
    for timer in timers[:900]:
        timer.cancel()
    assert len(heap) == 100
    assert len(heap.entries) <= 2 * 100 + SWEEP_AT
    assert [timer.when for timer in heap.take_due(2000)] == list(range(900, 1000))


def test_a_swept_heap_is_a_heap(heap):
    rng = random.Random(3)
    timers = [Timer(heap, rng.random(), print, ()) for _ in range(1000)]
    for timer in rng.sample(timers, 800):
        timer.cancel()
    whens = [timer.when for timer in heap.take_due(2)]
    assert whens == sorted(whens)
    assert len(whens) == 200


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
            timers.append(Timer(heap, when, fired.append, (number,)))
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
            fire_all(heap, clock.now)
            assert fired == [number for _, number in expected]
            fired.clear()
            for _, number in expected:
                del armed[number]
        assert len(heap) == len(armed)
        assert heap.next_deadline() == min((when for when, _ in armed.values()), default=None)
        assert all(timer.active == (number in armed) for number, timer in enumerate(timers))


def test_a_timer_tells_its_state(heap):
    timer = Timer(heap, 5, print, ())
    assert repr(timer) == "<Timer print due at 5.000>"
    timer.cancel()
    assert repr(timer) == "<Timer print inactive>"
