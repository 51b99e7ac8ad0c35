#!/usr/bin/env python3
"""Runs every benchmark and writes bench/RESULTS.md and the charts. Takes about an hour of a quiet machine.

Each section is kept as soon as it is measured, so a run that was interrupted goes on where it stopped; `--again NAME`
measures one anew, `--only NAME` no others, and `--assemble` only puts together what is there. A section that failed
says so in the file, and the status is 1. `--quick` is for seeing that all of it works.
"""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from report.remarks import remark
from report.tables import complain, table
from runs import procs
from runs.arguments import Parser

WORK = procs.BENCH / ".results"  # ignored by git
TARGET = procs.BENCH / "RESULTS.md"
CHARTS = procs.BENCH / "charts"
PYTHON = "PYTHON"  # stands for the interpreter in the commands shown: a path of this machine helps nobody
LIMIT = 7200.0  # seconds for one section: nothing here takes half of it
GOAL = "- goal: "


@dataclass(frozen=True)
class Section:
    """One program, and what it is run with. `quick`: options that make it short, for a look at the whole."""

    name: str
    title: str
    program: str
    options: tuple[str, ...]
    quick: tuple[str, ...]
    itself: bool = False  # measures loops inside its own process, so the interpreter runs the program itself
    charts: str | None = None  # directory below CHARTS

    def command(self, python: str, quick: bool, work: Path) -> list[str]:
        """The command line. With PYTHON for `python` it is the one that is shown."""
        shown = python == PYTHON
        runner = python if self.itself else "python3" if shown else sys.executable
        parts = [runner, f"bench/{self.program}.py", *(self.quick if quick else self.options)]
        parts += [] if self.itself else ["--python", python]
        if self.charts:
            chart_dir = CHARTS / self.charts
            parts += ["--svg", str(chart_dir.relative_to(procs.ROOT) if shown else work / "charts" / self.charts)]
            parts += ["--json", "FILE" if shown else str(work / f"{self.name}.figures.json")]
        return [*parts, "--markdown"]


SHORT = ("--rounds=1", "--seconds=0.2")
FEW = ("--clients=1,10,100", *SHORT)
SECTIONS = (
    Section("compare", "Concurrent clients: one thread, or one for each", "compare", (), FEW, charts="threads"),
    Section(
        "peers",
        "The same on other loops",
        "compare",
        ("--peers", "--rounds=3", "--seconds=0.5"),
        ("--peers", *FEW),
        charts="peers",
    ),
    Section("cpu", "Server CPU and memory, with goals", "cpu", ("--full",), (*SHORT, "--idle=1")),
    Section("chat", "The chat", "chat", (), (*SHORT, "--members=100", "--senders=10", "--room=500")),
    Section("udp", "UDP", "udp", (), SHORT),
    Section("web", "Serving HTTP", "web", (), ("--rounds=1",)),
    Section("websocket", "WebSocket", "websocket", (), ("--rounds=1",)),
    Section("asyncio", "asyncio's programs on three loops", "asyncio_loops", (), ("--rounds=1",)),
    Section("fetch", "Fetching over HTTP", "fetch", (), ("--rounds=1", "--megabytes=50")),
    Section("timers", "Timers set and cancelled", "timers", (), ("--rounds=1", "--count=10000"), itself=True),
    Section("wakeup", "Calls from other threads", "wakeup", (), ("--rounds=1", "--calls=100"), itself=True),
)
NEWEST = Section("newest", "Server CPU on a newer CPython", "cpu", ("--full",), (*SHORT, "--idle=1"))


def measure(section: Section, python: str, quick: bool, work: Path) -> dict:
    """Run one section, its progress on this terminal; what it printed, and how it went."""
    command = section.command(python, quick, work)
    started, start = datetime.now(UTC), time.monotonic()
    child = procs.Child(command, subprocess.DEVNULL, subprocess.PIPE, quiet=False)
    with child:
        try:
            said = child.process.communicate(timeout=LIMIT)[0].decode()
        except subprocess.TimeoutExpired:
            raise procs.BenchError(f"{section.name} took more than {LIMIT:g} s") from None
    return {
        "name": section.name,
        "command": " ".join(section.command(PYTHON, quick, work)),
        "date": started.isoformat(timespec="minutes"),
        "minutes": round((time.monotonic() - start) / 60, 1),
        "status": child.process.returncode,
        "text": said.strip(),
    }


def run(sections: list[Section], options) -> None:
    """Measure what is missing, and keep each result at once."""
    options.work.mkdir(parents=True, exist_ok=True)
    for section in sections:
        kept = options.work / f"{section.name}.json"
        if section.name in options.again or (kept.exists() and json.loads(kept.read_text())["status"]):
            kept.unlink(missing_ok=True)
        if kept.exists() or (options.only and section.name not in options.only):
            continue
        complain(f"== {section.name}")
        python = options.newest if section is NEWEST else options.python
        found = measure(section, python, options.quick, options.work)
        if found["status"] == 130:
            raise KeyboardInterrupt
        partial = kept.with_suffix(".tmp")
        partial.write_text(json.dumps(found, indent=1))
        partial.rename(kept)


