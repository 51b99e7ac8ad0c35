"""The runner of mutants: which changes it makes, in which order, and where it looks for who should notice."""

from __future__ import annotations

import ast
import json

import pytest

from tests import mutants

SOURCE = '''
"""A docstring of 5 words."""
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import x
LIMIT: int = 64
class A:
    def f(self, n=3):
        if n < LIMIT and self.ok:
            self.g("é", n)
        self.total += n
        return self.g(n)
'''


@pytest.fixture
def changes(tmp_path):
    (tmp_path / "a.py").write_text(SOURCE)
    return [*mutants.mutants(tmp_path, ["a.py"])]


def test_each_kind_of_change_is_made_where_it_may_matter(changes):
    assert [f"{m.kind}: {m.old} -> {m.new}" for m in changes] == [
        "constant: 64 -> 65",
        "constant: 3 -> 4",
        "negated: n < LIMIT and self.ok -> (not (n < LIMIT and self.ok))",
        "and/or: n < LIMIT and self.ok -> ((n < LIMIT) or (self.ok))",
        "compared: n < LIMIT -> (n <= LIMIT)",
        'dropped: self.g("é", n) -> pass',
        "dropped: self.total += n -> pass",
        "gives None: self.g(n) -> None",
    ]


def test_a_changed_file_is_still_python_and_differs_in_one_place(changes):
    source = SOURCE.encode()
    for change in changes:
        changed = change.apply(source)
        ast.parse(changed)
        assert changed.replace(change.new.encode(), change.old.encode(), 1) == source or change.new in SOURCE


def test_a_sample_is_the_same_for_the_same_seed(capsys):
    def sample(seed):
        assert mutants.main(["reactor/limits.py", "reactor/loop", "--list", "--sample", "20", "--seed", seed]) == 0
        return capsys.readouterr().out

    assert sample("1") == sample("1") != sample("2")
    assert sample("1").count("\n") == 20


def test_the_nearest_tests_are_those_named_after_the_file_and_those_that_import_it(tmp_path):
    for name, text in {
        "tests/reactor/loop/test_timers.py": "",
        "tests/protocols/test_timers.py": "",
        "tests/bench/test_case.py": "from reactor.loop.timers import TimerHeap",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = mutants.nearest(tmp_path, "reactor/loop/timers.py")
    assert found == ["tests/reactor/loop/test_timers.py", "tests/bench/test_case.py"]


def test_of_the_tests_that_run_a_line_the_nearest_and_shortest_come_first(tmp_path):
    kept = {
        "tests": [
            ["tests/b.py::slow", 3.0],
            ["tests/b.py::quick", 0.1],
            ["tests/a.py::near", 2.0],
            ["tests/c.py::no", 1],
        ],
        "lines": {"reactor/a.py:7": [0, 1, 2], "reactor/a.py:8": [3]},
    }
    (tmp_path / "kept").write_text(json.dumps(kept))
    lines = mutants.Lines([str(tmp_path / "kept")])
    change = mutants.Mutant("reactor/a.py", 7, "dropped", 0, 0, "", "pass")
    found = lines.tests(change, ["tests/a.py"])
    assert found == (["tests/a.py::near", "tests/b.py::quick", "tests/b.py::slow"], pytest.approx(5.1))


@pytest.mark.patience(300)  # starts nine programs, and one of them never ends
def test_a_change_is_noticed_by_a_failing_test_and_by_a_loop_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(mutants, "LEAST", 0.0)
    monkeypatch.setattr(mutants, "PATIENCE", 4.0)  # times what it takes here, however slow this machine is
    (tmp_path / "reactor").mkdir()
    (tmp_path / "tests/reactor").mkdir(parents=True)
    source = "from .b import zero\ndef f(n):\n    while n > zero():\n        n -= 1\n    return n + 0 * 7\n"
    (tmp_path / "reactor/a.py").write_text(source)
    (tmp_path / "reactor/b.py").write_text("import time\ndef zero(): return time.sleep(0.01) or 0\n")  # does not spin
    (tmp_path / "tests/reactor/test_a.py").write_text(
        "import sys; sys.path.insert(0, '.')\nfrom reactor.a import f\ndef test_f(): assert f(3) == 0\n"
    )
    (tmp_path / "reactor/__init__.py").write_text("")
    monkeypatch.setattr(
        mutants,
        "copied",
        lambda root: ["reactor/__init__.py", "reactor/a.py", "reactor/b.py", "tests/reactor/test_a.py"],
    )
    bench = mutants.Bench(tmp_path, 1)
    try:
        kinds = [m for m in mutants.mutants(tmp_path, ["reactor/a.py"]) if m.kind != "constant" or m.old == "7"]
        verdicts = {str(m): bench.judge(m) for m in kinds}
    finally:
        bench.close()
    noticed = {text.partition(" ")[2]: verdict.by.partition(" ")[0] for text, verdict in verdicts.items()}
    assert noticed == {
        "compared: n > zero()  ->  (n >= zero())": "FAILED",
        "dropped: n -= 1  ->  pass": "time",
        "constant: 7  ->  8": "",
    }
