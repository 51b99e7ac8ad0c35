"""The histogram of the last minute: pure, so every number in it is known."""

from __future__ import annotations

import pytest

from reactor.loop.lag import BUCKETS, QUICK, SLOT, SLOTS, Lag, LagWindow, bound, bucket


def test_a_loop_that_has_done_nothing():
    assert LagWindow(5.0).summary(5.0, rounds=0, busy=0.0) == Lag()


def test_quick_rounds_are_one_bucket():
    assert LagWindow(0.0).summary(10.0, rounds=1000, busy=0.01) == Lag(p50=QUICK, p99=QUICK, max=QUICK, busy=0.001)


@pytest.mark.parametrize("seconds", [QUICK * 1.0001, 0.001, 0.0123, 0.1, 1.0, 59.0, 500.0])
def test_a_bucket_holds_what_is_at_most_19_percent_below_its_bound(seconds):
    number = bucket(seconds)
    assert 0 <= number < BUCKETS
    assert seconds <= bound(number) <= seconds * 1.19


def test_whatever_is_longer_than_all_buckets_is_in_the_last():
    window = LagWindow(0.0)
    window.record(1e9)
    assert bucket(1e9) == BUCKETS - 1
    assert window.summary(1.0, rounds=1, busy=0.0).max == 1e9


def test_quantiles_count_the_quick_rounds_too():
    window = LagWindow(0.0)
    for _ in range(20):
        window.record(0.010)
    window.record(0.5)
    window.record(0.010)
    lag = window.summary(1.0, rounds=1000, busy=0.7)
    assert (lag.p50, lag.max, lag.busy) == (QUICK, 0.5, 0.7)
    assert 0.010 <= lag.p99 <= 0.0119  # 22 of 1000 are slow, so the 990th is one of the 20
    assert window.summary(1.0, rounds=30, busy=0.7).p50 == lag.p99
    assert window.summary(1.0, rounds=3000, busy=0.7).p99 == QUICK


def test_a_bound_is_never_above_the_longest_seen():
    window = LagWindow(0.0)
    window.record(0.1)
    assert window.summary(1.0, rounds=1, busy=0.1).p50 == 0.1


def test_after_a_minute_a_stall_is_forgotten():
    window = LagWindow(0.0)
    window.record(3.0)
    for second in range(1, 60):
        window.turn(float(second), rounds=second, busy=3.0)
        assert window.summary(float(second), rounds=second, busy=3.0).max == 3.0
    window.turn(61.0, rounds=61, busy=3.0)
    assert window.summary(61.0, rounds=61, busy=3.0).max == QUICK


def test_the_slots_are_bounded():
    window = LagWindow(0.0)
    for turn in range(1000):
        window.turn(turn * SLOT, rounds=turn, busy=0.0)
        window.record(0.01)
    assert len(window._slots) == SLOTS


def test_a_busy_loop_is_busy_all_the_time():
    window = LagWindow(0.0)
    for second in range(1, 301):
        window.turn(float(second), rounds=second, busy=float(second))
        assert window.summary(float(second), rounds=second, busy=float(second)).busy == pytest.approx(1.0, abs=0.01)


def test_a_loop_that_slept_for_long_was_not_busy():
    window = LagWindow(0.0)
    window.turn(3600.0, rounds=50, busy=2.0)
    lag = window.summary(3600.5, rounds=60, busy=2.4)
    assert lag.busy == pytest.approx(0.4 / 60)
    assert lag.p99 == QUICK


def test_half_busy_for_the_last_half_minute():
    window = LagWindow(0.0)
    for second in range(1, 121):
        busy = max(0.0, second - 90) / 2
        window.turn(float(second), rounds=second, busy=busy)
    assert window.summary(120.0, rounds=120, busy=15.0).busy == pytest.approx(0.25, abs=0.03)


def test_rounds_before_the_minute_do_not_water_down_the_lag():
    window = LagWindow(0.0)
    for second in range(1, 200):
        window.turn(float(second), rounds=second * 1000, busy=0.0)
    window.turn(300.0, rounds=200_000, busy=0.0)
    for _ in range(60):
        window.record(0.5)
    lag = window.summary(301.0, rounds=200_100, busy=0.0)
    assert (lag.p50, lag.p99, lag.max) == (0.5, 0.5, 0.5)  # 60 of 100


def test_business_before_the_minute_is_over():
    window = LagWindow(0.0)
    for second in range(1, 201):
        busy = min(second, 100) / 2
        window.turn(float(second), rounds=second, busy=busy)
    assert window.summary(200.0, rounds=200, busy=50.0).busy == 0.0


def test_a_share_is_never_more_than_all():
    """Seconds that are added up come out longer than the time that they were taken from."""
    busy = 0.1 + 0.1 + 0.1
    assert busy > 0.3
    assert LagWindow(0.0).summary(0.3, rounds=3, busy=busy).busy == 1.0
