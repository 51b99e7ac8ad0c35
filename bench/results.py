#!/usr/bin/env python3
"""Runs every benchmark and writes bench/RESULTS.md, the charts, and a line of bench/history.json: half an hour.

The machine should be quiet: how much of it other programs took stands at the head, and at each section where it was
more than a tenth.

Each section is kept as soon as it is measured, so a run that was interrupted goes on where it stopped; `--again NAME`
measures one anew, `--only NAME` no others, and `--assemble` only puts together what is there. A section that failed
says so in the file, and the status is 1. `--quick` is for seeing that all of it works.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from report.goals import goals, judged
from report.tables import complain
from runs import history, others, procs
from runs.arguments import Parser

WORK = procs.BENCH / ".results"  # ignored by git
TARGET = procs.BENCH / "RESULTS.md"
CHARTS = procs.BENCH / "charts"
PYTHON = "PYTHON"  # stands for the interpreter in the commands shown: a path of this machine helps nobody
LIMIT = 7200.0  # seconds for one section: nothing here takes half of it
HISTORY = "history.json"  # beside the target


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
    source: str | None = None  # the section whose figures it shows, instead of measuring any
    apart: bool = False  # takes too long to be measured with the others: only where it is asked for

    def command(self, python: str, quick: bool, work: Path, earlier: Path | None = None) -> list[str]:
        """The command line. With PYTHON for `python` it is the one that is shown. earlier: figures to be shown."""
        shown = python == PYTHON
        runner = python if self.itself else "python3" if shown else sys.executable
        parts = [runner, f"bench/{self.program}.py", *(self.quick if quick else self.options)]
        if earlier is None and self.source:
            earlier = work / f"{self.source}.figures.json"
        if earlier is not None:
            parts += ["--from", "FILE" if shown else str(earlier)]
        parts += [] if self.itself else ["--python", python]
        if self.charts:
            chart_dir = CHARTS / self.charts
            parts += ["--svg", str(chart_dir.relative_to(procs.ROOT) if shown else work / "charts" / self.charts)]
            if earlier is None:
                parts += ["--json", "FILE" if shown else str(work / f"{self.name}.figures.json")]
        return [*parts, "--markdown"]


SHORT = ("--rounds=1", "--seconds=0.2")
FEW = ("--clients=1,10,100", *SHORT)
OURS = ("--only=reactor", "--only=threads")
SAMPLE = ("--peers", "--clients=1,100,1000,5000", "--rounds=2", "--seconds=0.2")  # no goal hangs on it
GOALS_OF_LOOPS = tuple(f"--only={case}" for case in (
    "echo-100", "echo-1k", "echo-10k", "lines-1", "lines-16", "fanout-100", "accept",
))  # fmt: skip
COUNTED = tuple(f"--only={case}" for case in (
    "echo", "lines-1", "lines-16", "batch-16", "fanout", "accept", "http-file", "websocket",
))  # fmt: skip
SECTIONS = (
    Section("compare", "Concurrent clients: one thread, or one for each", "compare", OURS, OURS, charts="threads",
            source="peers"),
    Section("peers", "The same on other loops", "compare", SAMPLE, ("--peers", *FEW), charts="peers"),
    Section("cpu", "Server CPU and memory, with goals", "cpu", ("--full",), (*SHORT, "--idle=1")),
    Section("instructions", "Instructions a message, outside of the kernel", "instructions", COUNTED,
            ("--only=echo",)),
    Section("chat", "The chat", "chat", (), (*SHORT, "--members=100", "--senders=10", "--room=500")),
    Section("udp", "UDP", "udp", (), SHORT),
    Section("web", "Serving HTTP", "web", (), ("--rounds=1",)),
    Section("websocket", "WebSocket", "websocket", (), ("--rounds=1",)),
    Section("asyncio", "asyncio's programs on three loops", "asyncio_loops", (), ("--rounds=1",)),
    Section("cluster", "A chat on several servers", "cluster", (), (*SHORT, "--members=100", "--talkers=10"),
            charts="cluster"),
    Section("redis", "A client of Redis", "clients/redis_client", (), SHORT),
    Section("fetch", "Fetching over HTTP", "clients/fetch", ("--rounds=5", "--downloads=3"),
            ("--rounds=1", "--megabytes=50")),
    Section("bot", "Users of the bot who wait for its API", "clients/bot", (), ("--seconds=0.5", "--users=50")),
    Section("scaling", "Several processes on one port", "scaling", (), ("--rounds=1",), charts="scaling"),
    Section("start", "A process that serves nobody yet", "start", (), ("--rounds=1",)),
    Section("storm", "A storm of newcomers", "storm", (), ("--rounds=1",)),
    Section("timers", "Timers set and cancelled", "micro/timers", (), ("--rounds=1", "--count=10000"), itself=True),
    Section("wakeup", "Calls from other threads", "micro/wakeup", (), ("--rounds=1", "--calls=100"), itself=True),
    Section("soak", "A long run of everything", "soak", ("--minutes=60",), ("--minutes=0.1",), charts="soak",
            apart=True),
)  # fmt: skip
NEWEST = Section("newest", "Server CPU on a newer CPython", "cpu", GOALS_OF_LOOPS, (*GOALS_OF_LOOPS, *SHORT))
PREFIXES = {NEWEST.name: "newer CPython: "}  # of the titles in that section, where all goals stand together


def measure(section: Section, options, earlier: Path | None) -> dict:
    """Run one section, its progress on this terminal; what it printed, how it went, and what else went on."""
    python = options.newest if section is NEWEST else options.python
    command = section.command(python, options.quick, options.work, earlier)
    started, start, before = datetime.now(UTC), time.monotonic(), others.look()
    child = procs.Child(command, subprocess.DEVNULL, subprocess.PIPE, quiet=False)
    with child:
        try:
            said = child.process.communicate(timeout=LIMIT)[0].decode()
        except subprocess.TimeoutExpired:
            raise procs.BenchError(f"{section.name} took more than {LIMIT:g} s") from None
    status = child.process.returncode
    found = {
        "name": section.name,
        "command": " ".join(section.command(PYTHON, options.quick, options.work, earlier)),
        "date": started.isoformat(timespec="minutes"),
        "minutes": round((time.monotonic() - start) / 60, 1),
        "status": 0 if status == 1 and section.apart and said else status,  # it tells so that a goal was missed
        "others": before.until(others.look()),
        "commit": history.commit(),
        "python": procs.interpreter(python)["python"],
        "text": said.strip(),
    }
    return found | (measured_before(earlier) if earlier else {})


def measured_before(figures: Path) -> dict:
    """When, and for how long, a long run was made; what else the machine did, it says itself."""
    about = json.loads(figures.read_text())
    minutes = about["seconds"] / 60
    command = f"python3 bench/soak.py --minutes={about['asked'] / 60:g} --seed={about['seed']} --json FILE --markdown"
    return {"command": command, "date": about["began"], "minutes": round(minutes, 1), "others": None,
            "commit": about.get("commit")}  # fmt: skip


def run(sections: list[Section], options) -> None:
    """Measure what is missing, and keep each result at once. What shows another's figures comes after it."""
    options.work.mkdir(parents=True, exist_ok=True)
    for section in sorted(sections, key=lambda section: section.source is not None):
        kept = options.work / f"{section.name}.json"
        earlier = options.soak if section.name == "soak" else None
        if section.name in options.again or earlier or (kept.exists() and json.loads(kept.read_text())["status"]):
            kept.unlink(missing_ok=True)
        asked = section.name in (options.only or ()) or bool(earlier)
        if kept.exists() or (not asked and (options.only or section.apart)):
            continue
        complain(f"== {section.name}")
        found = measure(section, options, earlier)
        if found["status"] == 130:
            raise KeyboardInterrupt
        partial = kept.with_suffix(".tmp")
        partial.write_text(json.dumps(found, indent=1))
        partial.rename(kept)