def goals(results: list[dict]) -> list[dict]:
    """Every sentence about a goal, with the table it stands under."""
    found = []
    for result in results:
        title = ""
        for line in result["text"].splitlines():
            if line.startswith("**") and line.endswith("**"):
                title = ("newer CPython: " if result["name"] == NEWEST.name else "") + line.strip("*")
            if line.startswith(GOAL):
                wanted, _, verdict = line.removeprefix(GOAL).rpartition(": ")
                value, _, state = verdict.rpartition(", ")
                found.append({"section": result["name"], "title": title, "wanted": wanted, "found": value,
                              "state": state})  # fmt: skip
    return found


def judged(found: list[dict]) -> str:
    """The goals as a table, then what stands in the way of those that were missed."""
    rows = [[goal["title"], goal["wanted"], goal["found"] or "-", goal["state"]] for goal in found]
    parts = [table(["measured", "goal", "found", ""], rows, markdown=True)]
    missed = [goal for goal in found if goal["state"] == "MISSED"]
    if missed:
        parts.append("What stands in the way of the rest:")
        parts.append("\n".join(f"- {g['title']}, {g['wanted']} ({g['found']}): {remark(g)}" for g in missed))
    return "\n\n".join(parts)


def page(sections: list[Section], results: dict[str, dict], charts: list[str]) -> str:
    """RESULTS.md."""
    parts = [
        "# Results",
        "Written by `python3 bench/results.py --python PYTHON`; no figure here is typed in. PYTHON is an interpreter "
        "that has the peers: `python3 -m venv peers && peers/bin/pip install -e '.[peers]'`, then `peers/bin/python`. "
        "Server, load and clients share one machine, over loopback; each section says which.",
        "## Goals",
        judged(goals(list(results.values()))),
    ]
    for section in sections:
        parts.append(f"## {section.title}")
        result = results.get(section.name)
        if result is None:
            parts.append("Not measured.")
            continue
        parts.append(f"`{result['command']}`, {result['date']}, {result['minutes']:g} minutes.")
        if result["status"]:
            parts.append(f"It failed with status {result['status']}; what came before:")
        parts.append(result["text"])
        shown = [name for name in charts if section.charts and name.startswith(f"{section.charts}/")]
        parts += [f"![{Path(name).stem}](charts/{name})" for name in shown]
    return "\n\n".join(parts) + "\n"


def assemble(sections: list[Section], work: Path, target: Path) -> dict[str, dict]:
    """Put together what has been measured."""
    results = {}
    for section in sections:
        kept = work / f"{section.name}.json"
        if kept.exists():
            results[section.name] = json.loads(kept.read_text())
    drawn = work / "charts"
    charts = sorted(str(path.relative_to(drawn)) for path in drawn.rglob("*.svg")) if drawn.exists() else []
    for name in charts:
        place = target.parent / "charts" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.resolve() != (drawn / name).resolve():
            shutil.copyfile(drawn / name, place)
    target.write_text(page(sections, results, charts))
    return results


def parse():
    parser = Parser(__doc__)
    option = parser.add_argument
    names = [section.name for section in (*SECTIONS, NEWEST)]
    option("--python", default=sys.executable, help="interpreter of the servers, with the peers installed")
    option("--newest", metavar="PYTHON", help="a newer interpreter with uvloop, for the goals on that one too")
    option("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    option("--again", action="append", choices=names, default=[], metavar="NAME", help="measure this one anew")
    option("--assemble", action="store_true", help="measure nothing")
    option("--quick", action="store_true", help="everything as short as it goes; figures mean nothing")
    option("--work", type=Path, default=WORK, help="where sections are kept (bench/.results)")
    option("--target", type=Path, default=TARGET, help="the file to write (bench/RESULTS.md), charts beside it")
    return parser.parse_args()


def main() -> int:
    options = parse()
    newest = options.newest or (options.work / f"{NEWEST.name}.json").exists()
    sections = [*SECTIONS, NEWEST] if newest else list(SECTIONS)
    try:
        with procs.exits_cleanly():
            if not options.assemble:
                run([section for section in sections if section is not NEWEST or options.newest], options)
            results = assemble(sections, options.work, options.target)
    except KeyboardInterrupt:
        complain("interrupted; the same command goes on from here")
        return 130
    except (procs.BenchError, OSError) as error:
        complain(str(error))
        return 1
    failed = [name for name, result in results.items() if result["status"]]
    print(f"{options.target.name}: {len(results)} of {len(sections)} sections"
          + (f"; failed: {', '.join(failed)}" if failed else ""))  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
