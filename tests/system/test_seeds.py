"""Whole runs of the real reactor on a simulated network: every scenario, from many seeds.

    pytest tests/system/test_seeds.py --seeds 10000          more of them than the default run has
    pytest tests/system/test_seeds.py --seed 4711 -k chat    one again

A seed is the whole run: what fails once fails every time.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.system import scenarios

BLOCK = 50  # seeds in one test: few enough to see how far a long run has come


def pytest_generate_tests(metafunc):
    if "block" in metafunc.fixturenames:
        only, count = (metafunc.config.getoption(name) for name in ("--seed", "--seeds"))
        seeds = range(count) if only is None else range(only, only + 1)
        blocks = [seeds[start : start + BLOCK] for start in range(0, len(seeds), BLOCK)]
        metafunc.parametrize("block", blocks, ids=lambda block: f"{block[0]}-{block[-1]}")


@pytest.mark.loud
@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_the_reactor_keeps_its_promises(name, block):
    for seed in block:
        try:
            scenarios.run(name, seed)
        except BaseException as error:
            error.add_note(f"again: pytest tests/system/test_seeds.py --seed {seed} -k {name}")
            raise


def test_one_seed_is_one_run_whatever_the_process():
    """Not the order of a set, nor an address, nor a hash of text may have a say. Keys of TLS do: they are random."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from tests.system import scenarios\n"
        "for name in [name for name in scenarios.SCENARIOS if 'tls' not in name]:\n"
        "    for seed in (1, 3, 5):\n"
        "        print(name, seed, *scenarios.run(name, seed), sep='\\n')\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].splitlines()) > 1000
