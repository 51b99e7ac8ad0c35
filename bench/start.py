#!/usr/bin/env python3
"""A server that serves nobody yet: how long from its start until it says `listening on`, and how much memory it has.

Each program is started in turn, round after round, and a ratio is the median of the rounds' ratios: a machine that is
busy for a while spoils neither side alone. Python's bytecode is there before the first round that counts: in a folder
of its own, so that an environment in which none is written does not measure the compiler.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from cpu import verdict
from report.tables import complain, figure, paragraph, table
from runs.arguments import Parser, positive
from runs.procs import ROOT, BenchError, exits_cleanly, interpreter, machine, versions
from runs.turns import quotients
from servers.programs import PROGRAMS, present

US, PEERS = "reactor", ("reactor", "asyncio", "uvloop")
SOON = 0.9  # of asyncio's time
SMALL = 17.0  # MiB
TITLE = "a process that serves nobody yet, from its start until it listens"
HEADERS = ["server", "ms until it listens", "lowest", "to reactor", "resident MiB"]


def start(name: str, python: str, bytecode: str) -> tuple[float, float]:
    """Seconds until it listens, and the MiB that it has then. bytecode: the folder where Python keeps it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    with subprocess.Popen(
        [python, *PROGRAMS["echo"][name], "--port=0"],
        cwd=ROOT,
        env={**kept, "PYTHONPYCACHEPREFIX": bytecode},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline()
            took = time.perf_counter() - began
            if not line.startswith("listening on"):
                raise BenchError(f"{name} did not start: {process.stderr.read().strip()}")
            shown = subprocess.run(["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, text=True).stdout
            return took, int(shown) / 1024
        finally:
            process.terminate()


def measure(names: list[str], rounds: int, python: str) -> dict[str, list[tuple[float, float]]]:
    """What the rounds gave of each, after one that does not count."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as bytecode:
        for number in range(rounds + 1):
            for name in names if number % 2 else reversed(names):
                outcome = start(name, python, bytecode)
                if number:
                    found[name].append(outcome)
    return found


def ratio(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> float:
    return statistics.median(quotients((took for took, _ in one), (took for took, _ in other)))


def report(found: dict[str, list[tuple[float, float]]], markdown: bool) -> str:
    rows = [
        [
            name,
            figure(1e3 * statistics.median(took for took, _ in rounds)),
            figure(1e3 * min(took for took, _ in rounds)),
            figure(ratio(rounds, found[US])),
            figure(statistics.median(memory for _, memory in rounds)),
        ]
        for name, rounds in found.items()
    ]
    memory = statistics.median(size for _, size in found[US])
    notes = [
        verdict(f"at most {SOON:.2f} of asyncio", ratio(found[US], found["asyncio"]), SOON),
        verdict(f"at most {SMALL:g} MiB", memory, SMALL, " MiB"),
    ]
    return f"{table(HEADERS, rows, markdown)}\n\n" + "\n".join(f"- {note}" for note in notes)


def parse() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument("--rounds", type=positive, default=15, help="starts of each (15)")
    parser.add_argument("--python", default=sys.executable, help="interpreter of all servers, say one with uvloop")
    parser.add_argument("--markdown", action="store_true", help="the table for a README")
    return parser.parse_args()


def main() -> int:
    options = parse()
    try:
        with exits_cleanly():
            options.about = interpreter(options.python)
            facts = [versions(options.about), machine(), f"medians of {options.rounds} starts"]
            print(paragraph(facts, options.markdown), end="\n\n")
            print(f"**{TITLE}**" if options.markdown else TITLE, end="\n\n")
            print(report(measure(present(PEERS, options), options.rounds, options.python), options.markdown))
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except BenchError as error:
        complain(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
