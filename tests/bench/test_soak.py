"""The long run: who heard what is compared rightly, what grows is seen, and all of it runs for a few seconds."""

import asyncio
import doctest
import json
import os
import re
import subprocess
import sys

import pytest

from runs import procs
from soaking import summary, verdict, watch
from soaking.crowd import Times
from soaking.ledger import Ledger
from soaking.run import Run


def ledger(*hearings, promised=()):
    """Ada says the odd lines and Bob the even ones; who listens: a name, whether it hears itself, whether it stays."""
    found = Ledger("chat")
    for number in range(1, 5):
        assert found.write("Bob" if number % 2 == 0 else "Ada") == number
    found.promised.update(promised)
    for name, hears_itself, stays, lines in hearings:
        found.seat(name, hears_itself=hears_itself, stays=stays).lines.extend(lines)
    return found


WITNESS = ("Witness", True, True, [1, 3, 2, 4])


def test_everybody_who_hears_the_order_from_somewhere_on_is_right():
    good = ledger(WITNESS, ("Ada", False, True, [2, 4]), ("Bob", True, False, [3, 2]), ("Eve", True, False, []))
    assert good.faults() == []
    assert good.complete()


@pytest.mark.parametrize(
    ("hearing", "fault"),
    [
        (("Eve", True, True, [1, 3, 2]), "Eve lost 1"),
        (("Eve", True, True, []), "Eve lost 4"),
        (("Eve", True, False, [1, 2, 4]), "Eve lost 1"),
        (("Eve", True, False, [3, 2, 2]), "Eve has another order, or doubles"),
        (("Eve", True, True, [1, 2, 3, 4]), r"Eve has another order.* from its line 1 on \[2, 3, 4\] for \[3, 2, 4\]"),
        (("Eve", True, False, [1, 3, 9]), "Eve .* has 2 that are not due"),
        (("Ada", False, False, [1, 2]), "Ada .* 1 that are not due"),
        (("Ada", False, True, [4]), "Ada lost 1"),
    ],
)
def test_what_is_lost_doubled_or_in_another_order_is_told(hearing, fault):
    (found,) = ledger(WITNESS, hearing).faults()
    assert re.search(fault, found)


def test_what_was_promised_is_heard():
    missing = ledger(("Witness", True, True, [1, 2]), promised=[1, 4])
    assert missing.faults() == ["chat: 1 promised lines were heard by nobody, as 4"]
    assert not missing.complete()
    assert not ledger(WITNESS, ("Eve", True, True, [1]), promised=[1]).complete()


def test_doctests():
    assert not any(doctest.testmod(module).failed for module in (verdict, watch))


def figures(memory=(20, 20, 20, 20), lag=0.001, lost=None, after=8, faults=None):
    samples = [
        {"at": 10.0 * at, "memory": mib << 20, "descriptors": 8 if at < 3 else after, "lag": lag, "lost": lost or {}}
        for at, mib in enumerate(memory)
    ]
    return {
        "began": "2026-11-28T12:00+00:00", "machine": "here",
        "seconds": 40.0, "asked": 40.0, "seed": 1, "interrupted": False, "visitors": 3, "hosts": 2, "said": 5,
        "promised": 4, "heard": 9, "whole": {"answers": 2}, "cpu": {"chat": 1.0}, "load_cpu": 1.0,
        "faults": faults or {}, "samples": {"chat": samples},
    }  # fmt: skip


def missed(**about):
    return [line for line in summary.goals(figures(**about)) if line.endswith("MISSED")]


def test_the_verdict():
    assert missed() == []
    assert "memory flat" in missed(memory=(20, 20, *range(20, 40), 40))[0]
    assert "descriptors" in missed(after=9)[0]
    assert "by a fault of ours: 2 lost" in missed(lost={"ConnectionResetError": 5, "KeyError": 2})[0]
    assert "1 faults" in missed(faults={"bot: gone": 1})[0]


def test_the_report_has_tables_and_charts():
    found = figures(lost={"WriteTimeout": 2}, faults={"bot: gone": 1})
    text = summary.show(found, markdown=True)
    assert "| chat" in text
    assert "| WriteTimeout |" in text
    assert "- bot: gone (1)" in text
    assert set(summary.charts(found)) == {"memory.svg", "descriptors.svg", "lag.svg", "losses.svg"}
    assert "WriteTimeout" in summary.charts(found)["losses.svg"]


def test_a_signal_ends_it_early_and_a_second_one_at_once():
    async def scene():
        run, times = Run(60.0, 1, sys.executable), Times(asyncio.Barrier(1))
        run.interrupt(times)
        assert times.quiet.is_set()
        with pytest.raises(KeyboardInterrupt):
            run.interrupt(times)

    asyncio.run(scene())


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="looks at servers through /proc")
def test_all_of_it_runs_for_a_few_seconds(tmp_path):
    """Whether memory is flat, so short a run cannot tell; that nothing is lost, it can."""
    kept = tmp_path / "figures.json"
    command = [sys.executable, "bench/soak.py", "--minutes=0.1", f"--json={kept}", f"--svg={tmp_path}", "--markdown"]
    done = subprocess.run(command, cwd=procs.ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert "files whole: 0 faults, met" in done.stdout, done.stdout
    assert "closed at the end: 0 left, met" in done.stdout, done.stdout
    found = json.loads(kept.read_text())
    assert found["said"] > 0
    assert found["visitors"] > 0
    again = [*command[:2], f"--from={kept}", "--markdown"]
    assert subprocess.run(again, cwd=procs.ROOT, capture_output=True, text=True, check=False).stdout in done.stdout
