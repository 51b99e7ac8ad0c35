"""Counting instructions: without valgrind, a word."""

import subprocess
import sys

from runs.procs import BENCH

PROGRAM = [sys.executable, str(BENCH / "instructions.py"), "--alone", "--only", "lines-1"]


def test_without_valgrind_it_says_so(tmp_path):
    done = subprocess.run(PROGRAM, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "valgrind is not installed: no instructions are counted\n")
