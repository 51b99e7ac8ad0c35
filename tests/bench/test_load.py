"""The load generator: what it counts, and one real round of each kind of server."""

import argparse
import ast
import sys
from collections import Counter, deque
from pathlib import Path

import matrix
import paced
import pytest
import samples
from clients import LoadError
from paced import PacedExchange
from programs import PROGRAMS, present

BENCH = Path(matrix.__file__).parent
ROOT = BENCH.parent


class Wire(PacedExchange):
    """Connections without sockets: what comes is given."""

    def __init__(self, reply):
        super().__init__(("nowhere", 0), 1, 1.0, reply, reply, 1, burst=False)
        self.poller.close()
        self.got, self.asked, self.latencies = {7: 0}, {7: deque()}, Counter()

    def receive(self, fd):
        data = self.coming.pop(0)
        self.buffer[: len(data)] = data
        return len(data)


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr(paced, "perf_counter", lambda: Clock.now)
    return Clock


def test_the_latency_of_an_open_load_counts_from_the_time_it_was_due(clock):
    """A server that stands still for a second: a closed load would have asked, and so measured, only once."""
    wire = Wire(b"echo")
    wire.asked[7].extend(samples.due(100.0, number, 10.0) for number in range(10))
    clock.now, wire.coming = 101.0, [b"echo" * 10]
    wire.hear(7)
    assert [round(latency / 1e5) for latency in sorted(wire.latencies)] == list(range(1, 11))


def test_replies_are_told_apart_however_they_are_cut(clock):
    wire = Wire(b"echo")
    wire.asked[7].extend([100.0, 100.5, 100.9])
    clock.now, wire.coming = 101.0, [b"e", b"choec", b"hoech", b"o"]
    wire.hear(7)
    assert not wire.latencies
    wire.hear(7)
    assert list(wire.latencies) == [1_000_000]  # the oldest is the one that is answered
    wire.hear(7)
    wire.hear(7)
    assert wire.latencies.total() == 3
    assert wire.got[7] == 0


@pytest.mark.parametrize("data", [b"ecco", b"echoecho", b"hoec"], ids=["wrong", "more than asked", "shifted"])
def test_wrong_bytes_are_an_error_and_not_a_figure(clock, data):
    wire = Wire(b"echo")
    wire.asked[7].append(100.0)
    wire.coming = [data]
    with pytest.raises(LoadError):
        wire.hear(7)


def test_one_round_of_the_reactor_and_of_threads_and_a_server_that_fails(monkeypatch):
    monkeypatch.setitem(PROGRAMS["echo"], "broken", ("bench/arguments.py",))  # ends without listening
    load = matrix.Load("echo", "echo", 3, {"size": 100})
    found = matrix.measure(load, ["reactor", "broken", "threads"], 1, 0.05, sys.executable, lambda _: None)
    reactor, broken, threads = found
    for result in (reactor, threads):
        assert result["failures"] == 0
        assert result["rate"] > 0
        assert result["p50"] <= result["p99"] <= result["max"]
        assert result["cpu_per_message"] > 0
    assert threads["threads"] in (5, None)  # main, acceptor and one for each
    assert reactor["threads"] in (1, 2, None)  # the loop, and what watches over it
    assert broken["failures"] == 1
    assert "did not start" in broken["reason"]


def test_every_program_is_there_and_every_comparison_has_the_same_servers():
    for servers in PROGRAMS.values():
        for command in servers.values():
            assert (ROOT / command[0]).is_file(), command
    assert set(PROGRAMS["echo"]) <= set(PROGRAMS["lines"])
    assert set(PROGRAMS["echo"]) <= set(PROGRAMS["chat"])


def test_servers_whose_library_is_absent_take_no_part():
    options = argparse.Namespace(about={"libraries": {"uvloop": "1"}})
    names = ("reactor", "threads", "uvloop", "uvloop+join", "trio", "pyasyncore", "socketserver")
    assert present(names, options) == ["reactor", "threads", "uvloop", "uvloop+join", "socketserver"]


def test_the_benchmarks_need_nothing_but_the_standard_library():
    own = {path.stem for path in BENCH.glob("*.py")} | {"reactor", "protocols"}
    allowed = sys.stdlib_module_names | own
    for path in BENCH.glob("*.py"):
        tree = ast.parse(path.read_text())
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
        beside = {name.partition(".")[0] for name in names} - allowed
        assert beside <= ({"pytest"} if path.name == "test_bench.py" else {"uvloop"}), path.name
