"""Workers on one port, and a storm of newcomers: measured shortly, simulated, drawn."""

import argparse
import doctest
import random
import sys

import pytest

import scaling
import storm
from runs import cores


def test_who_is_in_is_asked_while_others_come(monkeypatch, capsys):
    monkeypatch.setattr(storm, "NEWCOMERS", 20)
    monkeypatch.setattr(storm, "NAMES", ("reactor", "bare"))
    monkeypatch.setattr(storm, "QUIET", 0.1)
    storm.run(argparse.Namespace(python=sys.executable, rounds=1, markdown=True))
    said = capsys.readouterr().out
    assert "- goal: nobody who is in waits longer than 20 ms, but for a core: " in said
    assert "- floor: " in said


def storms(*waits):
    return storm.Storm([storm.Wait(1.0, 0.0, 0.0)] * 2, [storm.Wait(*wait) for wait in waits], 0.01)


def test_a_storm_is_judged_by_the_longest_wait_less_what_the_server_waited_for_a_core():
    """Which need not be the longest in all; and what it did not get a core for is shown."""
    found = {"reactor": [storms((40.0, 1.0, 35.0), (15.0, 1.0, 2.0))] * 3}
    found["bare"] = [storms((3.0, 1.0, 0.0), (2.0, 1.0, 0.0))]
    assert storm.notes(found)[:2] == [
        "goal: nobody who is in waits longer than 20 ms, but for a core: 13.0 ms, met",
        "floor: 3.00 ms in bare Python",
    ]
    found["reactor"][1:] = [storms((21.0, 1.0, 0.0), (2.0, 1.0, 0.0))] * 2
    assert storm.notes(found)[0].endswith(": 21.0 ms, MISSED")
    assert len(storm.row("reactor", found["reactor"])) == len(storm.HEADS)


def test_the_thread_that_answers_is_the_one_that_got_a_core_most_often(monkeypatch):
    monkeypatch.setattr(cores, "turns", lambda pid: {"1": 900, "2": 40, "3": 7})
    assert cores.busiest(7, {"1": 890, "2": 10}) == "2"
    monkeypatch.setattr(cores, "turns", lambda pid: {})
    assert cores.busiest(7, {}) is None


def test_workers_are_measured_and_drawn(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(scaling, "CONNECTIONS", 4)
    monkeypatch.setattr(scaling, "TIMES", {"echo": 3, "HTTP": 3})
    monkeypatch.setattr(scaling, "TRIALS", 2)
    options = argparse.Namespace(
        cases=["echo", "HTTP"], python=sys.executable, rounds=1, markdown=True, svg=tmp_path, json=None
    )
    scaling.run(options)
    said = capsys.readouterr().out
    assert "| HTTP " in said
    assert "one queue: 1.00" in said
    assert {path.name for path in tmp_path.iterdir()} == {"rate.svg", "spread.svg"}


def test_the_fullest_worker_has_more_than_its_share_the_fewer_the_more():
    dice = random.Random(1)
    few, many = scaling.fullest(8, 5, dice), scaling.fullest(8, 500, dice)
    assert few > many > 1
    assert many == pytest.approx(1.0, abs=0.2)


def test_doctests():
    assert not doctest.testmod(scaling).failed
    assert not doctest.testmod(cores).failed
