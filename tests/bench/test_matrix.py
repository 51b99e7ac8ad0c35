"""What one server's rounds come to, and how an interpreter is asked. Figures are given; no server runs here."""

import subprocess
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from runs import matrix, procs
from runs.contest import Contender
from runs.matrix import Load, Seat


def round_(**about):
    usual = {"rate": 100.0, "p50": 0.001, "p99": 0.002, "max": 0.003, "cpu_per_message": 1e-5, "busy": 0.5,
             "load_busy": 0.5, "late": None}  # fmt: skip
    return usual | about


def result(*rounds, fresh=10 << 20, **options):
    server = SimpleNamespace(memory=lambda: 30 << 20, threads=lambda: 1)
    seat = Seat("reactor", ExitStack(), Contender("reactor", server, None, list(rounds)), fresh)
    return matrix.result(Load("echo", "echo", 1024, options), seat)


def test_figures_are_medians_of_the_rounds_but_the_longest_is_that_of_all():
    found = result(*(round_(rate=rate, max=longest) for rate, longest in ((100.0, 0.9), (300.0, 0.1), (200.0, 0.2))))
    assert (found["rate"], found["max"]) == (200.0, 0.9)


def test_memory_for_each_is_what_the_clients_added():
    found = result(round_())
    assert (found["memory"], found["memory_each"]) == (30 << 20, 20 << 10)


@pytest.mark.parametrize(("late", "busy", "bound"), [(0.005, 0.1, True), (0.0005, 1.0, True), (0.0005, 0.5, False)])
def test_an_open_load_must_be_at_its_times_and_have_time_left(late, busy, bound):
    found = result(round_(late=late, load_busy=busy), rate=1000.0)
    assert found["bound"] is bound
    assert found["late"] == late


def test_a_closed_load_is_judged_by_how_busy_it_is():
    assert [result(round_(load_busy=busy))["bound"] for busy in (0.5, 1.0)] == [False, True]


@pytest.mark.parametrize(("built", "slow"), [("'--enable-optimizations'", False), ("", True), (None, False)])
def test_a_version_says_where_an_interpreter_was_built_slow(built, slow):
    about = {"python": "CPython 3.11.7", "built": built, "libraries": {}}
    assert ("built without" in procs.versions(about)) is slow


def test_this_interpreter_tells_how_it_was_built():
    assert "built" in procs.interpreter()


@pytest.mark.parametrize(("status", "said"), [(0, ""), (0, "nonsense"), (1, "")])
def test_what_is_no_python_is_said_to_be_none(monkeypatch, status, said):
    def run(command, **_):
        if status:
            raise subprocess.CalledProcessError(status, command)
        return SimpleNamespace(stdout=said)

    monkeypatch.setattr(procs.subprocess, "run", run)
    with pytest.raises(procs.BenchError, match=r"^thing is no Python that can be asked for its version$"):
        procs.interpreter("thing")
