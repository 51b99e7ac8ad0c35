#!/usr/bin/env python3
"""Server CPU and memory: the reactor against asyncio, uvloop and threads, case by case, with the goals checked.

CPU is user and system time of the server process alone, in nanoseconds from its process clock; "in the kernel" is the
part of it that is system time, of all rounds together. The load comes from another process that checks every byte. The
contenders of a case run side by side and take rounds in turn. A ratio is the median of the rounds' ratios, so that a
machine that is busy for a while spoils neither side alone.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from report.tables import Progress, complain, figure, paragraph, table
from runs import contest, procs
from runs.arguments import Parser, positive, seconds
from runs.contest import Contender
from runs.turns import BARE, CONTRACT, FLOORS, MORE, PROMISES, ROUNDS, agreed
from servers.programs import present

US = "reactor"
BATCH = "reactor+batch"  # with `lines_received`
PEERS = (US, "asyncio", "uvloop")
EVERYBODY = (*PEERS, "threads")
ACTIVE = {"connections": 100, "size": 100}  # who works while the others idle
HELD = 10_000  # connections
HELD_TLS = 2_000  # connections; a handshake costs both sides a millisecond
HELD_BULK = 200
BULK_GOAL = 100.0  # KiB of the MiB: two buffers of OpenSSL as large as a record, and what malloc rounds up
FINE = 2  # times as many rounds where a difference of 5 % is sought
SETTLE = 1.0  # seconds after connecting until an idle server counts as idle
IDLE_GOAL = 1000.0  # us of CPU per second: "no measurable CPU" is a tenth of a 10 ms tick of /proc/PID/stat
HEADERS = ["server", "CPU us", "lowest", "highest", "to reactor", "messages/s", "core used", "load's", "in the kernel"]


@dataclass(frozen=True)
class Goal:
    """The reactor's figure is at most `factor` times the peer's."""

    peer: str
    factor: float
    us: str = US


@dataclass(frozen=True)
class Case:
    """Rounds of one kind of load on several servers."""

    name: str
    title: str
    service: str
    load: dict
    contenders: tuple[str, ...]
    goals: tuple[Goal, ...]
    full: bool = False  # left out unless asked for: it takes minutes
    mode: str | None = None  # of the load, where it is not the service's name


@dataclass
class Outcome:
    """What one case gave: a table and sentences about goals."""

    title: str
    headers: list[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def show(self, markdown: bool) -> str:
        heading = f"**{self.title}**" if markdown else self.title
        notes = "\n".join(f"- {note}" if markdown else f"  {note}" for note in self.notes)
        return f"\n{heading}\n\n{table(self.headers, self.rows, markdown)}\n\n{notes}".rstrip()


def echo(name: str, size: int, text: str, goals: tuple[Goal, ...], service: str = "echo") -> Case:
    """Echoes of one size."""
    title = f"echo{' over TLS' if service == 'tls' else ''}, {text}, 100 connections: server CPU per message"
    others = EVERYBODY if name == "echo-100" else PEERS  # what threads cost is seen at one size
    floors = {"tls": (BARE,), "bulk": (BARE, CONTRACT)}.get(service, (BARE, CONTRACT, PROMISES))
    mode = "echo" if service == "bulk" else None
    return Case(name, title, service, {"connections": 100, "size": size}, (*others, *floors), goals, mode=mode)


def lines(count: int, goals: tuple[Goal, ...]) -> Case:
    """A reply to each of so many lines that come at once."""
    how = f"{count} pipelined, one reply each" if count > 1 else "one a request"
    title = f"lines, 100 connections, {how}: server CPU per line"
    batches = (BATCH, "asyncio+join", "uvloop+join") if count > 1 else ()
    floors = (BARE, CONTRACT, f"{CONTRACT}+batch") if count > 1 else (BARE, CONTRACT)
    everybody = (*PEERS, *batches, *floors)
    return Case(f"lines-{count}", title, "lines", {"connections": 100, "pipeline": count}, everybody, goals)


ECHO_GOALS = (Goal("uvloop", 1.0), Goal("asyncio", 0.9))
LARGE_GOALS = (Goal("uvloop", 1.0), Goal("asyncio", 1.0))
TLS_GOALS = (Goal("uvloop", 1.10), Goal("asyncio", 1.0))
FANOUT_GOALS = (Goal("asyncio", 0.06), Goal("uvloop", 0.06))
CASES = (
    echo("echo-100", 100, "100 B", ECHO_GOALS),
    echo("echo-1k", 1024, "1 KiB", ECHO_GOALS),
    echo("echo-10k", 10240, "10 KiB", ECHO_GOALS),
    echo("echo-100k", 102400, "100 KiB", LARGE_GOALS, "bulk"),
    echo("tls-100", 100, "100 B", TLS_GOALS, "tls"),
    echo("tls-10k", 10240, "10 KiB", TLS_GOALS, "tls"),
    lines(1, (Goal("uvloop", 1.15),)),
    lines(16, (Goal("uvloop", 0.17), Goal("uvloop", 0.12, BATCH))),
    lines(64, (Goal("uvloop", 0.06, BATCH),)),
    Case(
        "fanout-100", "fan-out, 100 members, 100 senders: server CPU per delivery", "chat",
        {"connections": 100, "senders": 100, "size": 50}, (*EVERYBODY, "C"), FANOUT_GOALS,
    ),
    Case(
        "fanout-1000", "fan-out, 1,000 members, 100 senders: server CPU per delivery", "chat",
        {"connections": 1000, "senders": 100, "size": 50}, (*PEERS, "C"), (*FANOUT_GOALS, Goal("C", 3.0)), full=True,
    ),
    Case(
        "accept", "connect, one exchange of 100 B, close; 50 at a time: server CPU per connection", "echo",
        {"connections": 50, "size": 100}, (*EVERYBODY, BARE, CONTRACT, PROMISES),
        (Goal("asyncio", 0.55), Goal("uvloop", 1.2)), mode="churn",
    ),
    Case(
        "tls-accept", "connect, resume TLS, one exchange of 100 B, close; 50 at a time: server CPU per connection",
        "tls", {"connections": 50, "size": 100}, (*PEERS, BARE), (Goal("asyncio", 1.0),), mode="tls-churn",
    ),
)  # fmt: skip


def run_case(case: Case, options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """Start every contender of a case, let them take rounds in turn, and judge."""
    mode = case.mode or case.service
    names = present(case.contenders, options)
    with ExitStack() as stack:
        contenders = {}
        for name in names:
            tick(f"connecting to {name}")
            contenders[name] = stack.enter_context(contest.starting(case.service, name, options.python))
            contenders[name].connect(mode, **case.load)
        judged = [goal for goal in case.goals if {goal.us, goal.peer} <= contenders.keys()]

        def decided() -> bool:
            return all(
                agreed(contest.ratios(contenders[goal.us], contenders[goal.peer]), goal.factor) for goal in judged
            )

        contest.alternate(list(contenders.values()), options.rounds, options.seconds, tick, decided)
        tick("stopping")
    rows = [cost_row(name, contenders.get(name), contenders[US]) for name in case.contenders]
    notes = [note for goal in case.goals for note in (judge(goal, contenders), *floor(goal, contenders))]
    return Outcome(case.title, HEADERS, rows, notes)


def cost_row(name: str, contender: Contender | None, ours: Contender) -> list[str]:
    """One line of a case's table, in the order of HEADERS."""
    if contender is None:
        return [name, "not installed", *["-"] * (len(HEADERS) - 2)]
    costs = [1e6 * round_["cpu_per_message"] for round_ in contender.rounds]
    return [
        name,
        figure(1e6 * contender.median("cpu_per_message")),
        figure(min(costs)),
        figure(max(costs)),
        figure(contest.ratio(contender, ours)),
        figure(contender.median("rate")),
        f"{contender.median('busy'):.0%}",
        f"{contender.median('load_busy'):.0%}",
        "-" if (kernel := contender.in_kernel()) is None else f"{kernel:.0%}",
    ]


