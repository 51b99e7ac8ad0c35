#!/usr/bin/env python3
"""A short run of the micro-benchmarks that fails only on a doubling. `--store` keeps a new baseline.

baseline.json was written on another machine, so it holds no times but multiples of a yardstick, plain Python that no
change of this project touches, measured in the same run. The least of many rounds is compared: noise only adds. A
case that has doubled is measured again by itself before it fails, for a machine may be busy for a while. What the
baseline does not know is said, and fails nothing. Needs pytest and pytest-benchmark (the `dev` extra).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the folder bench/

from report.tables import figure, table
from runs import procs
from runs.arguments import Parser, positive_number

BASELINE = Path(__file__).with_name("baseline.json")
CASES = "bench/micro/test_bench.py"
YARDSTICK = "test_yardstick"  # cases whose names begin so
YARDS = tuple(f"{YARDSTICK}_{when}" for when in ("first", "between", "last"))
DOUBLED = 2.0  # a run of half a minute on a busy machine can tell no less for certain
AGAIN = 3  # times that what has doubled is measured once more: a neighbour may halve a core's speed for seconds
SHORT = ("--benchmark-max-time=0.3", "--benchmark-min-rounds=5", "--benchmark-warmup=off", "--benchmark-quiet")
TIMEOUT = 600.0  # seconds
HEADERS = ["case", "us", "of the yardstick", "baseline", "times"]

Figures = dict[str, float]


def run(cases: list[str]) -> Figures:
    """The least seconds of each case; of all without any."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        wanted = [f"{CASES}::{case}" for case in cases] or [CASES]
        command = [sys.executable, "-m", "pytest", "-q", *SHORT, f"--benchmark-json={report}", *wanted]
        done = subprocess.run(command, cwd=procs.ROOT, capture_output=True, text=True, timeout=TIMEOUT)
        if done.returncode or not report.exists():
            raise procs.BenchError(f"pytest failed: {(done.stdout + done.stderr)[-2000:]}")
        found = json.loads(report.read_text())["benchmarks"]
    return {case["name"]: case["stats"]["min"] for case in found}


def multiples(seconds: Figures) -> Figures:
    """Each case as multiples of the yardstick of the same run, the least of its several times."""
    yard = min(value for name, value in seconds.items() if name.startswith(YARDSTICK))
    return {name: value / yard for name, value in seconds.items() if not name.startswith(YARDSTICK)}


def doubled(found: Figures, baseline: Figures) -> list[str]:
    """The cases that cost twice their baseline or more.

    >>> doubled({"a": 4.0, "b": 3.9, "new": 9.0}, {"a": 2.0, "b": 2.0, "gone": 1.0})
    ['a']
    """
    return [name for name in found if name in baseline and found[name] >= DOUBLED * baseline[name]]


def show(seconds: Figures, found: Figures, baseline: Figures) -> str:
    rows = []
    for name, value in found.items():
        known = baseline.get(name)
        rows.append([name, figure(1e6 * seconds[name]), figure(value), figure(known), figure(known and value / known)])
    return table(HEADERS, rows)


def check(factor: float) -> int:
    """Run, show, and run again what has doubled. factor: slows every case down in the arithmetic, to see this fail."""
    baseline: Figures = json.loads(BASELINE.read_text())["multiples"]
    seconds = run([])
    found = {name: factor * value for name, value in multiples(seconds).items()}
    print(show(seconds, found, baseline))
    for name in sorted(found.keys() - baseline.keys()):
        print(f"{name}: not in the baseline yet (guard.py --store)")
    for _ in range(AGAIN):
        if suspects := doubled(found, baseline):
            again = multiples(run([*YARDS, *suspects]))
            found |= {name: min(found[name], factor * again[name]) for name in suspects}
    suspects = doubled(found, baseline)
    for name in suspects:
        print(f"{name}: has doubled against bench/micro/baseline.json, {AGAIN + 1} times in turn", file=sys.stderr)
    print(f"{len(found) - len(suspects)} passed, {len(suspects)} failed")
    return 1 if suspects else 0


def store() -> int:
    """Keep the least of three runs."""
    runs = [multiples(run([])) for _ in range(3)]
    least = {name: round(min(found[name] for found in runs), 4) for name in sorted(runs[0])}
    about = {"python": procs.interpreter()["python"], "machine": procs.machine()}
    BASELINE.write_text(json.dumps(about | {"multiples": least}, indent=1) + "\n")
    print(f"{BASELINE.name}: {len(least)} cases")
    return 0


def main() -> int:
    parser = Parser(__doc__)
    parser.add_argument("--store", action="store_true", help="measure three times and write baseline.json")
    parser.add_argument("--slower", type=positive_number, default=1.0, help="pretend that all is so many times slower")
    options = parser.parse_args()
    try:
        return store() if options.store else check(options.slower)
    except (procs.BenchError, OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
