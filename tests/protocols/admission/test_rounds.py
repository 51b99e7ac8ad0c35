"""A share of a round: steps, seconds, and the round itself, whichever comes first."""

from __future__ import annotations

from types import SimpleNamespace

from protocols.admission.rounds import ROUND_TIME, Share


def shares(*, now=100.0, begun=100.0, later=0.0):
    """Steps that are taken of a share of three steps and 2 ms, where each takes `later` seconds."""
    clock = SimpleNamespace(now=begun, at=now)
    clock.time = lambda: clock.at
    share, steps = Share(clock, 0.002, 3), 1
    clock.at += later
    while not share.is_used_up():
        steps += 1
        clock.at += later
    return steps


def test_steps_are_counted():
    assert shares() == 3


def test_time_is_over_before_the_steps():
    assert shares(later=0.0015) == 2


def test_who_comes_late_in_a_round_has_one_step():
    assert shares(now=100.0 + ROUND_TIME, begun=100.0) == 1
