"""The load generator: what it counts, and one real round of each kind of server."""

import argparse
import ast
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from load import load
from load.churn import TlsChurn
from runs import matrix, procs
from servers.programs import CHAT_OPTIONS, PROGRAMS, present

BENCH = Path(matrix.__file__).parents[1]
ROOT = BENCH.parent


def told(**about):
    """What a process of the load says of its round."""
    usual = {"messages": 5, "bytes": 50, "seconds": 1.0, "load_busy": 0.4, "late": None, "latencies": {"7": 5}}
    return SimpleNamespace(begin=lambda seconds: None, finish=lambda: usual | about)


def test_the_rounds_of_several_processes_are_added_up_and_the_worst_of_them_is_told():
    several = object.__new__(load.Several)
    several.loads = [told(late=0.001, load_busy=0.9), told(late=0.004), told(late=None, seconds=1.5)]
    done, busy = several.run(1.0)
    assert (done.messages, done.bytes, done.seconds) == (15, 150, 1.5)
    assert done.latencies == {7: 15}
    assert done.late == 0.004
    assert busy == 0.9
    several.loads = [told(), told()]
    assert several.run(1.0)[0].late is None  # a closed load has no times


def test_how_busy_a_load_was_leaves_out_the_time_in_which_it_looked_at_the_clock(monkeypatch):
    times = iter([10.0, 10.9])
    monkeypatch.setattr(load, "process_time", lambda: next(times))
    single = object.__new__(load.Single)
    single.crowd = SimpleNamespace(spun=0.6, run=lambda seconds: load.Round(1, 1, 1.0, {}))
    assert single.run(1.0)[1] == pytest.approx(0.3)


@pytest.fixture
def run(monkeypatch, capsys):
    """load.py in this process, where what it does instead of measuring is given; its status and its line."""
    monkeypatch.setattr(load.procs, "exits_cleanly", contextlib.nullcontext)  # pytest keeps its signals

    def run(rounds, *arguments):
        monkeypatch.setattr(load, "rounds", rounds)
        status = load.run(load.parse(["echo", "--port=1", *arguments]))
        return status, json.loads(capsys.readouterr().out)

    return run


def test_the_error_of_an_unknown_host_names_it(run):
    def rounds(options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert run(rounds, "--host=nowhere") == (1, {"error": "nowhere: Name or service not known"})


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_where_nothing_can_be_written_there_is_one_line_on_stderr():
    with open("/dev/full", "w") as full:
        command = [sys.executable, str(BENCH / "load" / "load.py"), "echo", "--port=1", "--timeout=1"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("load.py: cannot write the result: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [
    ("echo", "--rate=10", "--burst"), ("udp", "--rate=10"), ("chat", "--connections=2", "--senders=3"),
])  # fmt: skip
def test_options_that_make_no_sense_together_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        load.parse([*arguments, "--port=1"])
    assert capsys.readouterr().err.count("\n") == 1


def test_one_round_of_the_reactor_and_of_threads_and_a_server_that_fails(monkeypatch):
    monkeypatch.setitem(PROGRAMS["echo"], "broken", ("bench/runs/arguments.py",))  # ends without listening
    echoes = matrix.Load("echo", "echo", 3, {"size": 100})
    found = matrix.measure(echoes, ["reactor", "broken", "threads"], 1, 0.05, sys.executable, lambda _: None)
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


def test_those_who_come_and_go_over_tls_resume_a_session():
    with procs.Server("tls", list(PROGRAMS["tls"]["reactor"])) as server:
        crowd = TlsChurn(server.address, 3, 10.0, b"x" * 100)
        crowd.settle()
        assert crowd.resumed == 0, "nobody had a session"
        done = crowd.run(0.1)
        crowd.close()
    assert done.messages == crowd.resumed > 0


def test_every_program_is_there_and_every_comparison_has_the_same_servers():
    for servers in PROGRAMS.values():
        for command in servers.values():
            assert (ROOT / command[0]).is_file(), command
    assert set(PROGRAMS["echo"]) <= set(PROGRAMS["lines"])
    assert set(PROGRAMS["echo"]) - {"bare", "contract", "promises"} <= set(PROGRAMS["chat"])


def test_no_folder_has_more_than_17_programs_and_no_file_more_than_400_lines():
    folders = [BENCH, *(path for path in BENCH.rglob("*") if path.is_dir())]
    assert [folder.name for folder in folders if len({*folder.glob("*.py")} - {folder / "__init__.py"}) > 17] == []
    assert [path.name for path in BENCH.rglob("*.py") if len(path.read_text().splitlines()) > 400] == []


def test_what_the_readme_names_is_there():
    text = (BENCH / "README.md").read_text()
    named = re.findall(r"bench/[\w/]+\.py", text)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert [name for name in re.findall(r"\]\(([\w./]+)\)", text) if not (BENCH / name).exists()] == []


def test_servers_whose_library_is_absent_take_no_part():
    options = argparse.Namespace(about={"libraries": {"uvloop": "1"}})
    names = ("reactor", "threads", "uvloop", "uvloop+join", "trio", "pyasyncore", "socketserver")
    assert present(names, options) == ["reactor", "threads", "uvloop", "uvloop+join", "socketserver"]


def test_the_benchmarks_need_nothing_but_the_standard_library():
    own = {path.stem for path in BENCH.glob("*") if path.is_dir() or path.suffix == ".py"} | {"reactor", "protocols"}
    allowed = sys.stdlib_module_names | own
    for path in {*BENCH.rglob("*.py")} - {*(BENCH / "peers").rglob("*.py")}:
        tree = ast.parse(path.read_text())
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
        beside = {name.partition(".")[0] for name in names} - allowed
        assert beside <= ({"pytest"} if path.name == "test_bench.py" else {"uvloop", "redis"}), path.name


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="Linux's")
def test_a_load_that_spins_leaves_a_core_to_whoever_wants_it():
    script = "import os; from load import load; load.give_way(); print(os.sched_getscheduler(0) == os.SCHED_IDLE)"
    done = subprocess.run([sys.executable, "-c", script], cwd=load.procs.BENCH, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_those_who_are_measured_have_a_process_of_their_own():
    with (
        procs.Server("chat", ["examples/chat_server.py", *CHAT_OPTIONS]) as server,
        procs.Load("chat", server.address, connections=12, senders=3, size=40, rate=40) as load,
    ):
        load.ready()
        first, second = load.round(0.3), load.round(0.5, rate=100)
    assert (first["messages"], second["messages"]) == (12 * 11, 50 * 11), "every line has come to everybody"
    heard = sum(first["latencies"].values())
    assert heard == 12 * 2, "those who talk are measured"
    assert first["load_busy"] < 1
