#!/usr/bin/env python3
"""Concurrent clients: the reactor against one thread per connection, and with --peers against other loops.

All servers of a case run at the same time and take rounds in turn, driven by separate processes that check and count
every message. CPU is user and system time of the server alone. A rate whose load generator was the bottleneck is not
shown, nor one of a time in which other programs had more than a tenth of the machine. --quick takes a minute and gives
an impression; the whole takes six minutes, with all peers about forty.
"""

import argparse
import json
import os
import shlex
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from load.samples import LATE_LIMIT, LOAD_LIMIT, SERVER_LIMIT
from report.charts import Chart, render
from report.tables import Progress, complain, figure, paragraph, table
from runs import matrix, others, procs
from runs.arguments import Parser, positive, positive_number, seconds
from servers.programs import NEEDS, PEERS, PROGRAMS, is_there, library, present

BASE = ("reactor", "threads")
JOINED = ("asyncio+join", "uvloop+join")  # lines only; see peers/aio_lines.py
WORKLOADS = ("echo", "lines", "chat", "open")
COUNTS = [1, 10, 100, 1000, 5000]
QUICK = {"clients": [10, 100, 500], "rounds": 3, "seconds": 0.3, "workload": ["echo", "lines", "chat"]}
PAYLOAD = 100  # bytes
PIPELINE = 16  # lines in one write
TALKERS = 10  # one chat member in ten talks ...
DELIVERIES = 100_000  # ... but a turn of all has no more deliveries than this: a write for each takes a second as it is
SEEN = 100  # clients from which memory for each can be told from the noise of the rest
HEADERS = ["clients", "server", "messages/s", "spread", "p50 ms", "p99 ms", "max ms", "CPU us", "server %", "load %",
           "KiB each", "MiB", "threads", "failed"]  # fmt: skip
FACTS = ("versions", "machine", "limits", "rounds", "shares")
ONCE, MANY = "socketserver", 1000  # one more server with a thread each tells nothing with more clients than these
SHARES = "server %, load %: of a core; of several load processes, the busiest"
BOUND, DISTURBED = "load-bound", "disturbed"
METRICS = {
    "throughput": ("throughput", "messages a second", lambda result: shown(result, "rate")),
    "latency": ("latency", "99th percentile, milliseconds", lambda result: shown(result, "p99", 1e3)),
    "cpu": (
        "CPU of the server",
        "microseconds a message",
        lambda result: None if is_disturbed(result) else 1e6 * result.get("cpu_per_message", 0) or None,
    ),
    "memory": ("memory of the server", "resident MiB", lambda result: result.get("memory", 0) / 2**20 or None),
}


def title(workload: str, options: argparse.Namespace) -> str:
    """What a workload is."""
    return {
        "echo": f"echo: {PAYLOAD} bytes; each client sends again as soon as it has its answer",
        "lines": f"lines: {PIPELINE} in one write, one reply to each; the next {PIPELINE} when all are answered",
        "chat": f"chat: one room; one member in {TALKERS} talks (at most {DELIVERIES:,} deliveries a turn), "
        f"{PAYLOAD} bytes a line; a message is one delivery",
        "open": f"open: echoes of {PAYLOAD} bytes, {options.rate:,.0f} a second whatever the server does; latency from "
        "the time each was due",
    }[workload]


