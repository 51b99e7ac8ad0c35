"""The wheel of coarse deadlines. Pure: time is a number."""

from __future__ import annotations

import random

import pytest

from reactor.loop.deadlines import FINENESS, DeadlineWheel, round_up


class Watched:
    """Looked at when its slot comes; answers with its real deadline until that has come."""

    def __init__(self, deadline, then=None):
        self._slot = None
        self.deadline = deadline
        self.then = then
        self.looks = []

    def _on_deadline(self, now):
        self.looks.append(now)
        if now < self.deadline:
            return self.deadline
        self.deadline = float("inf") if self.then is None else now + self.then
        return None if self.then is None else self.deadline


class Alarm:
    """What the loop does for a wheel: expires it when the time it asked for has come."""

    def __init__(self):
        self.at = None
        self.wheel = DeadlineWheel(self.set)

    def set(self, when):
        self.at = when

    def run(self, until):
        while self.at is not None and self.at <= until:
            now, self.at = self.at, None
            self.wheel.expire(now)


@pytest.fixture
def alarm():
    return Alarm()


@pytest.mark.parametrize("now", [0.0, 1000.0, 12345.678])
def test_rounding_is_never_early_and_at_most_a_32nd_late(now):
    rng = random.Random(1)
    for _ in range(2000):
        wait = 10 ** rng.uniform(-3, 5)
        slot = round_up(now, now + wait)
        assert now + wait <= slot <= now + wait + wait / 2**FINENESS + 1e-9


def test_rounding_shares_slots():
    slots = {round_up(0.0, 300 + number / 1000) for number in range(10_000)}
    assert len(slots) <= 4


def test_the_past_is_not_rounded():
    assert round_up(100.0, 99.3) == 99.3
    assert round_up(100.0, 100.0) == 100.0


def test_a_deadline_is_looked_at_when_it_has_come(alarm):
    watched = Watched(10.0)
    alarm.wheel.arm(watched, 0.0, 10.0)
    assert len(alarm.wheel) == 1
    alarm.run(9.9)
    assert watched.looks == []
    alarm.run(10.4)
    assert len(watched.looks) == 1
    assert (len(alarm.wheel), watched._slot) == (0, None)
    assert alarm.at is None


def test_a_moved_deadline_is_looked_at_again(alarm):
    watched = Watched(10.0)
    alarm.wheel.arm(watched, 0.0, 10.0)
    watched.deadline = 25.0
    alarm.run(1000)
    assert len(watched.looks) == 2
    assert 25.0 <= watched.looks[-1] <= 25.5


def test_an_earlier_look_stays_and_a_later_one_is_replaced(alarm):
    watched = Watched(10.0)
    alarm.wheel.arm(watched, 0.0, 100.0)
    alarm.wheel.arm(watched, 0.0, 10.0)
    alarm.wheel.arm(watched, 0.0, 50.0)
    assert len(alarm.wheel) == 1
    assert 10.0 <= watched._slot <= 10.4
    alarm.run(10.4)
    assert len(watched.looks) == 1


def test_the_alarm_is_set_for_the_earliest(alarm):
    late, early = Watched(100.0), Watched(10.0)
    alarm.wheel.arm(late, 0.0, 100.0)
    alarm.wheel.arm(early, 0.0, 10.0)
    alarm.run(11)
    assert early.looks
    assert not late.looks
    alarm.run(105)
    assert late.looks


def test_what_is_disarmed_is_forgotten_at_once(alarm):
    watched, other = Watched(10.0), Watched(10.0)
    alarm.wheel.arm(watched, 0.0, 10.0)
    alarm.wheel.arm(other, 0.0, 10.0)
    alarm.wheel.disarm(watched)
    alarm.wheel.disarm(watched)
    assert len(alarm.wheel) == 1
    alarm.wheel.disarm(other)
    assert alarm.wheel._slots == {}
    alarm.run(100)
    assert watched.looks == other.looks == []


def test_after_a_disarmed_early_one_the_later_one_still_comes(alarm):
    early, late = Watched(10.0), Watched(20.0)
    alarm.wheel.arm(early, 0.0, 10.0)
    alarm.wheel.disarm(early)
    alarm.wheel.arm(late, 0.0, 20.0)
    alarm.run(21)
    assert len(late.looks) == 1


def test_a_look_may_disarm_a_neighbour_of_the_same_slot(alarm):
    class Murderer(Watched):
        def _on_deadline(self, now):
            self.looks.append(now)
            for other in pair:
                alarm.wheel.disarm(other)

    pair = [Murderer(10.0), Murderer(10.0)]
    for watched in pair:
        alarm.wheel.arm(watched, 0.0, 10.0)
    alarm.run(11)
    assert len(alarm.wheel) == 0


def test_a_look_may_arm_others(alarm):
    class Parent(Watched):
        def _on_deadline(self, now):
            self.looks.append(now)
            alarm.wheel.arm(child, now, now + 1)

    child, parent = Watched(11.0), Parent(10.0)
    alarm.wheel.arm(parent, 0.0, 10.0)
    alarm.run(12)
    assert child.looks


def test_the_wheel_survives_an_interrupt(alarm):
    class Interrupted(Watched):
        def _on_deadline(self, now):
            raise KeyboardInterrupt

    later, new = Watched(20.0), Watched(15.0)
    alarm.wheel.arm(Interrupted(10.0), 0.0, 10.0)
    alarm.wheel.arm(later, 0.0, 20.0)
    with pytest.raises(KeyboardInterrupt):
        alarm.run(11)
    alarm.wheel.arm(new, 11.0, 15.0)
    alarm.run(25)
    assert new.looks
    assert later.looks


@pytest.mark.parametrize("seed", range(10))
def test_any_mix_is_looked_at_in_time_and_never_early(alarm, seed):
    rng = random.Random(seed)
    everyone, now = [], 0.0
    for _ in range(500):
        now += rng.choice([0, 0.1, 3])
        alarm.run(now)
        if rng.random() < 0.5:
            wait = rng.choice([0.5, 10, 300])
            watched = Watched(now + wait)
            watched.latest = now + wait * (1 + 2**-FINENESS) + 1e-6
            everyone.append(watched)
            alarm.wheel.arm(watched, now, watched.deadline)
        elif everyone and rng.random() < 0.3:
            gone = rng.choice(everyone)
            alarm.wheel.disarm(gone)
            everyone.remove(gone)
    real = {watched: watched.deadline for watched in everyone}
    alarm.run(now + 1000)
    assert len(alarm.wheel) == 0
    for watched, deadline in real.items():
        assert len(watched.looks) == 1
        assert watched.looks[0] <= watched.latest
        assert deadline == float("inf") or watched.looks[0] >= deadline


def test_whoever_is_looked_at_may_end_others_whose_look_is_due(alarm):
    """A log handler may, that is told of the end of the first."""

    class Ends(Watched):
        def _on_deadline(self, now):
            alarm.wheel.disarm(other)
            return super()._on_deadline(now)

    other, last = Watched(20.0), Watched(30.0)
    for watched in (Ends(10.0), other, last):
        alarm.wheel.arm(watched, 0.0, watched.deadline)
    alarm.wheel.expire(40.0)
    assert (other.looks, last.looks, len(alarm.wheel)) == ([], [40.0], 0)