def judge(goal: Goal, contenders: dict[str, Contender]) -> str:
    """A sentence about one goal."""
    if goal.peer not in contenders:
        return f"goal: at most {goal.factor:.2f} of {goal.peer}: not checked, {goal.peer} is not installed"
    found = contest.ratio(contenders[goal.us], contenders[goal.peer])
    how = " with lines_received" if goal.us == BATCH else ""
    return verdict(f"at most {goal.factor:.2f} of {goal.peer}{how}", found, goal.factor)


def floor(goal: Goal, contenders: dict[str, Contender]) -> list[str]:
    """What the least that Python can do is of the peer, where that was measured; it stands below the goal."""
    found = []
    for least, how in FLOORS.items():
        name = f"{least}+batch" if least == CONTRACT and goal.us == BATCH else least
        if {name, goal.peer} <= contenders.keys():
            ratio = contest.ratio(contenders[name], contenders[goal.peer])
            found.append(f"{figure(ratio)} of {goal.peer} {how}")
    return ["floor: " + ", ".join(found)] if found else []


def verdict(wanted: str, found: float, limit: float, unit: str = "", *, below: bool = False) -> str:
    """A sentence about a goal: "at most" the limit, or `below` it.

    >>> verdict("at most 1 s", 1.0, 1.0, " s"), verdict("below 1 s", 1.0, 1.0, " s", below=True)
    ('goal: at most 1 s: 1.00 s, met', 'goal: below 1 s: 1.00 s, MISSED')
    """
    met = found < limit if below else found <= limit
    return f"goal: {wanted}: {figure(found)}{unit}, {'met' if met else 'MISSED'}"