def company(results: list[dict]) -> str:
    """How busy the machine was with something else."""
    shares = {result["name"]: result["others"] for result in results if result.get("others") is not None}
    if not shares:
        return "How much of the machine other programs took is not known."
    most = max(shares, key=lambda name: shares[name])
    took = sum(result["minutes"] for result in results if result["name"] != "soak")
    return f"Other programs took at most {shares[most]:.0%} of the machine (section {most}); {took:.0f} minutes in all."


def anchor(title: str) -> str:
    """What a link to a heading is called.

    >>> anchor("asyncio's programs, on three loops")
    'asyncios-programs-on-three-loops'
    """
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def purpose(section: Section) -> str:
    """What is measured, in the first sentence of the program's own description."""
    described = ast.get_docstring(ast.parse((procs.BENCH / f"{section.program}.py").read_text())) or ""
    return " ".join(described.partition("\n\n")[0].split())


def page(sections: list[Section], results: dict[str, dict], charts: list[str], before: dict[str, float]) -> str:
    """RESULTS.md."""
    parts = [
        "# Results",
        "Written by `python3 bench/results.py --python PYTHON`; no figure here is typed in, but those of the reasons "
        "below the goals. PYTHON is an interpreter that has the peers: `python3 -m venv peers && peers/bin/pip "
        "install -e '.[peers]'`, then `peers/bin/python`. "
        "Server, load and clients share one machine, over loopback; each section says which. [README.md]("
        "README.md#how-to-read-the-charts) says how to read it, and what *bare*, the floor of a goal, is.",
        company(list(results.values())),
        "\n".join(f"- [{section.title}](#{anchor(section.title)})" for section in sections),
        "## Goals",
        "*before*: what the goal's figure was in the run before, of another commit; all are in "
        "[history.json](history.json).",
        judged(goals(list(results.values()), PREFIXES), before),
    ]
    for section in sections:
        parts += [f"## {section.title}", f"*{purpose(section)}*"]
        result = results.get(section.name)
        if result is None:
            parts.append("Not measured.")
            continue
        place = f", at {result['commit']}" if result.get("commit") else ""
        parts.append(f"`{result['command']}`, {result['date']}, {result['minutes']:g} minutes{place}.")
        if (result.get("others") or 0.0) > others.LIMIT:
            parts.append(f"**Measured on a busy machine: other programs took {result['others']:.0%} of it. Ratios "
                         "within a table hold better than anything else here.**")  # fmt: skip
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
    kept = target.parent / HISTORY
    lines = history.read(kept)
    target.write_text(page(sections, results, charts, history.earlier(lines, results)))
    for commit in dict.fromkeys(result.get("commit") for result in results.values()):
        of_it = [result for result in results.values() if result.get("commit") == commit]
        if commit and (found := goals(of_it, PREFIXES)):
            lines = history.put(lines, history.line(commit, of_it, found))
    history.write(kept, lines)
    return results


def parse():
    parser = Parser(__doc__)
    option = parser.add_argument
    names = [section.name for section in (*SECTIONS, NEWEST)]
    option("--python", default=sys.executable, help="interpreter of the servers, with the peers installed")
    option("--newest", metavar="PYTHON", help="a newer interpreter with uvloop, for the goals on that one too")
    option("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    option("--again", action="append", choices=names, default=[], metavar="NAME", help="measure this one anew")
    option("--soak", type=Path, metavar="FILE", help="show the figures that `soak.py --json FILE` has kept")
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