def count_list(text: str) -> list[int]:
    """Numbers of clients, as on the command line."""
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        counts = [0]
    if min(counts) < 1:
        raise argparse.ArgumentTypeError(f"must be numbers from 1 up with commas between them, not {text}")
    return sorted(set(counts))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(__doc__)
    option = parser.add_argument
    option("--clients", type=count_list, help=",".join(map(str, COUNTS)))
    option("--workload", action="append", choices=WORKLOADS, help="only this one (may be repeated)")
    option("--peers", action="store_true", help=f"also {', '.join(PEERS)}, as far as they can be imported")
    option("--only", action="append", choices=(*BASE, *PEERS, *JOINED), help="only this server (may be repeated)")
    option("--rounds", type=positive, help="rounds for each server; medians are shown (5)")
    option("--seconds", type=seconds, help="length of a round (1)")
    option("--rate", type=positive_number, default=10_000.0, help="messages a second of the open load (10000)")
    option("--processes", type=positive, default=matrix.default_processes(os.cpu_count()),
           help="that make the load, where its clients are independent (cores less one, at most 4)")  # fmt: skip
    option("--timeout", type=seconds, default=60.0, help="seconds a phase may take beyond its round (60)")
    option("--quick", action="store_true", help="three short rounds of a few cases: a minute")
    option("--python", default=sys.executable, help="interpreter of the servers, say one with the peers")
    option("--from", dest="earlier", metavar="FILE", help="measure nothing: report on what an earlier --json has")
    option("--json", metavar="FILE", help="also write every figure there")
    option("--svg", metavar="DIR", help="also write charts there")
    option("--markdown", action="store_true", help="tables for a README")
    options = parser.parse_args(arguments)
    usual = {"clients": COUNTS, "rounds": 5, "seconds": 1.0, "workload": list(WORKLOADS)}
    for name, value in (QUICK if options.quick else usual).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def servers(workload: str, options: argparse.Namespace) -> list[str]:
    """Who takes part: as far as the libraries are there, and in one workload the joined ones."""
    joined = JOINED if workload == "lines" and options.peers else ()
    names = options.only or (*BASE, *PEERS, *joined) if options.peers or options.only else BASE
    has = PROGRAMS[service_of(workload)]
    return [name for name in present(tuple(names), options) if name in has]


def service_of(workload: str) -> str:
    return "echo" if workload == "open" else workload


def load_of(workload: str, clients: int, options: argparse.Namespace) -> matrix.Load:
    """What the load generator is told."""
    service = service_of(workload)
    told: dict = {"size": PAYLOAD, "timeout": options.timeout}
    if service != "chat":
        told["processes"] = min(options.processes, clients)
    if workload == "chat":
        told["senders"] = talkers(clients)
    if workload == "lines":
        told["pipeline"] = PIPELINE
    if workload == "open":
        told["rate"] = options.rate
    return matrix.Load(service, service, clients, told)


