"""Workers on one port, and a storm of newcomers: measured shortly, simulated, drawn."""

import argparse
import doctest
import random
import sys

import pytest

import scaling
import storm


def test_who_is_in_is_asked_while_others_come(monkeypatch, capsys):
    monkeypatch.setattr(storm, "NEWCOMERS", 20)
    monkeypatch.setattr(storm, "NAMES", ("reactor",))
    monkeypatch.setattr(storm, "QUIET", 0.1)
    storm.run(argparse.Namespace(python=sys.executable, rounds=1, markdown=True))
    assert "- goal: nobody who is in waits longer than 20 ms: " in capsys.readouterr().out


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
