"""The chat comparison and what it shares with cpu.py: goals, refusals, ratios. No server runs here."""

import argparse
import contextlib

import pytest

import chat
import cpu
from runs import contest
from runs.contest import Contender


def contender(name, p99, late=0.0, busy=0.5, load_busy=0.5):
    return Contender(name, None, None, [{"p50": p99 / 2, "p99": p99, "late": late, "busy": busy,
                                         "load_busy": load_busy}])  # fmt: skip


def latency(monkeypatch, *contenders):
    kept = {contender.name: list(contender.rounds) for contender in contenders}

    def alternate(contenders, *_):
        for contender in contenders:
            contender.rounds.extend(kept[contender.name])

    monkeypatch.setattr(chat, "seated", lambda *_, **__: contextlib.nullcontext(list(contenders)))
    monkeypatch.setattr(contest, "alternate", alternate)
    options = argparse.Namespace(rates=[50.0], rounds=1, seconds=1.0, members=1000)
    return chat.run_latency(options, lambda _: None)


THREADS, ASYNCIO = contender("threads", 0.080), contender("asyncio", 0.060)


def test_latencies_are_shown_with_how_late_their_lines_were_said(monkeypatch):
    found = latency(monkeypatch, contender("reactor", 0.020, late=0.0015), THREADS, ASYNCIO)
    assert dict(zip(found.headers, found.rows[0], strict=True)) == {
        "lines a second": "50", "server": "reactor",
        "p50 ms": "10.0", "p99 ms": "20.0", "said late p99 ms": "1.50", "core used": "50%",
        "load's": "50%",
    }  # fmt: skip
    assert [note.rpartition(", ")[2] for note in found.notes[:4]] == ["met"] * 4
    assert "process of their own" in found.notes[-1]


@pytest.mark.parametrize(
    "spoiled",
    [contender("reactor", 0.020, late=0.003), contender("reactor", 0.020, load_busy=0.99)],
    ids=["said late", "read late"],
)
def test_latencies_that_are_the_generators_own_are_refused_and_no_goal_is_judged_on_them(monkeypatch, spoiled):
    found = latency(monkeypatch, spoiled, THREADS, ASYNCIO)
    assert found.rows[0][2:4] == ["load-bound", "load-bound"]
    assert found.rows[1][2:4] == ["40.0", "80.0"]
    assert [note.rpartition(": ")[2] for note in found.notes[:4]] == ["not judged, the load generator was late"] * 4


def test_one_spoiled_rival_leaves_the_other_to_be_judged(monkeypatch):
    found = latency(monkeypatch, contender("reactor", 0.020), contender("threads", 0.080, late=0.5), ASYNCIO)
    assert ["not judged" in note for note in found.notes[:4]] == [True, True, False, False]
    assert found.notes[2].endswith("met")


def test_equal_is_met(monkeypatch):
    found = latency(monkeypatch, contender("reactor", 0.080), THREADS, ASYNCIO)
    assert [note.rpartition(", ")[2] for note in found.notes[:4]] == ["met", "met", "MISSED", "MISSED"]


def test_a_goal_is_met_up_to_its_limit_and_missed_above():
    assert [cpu.verdict("x", found, 1.0).rpartition(", ")[2] for found in (0.5, 1.0, 1.01)] == ["met", "met", "MISSED"]
    below = [cpu.verdict("x", found, 1.0, below=True).rpartition(", ")[2] for found in (0.99, 1.0)]
    assert below == ["met", "MISSED"]


def costing(name, *costs):
    return Contender(name, None, None, [{"cpu_per_message": cost} for cost in costs])


def test_a_ratio_is_of_the_first_to_the_second_and_the_median_of_the_rounds():
    dear, cheap = costing("dear", 6.0, 9.0, 40.0), costing("cheap", 3.0, 3.0, 4.0)
    assert contest.ratio(dear, cheap) == 3.0
    assert contest.ratio(cheap, dear) == pytest.approx(1 / 3)
    goal = cpu.Goal("dear", 0.5)
    assert cpu.judge(goal, {"reactor": cheap, "dear": dear}).endswith("met")
    assert cpu.judge(goal, {"reactor": dear, "dear": cheap}).endswith("MISSED")


def test_the_senders_are_never_more_than_the_members():
    assert chat.parse([]).senders == 100
    assert chat.parse(["--members=20"]).senders == 20
    assert chat.parse(["--rate=5000", "--rate=9000"]).rates == [5000, 9000]
    assert chat.parse([]).rates == [10, 50, 100]


@pytest.mark.parametrize("arguments", [["--members=1", "--senders=1"], ["--members=5", "--senders=6"], ["--room=9"]])
def test_rooms_in_which_that_cannot_be_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        chat.parse(arguments)
    assert capsys.readouterr().err.count("\n") == 1