def run_memory(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """Resident memory of each of many open connections."""
    count = connections_allowed(HELD)
    outcome = Outcome(f"{count:,} connections held open: resident memory of the echo server", [
        "server", "bytes each", "KiB each", "before MiB", "with all MiB"])  # fmt: skip
    for name in PEERS:
        if name not in present((name,), options):
            outcome.rows.append([name, "not installed", "-", "-", "-"])
            continue
        with contest.starting("echo", name, options.python) as contender:
            tick(f"{name}: {count:,} connections")
            contender.warm_up("echo", **ACTIVE)
            before = contender.server.memory()
            hold(contender, count)
            after = contender.server.memory()
        each = (after - before) / count
        cells = (figure(each), figure(each / 1024), figure(before / 2**20), figure(after / 2**20))
        outcome.rows.append([name, *cells])
        if name == US:
            outcome.notes.append(verdict("at most 1.2 KiB each", each / 1024, 1.2, " KiB"))
    return outcome


def run_tls_memory(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """Resident memory of each of many open TLS connections that have exchanged a message; most of it is OpenSSL's."""
    title = f"{HELD_TLS:,} TLS connections held open: resident memory of the echo server"
    return tls_memory(title, HELD_TLS, ACTIVE["size"], options, tick)


def run_tls_bulk(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """The same of connections that have carried much: none of it is kept, but for what OpenSSL keeps of a record."""
    title = f"{HELD_BULK:,} TLS connections that each echoed 1 MiB: resident memory of the echo server"
    outcome = tls_memory(title, HELD_BULK, 1 << 20, options, tick)
    kept = float(outcome.rows[0][1].replace(",", ""))
    outcome.notes.append(verdict(f"at most {BULK_GOAL:.0f} KiB each", kept, BULK_GOAL, " KiB"))
    return outcome


def tls_memory(title: str, count: int, size: int, options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """Resident memory of `count` TLS connections that have exchanged one message of that size."""
    outcome = Outcome(title, ["server", "KiB each", "before MiB", "with all MiB"])
    connections_allowed(count)
    for name in PEERS:
        if name not in present((name,), options):
            outcome.rows.append([name, "not installed", "-", "-"])
            continue
        with contest.starting("tls", name, options.python) as contender:
            tick(f"{name}: {count:,} TLS connections")
            contender.warm_up("tls", **ACTIVE)
            before = contender.server.memory()
            contender.connect("tls", connections=count, size=size)
            after = contender.server.memory()
        each = (after - before) / count / 1024
        outcome.rows.append([name, figure(each), figure(before / 2**20), figure(after / 2**20)])
    return outcome


def hold(contender: Contender, count: int) -> None:
    """Open idle connections and wait until the server has taken them all in."""
    contender.connect("idle", connections=count)
    contender.server.wait_for_descriptors(count)
    contender.load.round(SETTLE)  # anything but silence is an error


def connections_allowed(wanted: int) -> int:
    """As many connections as the limit of open files lets one process hold."""
    needed = wanted + 2 * procs.SPARE_DESCRIPTORS
    limit = procs.raise_descriptor_limit(needed)
    if limit < needed:
        print(f"ulimit -n allows only {limit}: fewer than {wanted:,} connections are held", file=sys.stderr)
    return min(wanted, limit - 2 * procs.SPARE_DESCRIPTORS)


def run_active(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """The cost of active connections with and without many idle ones beside them."""
    count = connections_allowed(HELD)
    with ExitStack() as stack:
        tick(f"{count:,} idle connections")
        alone = stack.enter_context(contest.starting("echo", US, options.python))
        crowded = stack.enter_context(contest.starting("echo", US, options.python))
        hold(crowded, count)
        stack.enter_context(crowded.load)  # keeps the idle ones while connect() brings the active ones
        alone.name, crowded.name = "none idle", f"{count:,} idle"
        for contender in (alone, crowded):
            contender.connect("echo", **ACTIVE)
        contest.alternate([alone, crowded], FINE * options.rounds, options.seconds, tick)
        tick("stopping")
    rows = [cost_row(contender.name, contender, alone) for contender in (alone, crowded)]
    headers = ["reactor", *HEADERS[1:4], "to none idle", *HEADERS[5:]]
    note = verdict("idle ones add less than 5 %", 100 * (contest.ratio(crowded, alone) - 1), 5.0, " %", below=True)
    return Outcome(f"echo, 100 B, 100 active connections, {count:,} idle ones beside them", headers, rows, [note])


def run_idle(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """CPU of servers to whom nobody talks."""
    outcome = Outcome(f"idle with 100 connections for {options.idle:g} s", ["server", "CPU us per second"])
    names = present(EVERYBODY, options)
    with ExitStack() as stack:
        contenders = []
        for name in names:
            tick(f"connecting to {name}")
            contenders.append(stack.enter_context(contest.starting("echo", name, options.python)))
            contenders[-1].connect("idle", connections=100)
        time.sleep(SETTLE)
        tick(f"watching for {options.idle:g} s")
        before = [contender.server.cpu() for contender in contenders]
        start = time.monotonic()
        time.sleep(options.idle)
        seconds = time.monotonic() - start
        used = [(c.server.cpu() - cpu) / seconds for c, cpu in zip(contenders, before, strict=True)]
    outcome.rows = [[c.name, figure(1e6 * cpu)] for c, cpu in zip(contenders, used, strict=True)]
    outcome.notes.append(verdict(f"at most {IDLE_GOAL:,.0f} us per second", 1e6 * used[0], IDLE_GOAL, " us"))
    return outcome


def all_cases() -> dict[str, tuple[Callable[..., Outcome], bool]]:
    """Every case by name: what runs it, and whether only --full includes it."""
    cases = {case.name: (lambda *args, case=case: run_case(case, *args), case.full) for case in CASES}
    return cases | {
        "memory": (run_memory, False),
        "tls-memory": (run_tls_memory, False),
        "tls-bulk": (run_tls_bulk, False),
        "active": (run_active, False),
        "idle": (run_idle, False),
    }


def parse() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument("--only", action="append", choices=list(all_cases()), metavar="NAME",
                        help=f"only this case (may be repeated): {', '.join(all_cases())}")  # fmt: skip
    parser.add_argument("--full", action="store_true", help="include fanout-1000")
    parser.add_argument("--rounds", type=positive, default=ROUNDS, help=f"{ROUNDS}, and up to {MORE} near a goal")
    parser.add_argument("--seconds", type=seconds, default=0.5, help="length of a round (0.5)")
    parser.add_argument("--idle", type=seconds, default=5.0, help="seconds of watching idle servers (5)")
    parser.add_argument("--python", default=sys.executable, help="interpreter of all servers, say one with uvloop")
    parser.add_argument("--markdown", action="store_true", help="tables for a README")
    return parser.parse_args()


def outcomes(options: argparse.Namespace) -> Iterator[Outcome]:
    """Run the chosen cases one after another."""
    chosen = {
        name: run for name, (run, full) in all_cases().items()
        if (name in options.only if options.only else options.full or not full)
    }  # fmt: skip
    yield from in_turn(chosen, options)


def in_turn(cases: dict[str, Callable[..., Outcome]], options: argparse.Namespace) -> Iterator[Outcome]:
    """Run cases one after another, and show how far they are."""
    progress = Progress(len(cases))
    for name, run in cases.items():
        progress.next(name)
        outcome = run(options, progress.tick)
        progress.clear()
        yield outcome


def report(options: argparse.Namespace, outcomes: Callable[[argparse.Namespace], Iterator[Outcome]]) -> int:
    """Say on what is measured, then each outcome as it comes. Gives the exit status."""
    try:
        with procs.exits_cleanly():
            options.about = procs.interpreter(options.python)
            length = f" of {options.seconds:g} s" if options.seconds else ""
            facts = [
                procs.versions(options.about),
                procs.machine(),
                f"medians of {options.rounds} rounds{length}, up to {MORE} near a goal",
            ]
            print(paragraph(facts, options.markdown))
            for outcome in outcomes(options):
                print(outcome.show(options.markdown), flush=True)
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except procs.BenchError as error:
        complain(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(report(parse(), outcomes))
