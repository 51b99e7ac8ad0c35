#!/usr/bin/env python3
"""The chat server against the chats that people write: one thread per member, and asyncio with a write per member.

Four questions: what a delivery costs, how long it takes while all servers get the same lines at the same times, what
it costs that a thousand join at once, and how a very large room is held. Costs are CPU of the server process alone;
the load comes from another process, which checks that every member gets every line. Servers run side by side and take
rounds in turn.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from cpu import BARE, EVERYBODY, US, Outcome, in_turn, report, verdict
from load.rooms import CROWD_QUIET
from load.samples import load_bound, off_rate
from report.tables import figure
from runs import contest, procs
from runs.arguments import Parser, positive, positive_number, seconds
from runs.turns import MORE, ROUNDS, agreed
from servers.programs import present

SIZE = 50  # bytes of a line: a sentence
TALKERS = 100  # of a room
FEW = 10  # of the very large room: each line is ten thousand deliveries
TENFOLD = 10.0  # how many times the deliveries of the others a CPU second must give
STORMS = 2  # times that all join: each takes a new server, and the cost hardly varies
ROOM_MEMORY = 100.0  # MiB that a server with the very large room may have resident
BOUND = "load-bound"
RATES = [10.0, 50.0, 100.0]  # lines a second
LINES = 30  # of a round at least: medians of ten lines of the same server differ by a fifth
TIMES = ("p50", "p99")
READS = "the members who talk are heard by a process of their own, and measured; the others are read by another"


@contextmanager
def seated(
    names: tuple[str, ...], options: argparse.Namespace, tick: Callable[[str], None], **load: object
) -> Iterator[list[contest.Contender]]:
    """These servers with one room each."""
    with ExitStack() as stack:
        contenders = []
        for name in present(names, options):
            tick(f"joining {name}")
            contenders.append(stack.enter_context(contest.starting("chat", name, options.python)))
            contenders[-1].connect("chat", connections=options.members, senders=options.senders, size=SIZE, **load)
        yield contenders


def run_deliveries(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """Everybody talks as fast as all have heard."""
    with seated(EVERYBODY, options, tick) as contenders:
        contest.alternate(contenders, options.rounds, options.seconds, tick)
        tick("stopping")
    ours = contenders[0]
    rows, notes = [], []
    for contender in contenders:
        times = contest.ratio(contender, ours)
        rows.append([
            contender.name, figure(1 / contender.median("cpu_per_message")),
            figure(1e6 * contender.median("cpu_per_message")), figure(times), figure(contender.median("rate")),
        ])  # fmt: skip
        if contender.name in ("threads", "asyncio"):
            kept = "met" if times >= TENFOLD else "MISSED"
            notes.append(f"goal: {TENFOLD:.0f} times the deliveries of {contender.name}: {figure(times)}, {kept}")
    title = f"one room, {options.members:,} members, {options.senders:,} of them talk: deliveries"
    return Outcome(title, ["server", "per CPU s", "CPU us each", "reactor's times", "per s"], rows, notes)


def run_latency(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """Lines come at their times, whatever the server does; the same servers at one rate after the other."""
    rows, notes = [], []
    with seated((*EVERYBODY, BARE), options, tick, rate=options.rates[0]) as contenders:
        for rate in options.rates:
            for contender in contenders:
                contender.rounds.clear()
            ours, rest = contenders[0], [c for c in contenders if c.name in ("threads", "asyncio")]

            def decided(ours: contest.Contender = ours, rest: list[contest.Contender] = rest) -> bool:
                return all(agreed(contest.ratios(ours, other, name), 1.0) for other in rest for name in TIMES)

            contest.alternate(contenders, options.rounds, max(options.seconds, LINES / rate), tick, decided, rate)
            rows += [[f"{rate:g}", *latency_row(contender)] for contender in contenders]
            notes += [note for other in rest for name in TIMES for note in judged(contenders, other, name, rate)]
        if any(BOUND in row for row in rows):
            notes.append(f"{BOUND}: the load generator said its lines late, or was too busy to read what had come")
        tick("stopping")
    title = f"a room of {options.members:,}: latency of a delivery from the time its line was due"
    headers = ["lines a second", "server", "p50 ms", "p99 ms", "said late p99 ms", "core used", "load's"]
    return Outcome(title, headers, rows, [*notes, READS])


def latency_row(contender: contest.Contender) -> list[str]:
    """One server's latencies, and how far its load generator can be trusted."""
    hidden = spoiled(contender)
    return [
        contender.name,
        *(BOUND if hidden else figure(1e3 * contender.median(name)) for name in TIMES),
        figure(1e3 * contender.median("late")),
        f"{contender.median('busy'):.0%}",
        f"{contender.median('load_busy'):.0%}",
    ]


def spoiled(contender: contest.Contender) -> bool:
    """Whether the latencies are largely the generator's own: lines said late, or deliveries that waited for it."""
    late = off_rate(contender.median("late"), contender.median("p99"))
    return late or load_bound(contender.median("load_busy"), contender.median("busy"))


