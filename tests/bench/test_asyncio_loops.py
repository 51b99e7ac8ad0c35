"""The comparison of asyncio's loops, on the two that need nothing installed."""

import contextlib
import subprocess
import sys

import pytest

import asyncio_loops
from runs import procs


@pytest.mark.parametrize("case", ["streams", "lines"])
def test_every_case_without_packages_runs(case, monkeypatch, capsys):
    service, _, _, request, each, _, messages = asyncio_loops.CASES[case]
    monkeypatch.setitem(asyncio_loops.CASES, case, (service, 3, 3, request, each, 50, messages))
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(procs.Server(name, [asyncio_loops.PROGRAM, service, f"--loop={name}"]))
            for name in ("asyncio", "reactor")
        }
        found = asyncio_loops.costs(case, servers, 2)
    assert all(cost > 0 for costs in found.values() for cost in costs)
    asyncio_loops.show(case, found)
    assert "goal: at most" in capsys.readouterr().out


def test_a_package_that_is_missing_is_named():
    script = f"""
import runpy, sys
sys.modules["uvicorn"] = None
sys.argv = ["", "uvicorn"]
sys.path.insert(0, "bench/peers")
runpy.run_path("{asyncio_loops.PROGRAM}", None, "__main__")
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=procs.ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "uvicorn is not installed\n")