def talkers(clients: int) -> int:
    """How many members of a room talk.

    >>> [talkers(clients) for clients in (2, 100, 1000, 5000)]
    [1, 10, 100, 20]
    """
    return max(1, min(clients // TALKERS, DELIVERIES // clients))


def is_disturbed(result: dict) -> bool:
    """Whether other programs had too much of the machine while this was measured."""
    return (result.get("others") or 0.0) > others.LIMIT


def refused(result: dict) -> str | None:
    """Why no rate and no latency is given."""
    return DISTURBED if is_disturbed(result) else BOUND if result.get("bound") else None


def shown(result: dict, name: str, factor: float = 1.0) -> float | None:
    """A figure that may have been spoiled: none then, and none where there is no round."""
    if refused(result) or result.get(name) is None:
        return None
    return result[name] * factor


def cell(result: dict, name: str, factor: float = 1.0) -> str:
    """That figure as the table has it; where it is refused, the cell says so."""
    return refused(result) or figure(shown(result, name, factor))


def share(part: float | None) -> str:
    """Percent of a core; a server may take more than one."""
    return "-" if part is None else f"{100 * part:.0f}"


def spread(result: dict) -> str:
    """Half of the range of the rates, to their median."""
    rates = [round_["rate"] for round_ in result["rounds"]]
    if len(rates) < 2 or refused(result):
        return "-"
    return f"±{(max(rates) - min(rates)) / 2 / result['rate']:.0%}"


def row(result: dict) -> list[str]:
    """One line of the table, in the order of HEADERS."""
    each = result.get("memory_each") if result["clients"] >= SEEN else None
    cost = result.get("cpu_per_message")
    return [
        f"{result['clients']:,}",
        result["server"],
        cell(result, "rate"),
        spread(result),
        cell(result, "p50", 1e3),
        cell(result, "p99", 1e3),
        cell(result, "max", 1e3),
        figure(cost and 1e6 * cost),
        share(result.get("busy")),
        share(result.get("load_busy")),
        figure(each and each / 1024),
        figure(result.get("memory", 0) / 2**20 or None),
        str(result.get("threads") or "-"),
        str(result["failures"]),
    ]


def notes(results: list[dict]) -> list[str]:
    """What the cells cannot say."""
    found = [f"{r['server']} with {r['clients']:,} clients failed: {r['reason']}" for r in results if r["failures"]]
    if any(result.get("bound") for result in results):
        found.append(
            f"{BOUND}: the load generator was the bottleneck (its share of a core was "
            f"{LOAD_LIMIT:.0%} or more while the server's was below {SERVER_LIMIT:.0%}; or, in an open "
            f"load, it was more than {1e3 * LATE_LIMIT:g} ms late): no figure is given"
        )
    if worst := max((result["others"] for result in results if is_disturbed(result)), default=0.0):
        found.append(
            f"{DISTURBED}: other programs had up to {worst:.0%} of the machine meanwhile, and these figures would be "
            "theirs as much as the servers'. Close them and measure again"
        )
    return found


def plan(options: argparse.Namespace) -> dict[str, list[int]]:
    """For how many clients each workload is measured, of those that have somebody to measure."""
    counts = {name: [n for n in options.clients if name != "chat" or n > 1] for name in options.workload}
    return {name: found for name, found in counts.items() if found and servers(name, options)}


def compare(options: argparse.Namespace, results: list[dict]) -> None:
    """Run everything, printing each workload's table when it is complete; `results` grows with each case."""
    cases = plan(options)
    progress = Progress(sum(map(len, cases.values())))
    for workload, counts in cases.items():
        done: list[dict] = []
        for clients in counts:
            progress.next(f"{workload}, {clients:,} clients")
            load = load_of(workload, clients, options)
            names = [name for name in servers(workload, options) if name != ONCE or clients <= MANY]
            before = others.look()
            found = matrix.measure(load, names, options.rounds, options.seconds, options.python, progress.tick)
            share_of_others = before.until(others.look())
            done += [result | {"workload": workload, "others": share_of_others} for result in found]
            results += done[-len(found) :]
        progress.clear()
        print(show(workload, done, options), flush=True)


def show(workload: str, results: list[dict], options: argparse.Namespace) -> str:
    """A table and what is to be said about it."""
    heading, mark = title(workload, options), "- " if options.markdown else "  "
    parts = [f"**{heading}**" if options.markdown else heading]
    parts.append(table(HEADERS, [row(result) for result in results], options.markdown))
    if said := notes(results):
        parts.append("\n".join(mark + note for note in said))
    return "\n" + "\n\n".join(parts)


def charts(results: list[dict]) -> dict[str, str]:
    """A picture for each workload and metric, by file name."""
    pictures = {}
    for workload in dict.fromkeys(result["workload"] for result in results):
        for metric, (name, unit, value) in METRICS.items():
            series: dict[str, list] = {}
            note = ""
            for result in results:
                if result["workload"] == workload:
                    found = value(result)
                    series.setdefault(result["server"], []).append((result["clients"], found or None))
                    why = refused(result)
                    note = f"{why} points are left out" if not found and why else note
            pictures[f"{workload}-{metric}.svg"] = render(Chart(f"{workload}: {name}", unit, series, note=note))
    return pictures


def head(options: argparse.Namespace) -> dict:
    """What every figure depends on: versions, machine, limits, the command line."""
    options.about = procs.interpreter(options.python)
    options.clients, cut = matrix.clients_allowed(options.clients)
    about = {
        "versions": (procs.versions if options.peers else procs.version)(options.about),
        "machine": procs.machine(),
        "limits": f"{matrix.limits()}; loopback; load from {options.processes} process(es)",
        "rounds": f"medians of {options.rounds} rounds of {options.seconds:g} s, max of all; spread: half the range",
        "shares": SHARES,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python3", "bench/compare.py", *sys.argv[1:]]),
    }
    said = [cut] if cut else []
    if "chat" in options.workload and 1 in options.clients:
        said.append("chat leaves out 1 client: alone, nobody hears anything")
    if options.peers and max(options.clients) > MANY:
        said.append(f"{ONCE} has at most {MANY:,} clients here: it is a thread each, as threads is")
    absent = [name for name in asked(options) if not is_there(name, options.about["libraries"])]
    if absent:
        said.append(f"cannot be imported, so left out: {', '.join(absent)} (pip install -e '.[peers]')")
    cases = plan(options)
    if empty := [name for name in options.workload if name not in cases]:
        said.append(f"nobody to measure in: {', '.join(empty)}")
    if not cases:
        raise procs.BenchError("; ".join(["nobody is left to measure", *said]))
    facts = [about[name] for name in FACTS]
    print(paragraph([*facts, *said], options.markdown), flush=True)
    return about | {"notes": said}


def asked(options: argparse.Namespace) -> tuple[str, ...]:
    """The servers that need a library and were asked for."""
    names = options.only or (NEEDS if options.peers else ())
    return tuple(dict.fromkeys(name for name in names if library(name)))


def try_outputs(options: argparse.Namespace) -> None:
    """Fail now and not after forty minutes, where a file that was asked for cannot be written."""
    if options.json:
        try:
            with open(options.json, "a") as file:
                file.write("\n")  # what stands there is kept, and stays JSON; only a byte shows whether there is room
        except OSError as error:
            raise unwritable("--json", options.json, error) from None
    if options.svg:
        try:
            Path(options.svg).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=options.svg).close()
        except OSError as error:
            raise unwritable("--svg", options.svg, error) from None


def unwritable(option: str, where: str, error: OSError) -> procs.BenchError:
    return procs.BenchError(f"{option} {where}: cannot be written: {error.strerror}")


def write(options: argparse.Namespace, about: dict, results: list[dict]) -> bool:
    """The files that were asked for, as far as it goes: whether all are written. What is not is complained of."""
    failed = []
    if options.json and results:
        try:
            Path(options.json).write_text(json.dumps(about | {"results": results}, indent=1))
        except OSError as error:
            failed.append(unwritable("--json", options.json, error))
    if options.svg and results:
        try:
            for name, picture in charts(results).items():
                (Path(options.svg) / name).write_text(picture)
        except OSError as error:
            failed.append(unwritable("--svg", options.svg, error))
    for error in failed:
        complain(str(error))
    return not failed


def again(options: argparse.Namespace) -> int:
    """Report on figures that are there: those of --only, if that is given."""
    try:
        about = json.loads(Path(options.earlier).read_text())
        found = about.pop("results")
    except (OSError, ValueError, KeyError):
        raise procs.BenchError(f"--from {options.earlier}: there are no figures") from None
    try_outputs(options)
    chosen = [result for result in found if not options.only or result["server"] in options.only]
    facts = [about[name] for name in FACTS if name != "versions" or not options.only]
    print(paragraph([*facts, *about["notes"]], options.markdown), flush=True)
    for workload in dict.fromkeys(result["workload"] for result in chosen):
        print(show(workload, [result for result in chosen if result["workload"] == workload], options), flush=True)
    return 0 if write(options, about, chosen) else 1


def run(options: argparse.Namespace) -> int:
    """Measure, and write what is complete, though Ctrl-C or an error ends it early. Gives the exit status."""
    about, results = head(options), []
    try_outputs(options)
    try:
        compare(options, results)
    finally:
        written = write(options, about, results)
    return 0 if written else 1


def main() -> int:
    options = parse()
    try:
        with procs.exits_cleanly():
            return again(options) if options.earlier else run(options)
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except (procs.BenchError, OSError) as error:
        complain(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