def judged(contenders: list[contest.Contender], other: contest.Contender, name: str, rate: float) -> tuple[str, ...]:
    """The goal that our latency is no longer than another's, by the median of the rounds' ratios, and its floor."""
    ours, bare = contenders[0], contenders[-1]
    wanted = f"{name} at {rate:g} lines a second at most 1.00 of {other.name}"
    if spoiled(ours) or spoiled(other):
        return (f"goal: {wanted}: not judged, the load generator was late",)
    floor = f"floor: {figure(contest.ratio(bare, other, name))} of {other.name} in bare Python"
    return verdict(wanted, contest.ratio(ours, other, name), 1.0), floor


def run_room(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """Very many join one room of ours, and some of them talk."""
    count = options.room
    procs.raise_descriptor_limit(count + 2 * procs.SPARE_DESCRIPTORS)
    tick(f"{count:,} join")
    with contest.starting("chat", US, options.python) as contender:
        before, cpu = contender.server.memory(), contender.server.cpu()
        start = time.monotonic()
        contender.connect("chat", connections=count, senders=FEW, size=SIZE, timeout=120.0)
        joined, cpu = time.monotonic() - start, contender.server.cpu() - cpu
        seated = contender.server.memory()
        for number in range(options.rounds):
            tick(f"round {number + 1} of {options.rounds}")
            contender.round(options.seconds)
        after = contender.server.memory()
        tick("stopping")
    rows = [
        ["seconds to join and fall silent", figure(joined)],
        ["server CPU us for each who joins", figure(1e6 * cpu / count)],
        ["MiB before, with all, after talking", ", ".join(figure(size / 2**20) for size in (before, seated, after))],
        ["KiB each", figure((seated - before) / count / 1024)],
        ["deliveries a second", figure(contender.median("rate"))],
        ["server CPU us for each", figure(1e6 * contender.median("cpu_per_message"))],
    ]
    wanted = f"resident memory below {ROOM_MEMORY:.0f} MiB"
    note = verdict(wanted, after / 2**20, ROOM_MEMORY, " MiB", below=True)
    return Outcome(f"one room of {count:,} members, {FEW} of them talk", ["the reactor's chat", "figure"], rows, [note])


def run_joins(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """All come at once, and everybody hears of everybody."""
    rows = []
    for name in present(EVERYBODY, options):
        costs, spans = [], []
        for number in range(min(options.rounds, STORMS)):
            tick(f"{name}: storm {number + 1}")
            with contest.starting("joins", name, options.python) as contender:
                cpu, start = contender.server.cpu(), time.monotonic()
                contender.connect("chat", connections=options.members, senders=1, size=SIZE)
                spans.append(time.monotonic() - start)
                costs.append((contender.server.cpu() - cpu) / options.members)
        cost = statistics.median(costs)
        rows.append([
            name, figure(1e6 * cost), figure(1e6 * min(costs)), figure(1e6 * max(costs)),
            figure(cost * options.members), figure(statistics.median(spans)),
        ])  # fmt: skip
    title = f"{options.members:,} join one room at once, and each is announced to all who are there"
    headers = ["server", "CPU us each", "lowest", "highest", "CPU s in all", "s until it is quiet"]
    note = f"until it is quiet: {CROWD_QUIET} s without a byte are part of it; the reactor's chat announces in groups"
    return Outcome(title, headers, rows, [note])


CASES = {"deliveries": run_deliveries, "latency": run_latency, "joins": run_joins, "room": run_room}


def outcomes(options: argparse.Namespace) -> Iterator[Outcome]:
    chosen = {name: run for name, run in CASES.items() if not options.only or name in options.only}
    yield from in_turn(chosen, options)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(__doc__)
    option = parser.add_argument
    option("--only", action="append", choices=list(CASES), metavar="NAME", help=f"one of {', '.join(CASES)}")
    option("--members", type=positive, default=1000, help="in one room, at least 2 (1000)")
    option("--senders", type=positive, help=f"of them talk ({TALKERS}, or all if they are fewer)")
    option("--rate", type=positive_number, action="append", dest="rates", metavar="LINES",
           help="a second in all, where latency is measured (may be repeated; 10, 50, 100)")  # fmt: skip
    option("--room", type=positive, default=10_000, help=f"members of the very large room, at least {FEW} (10000)")
    option("--rounds", type=positive, default=ROUNDS, help=f"for each server, {ROUNDS}, up to {MORE} near a goal")
    option("--seconds", type=seconds, default=1.0, help="length of a round (1)")
    option("--python", default=sys.executable, help="interpreter of all servers, say one with uvloop")
    option("--markdown", action="store_true", help="tables for a README")
    options = parser.parse_args(arguments)
    if options.members < 2:
        parser.error("argument --members: must be at least 2: alone, nobody hears anything")
    if options.room < FEW:
        parser.error(f"argument --room: must be at least {FEW}: so many talk")
    options.rates = options.rates or RATES
    options.senders = options.senders or min(TALKERS, options.members)
    if options.senders > options.members:
        parser.error(f"argument --senders: there are only {options.members} members")
    return options


if __name__ == "__main__":
    sys.exit(report(parse(), outcomes))
