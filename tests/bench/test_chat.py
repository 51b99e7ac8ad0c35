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


THREADS, ASYNCIO, BARE = contender("threads", 0.080), contender("asyncio", 0.060), contender("bare", 0.015)


def about_goals(found):
    """The sentences that judge."""
    return [note for note in found.notes if note.startswith("goal: ")]


def test_latencies_are_shown_with_how_late_their_lines_were_said(monkeypatch):
    found = latency(monkeypatch, contender("reactor", 0.020, late=0.0015), THREADS, ASYNCIO, BARE)
    assert dict(zip(found.headers, found.rows[0], strict=True)) == {
        "lines a second": "50", "server": "reactor",
        "p50 ms": "10.0", "p99 ms": "20.0", "said late p99 ms": "1.50", "core used": "50%",
        "load's": "50%",
    }  # fmt: skip
    assert [note.rpartition(", ")[2] for note in about_goals(found)] == ["met"] * 4
    floors = [note for note in found.notes if note.startswith("floor: ")]
    assert floors == ["floor: 0.188 of threads in bare Python"] * 2 + ["floor: 0.250 of asyncio in bare Python"] * 2
    assert "process of their own" in found.notes[-1]


@pytest.mark.parametrize(("rate", "seconds"), [(10.0, 3.0), (30.0, 1.0), (100.0, 1.0)])
def test_a_round_has_lines_enough_for_a_median(monkeypatch, rate, seconds):
    lengths = []

    def alternate(contenders, rounds, seconds, *_):
        lengths.append(seconds)
        for contender in contenders:
            contender.rounds.extend(THREADS.rounds)

    crowd = [contender(name, 1.0) for name in ("reactor", "threads", "bare")]
    monkeypatch.setattr(chat, "seated", lambda *_, **__: contextlib.nullcontext(crowd))
    monkeypatch.setattr(contest, "alternate", alternate)
    chat.run_latency(argparse.Namespace(rates=[rate], rounds=1, seconds=1.0, members=1000), lambda _: None)
    assert lengths == [seconds]


@pytest.mark.parametrize(
    "spoiled",
    [contender("reactor", 0.020, late=0.003), contender("reactor", 0.020, load_busy=0.99)],
    ids=["said late", "read late"],
)
def test_latencies_that_are_the_generators_own_are_refused_and_no_goal_is_judged_on_them(monkeypatch, spoiled):
    found = latency(monkeypatch, spoiled, THREADS, ASYNCIO, BARE)
    assert found.rows[0][2:4] == ["load-bound", "load-bound"]
    assert found.rows[1][2:4] == ["40.0", "80.0"]
    assert [note.rpartition(": ")[2] for note in about_goals(found)] == ["not judged, the load generator was late"] * 4


def test_one_spoiled_rival_leaves_the_other_to_be_judged(monkeypatch):
    found = latency(monkeypatch, contender("reactor", 0.020), contender("threads", 0.080, late=0.5), ASYNCIO, BARE)
    assert ["not judged" in note for note in about_goals(found)] == [True, True, False, False]
    assert found.notes[2].endswith("met")


def test_equal_is_met(monkeypatch):
    found = latency(monkeypatch, contender("reactor", 0.080), THREADS, ASYNCIO, BARE)
    assert [note.rpartition(", ")[2] for note in about_goals(found)] == ["met", "met", "MISSED", "MISSED"]


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
