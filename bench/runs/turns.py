"""Servers that take rounds in turn while this process is their load: costs, ratios, goals, a command line.

Knows no load: a case brings a function that plays one round against one server and says how many messages that was.
"""

import contextlib
import statistics
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from report.tables import figure, table
from runs import procs
from runs.arguments import Parser, positive

US = "reactor"
BARE = "bare"  # the least that a server in Python does: servers/bare.py
CONTRACT = "contract"  # the least framework: servers/contract.py
PROMISES = "promises"  # the least that keeps what a server promises: servers/promises.py
FLOORS = {BARE: "in bare Python", CONTRACT: "with the contract", PROMISES: "with a server's promises"}
"""Where they miss a goal, so do all."""
ROUNDS = 5  # of each server; where they do not agree about a goal, more
MORE = 9  # rounds at most
AGREED = 0.8  # of the rounds are on one side of a goal: four of five, eight of nine

TRIES = 50  # parts of a round until a clock must have counted something: of the shortest, a tick of 10 ms

Costs = dict[str, list[float]]


class Used(Protocol):
    """What has used so many seconds of CPU."""

    name: str

    def cpu(self) -> float: ...


def agreed(ratios: list[float], goal: float) -> bool:
    """Whether so many rounds say the same about a goal that more would not change it.

    >>> agreed([0.8, 0.9, 0.9, 0.8, 1.2], 1.0), agreed([0.9, 1.1, 0.9, 1.1, 0.9], 1.0)
    (True, False)
    """
    met = sum(ratio <= goal for ratio in ratios) / len(ratios)
    return max(met, 1 - met) >= AGREED


def started(stack: contextlib.ExitStack, programs: dict[str, list[str]], python: str) -> dict[str, procs.Server]:
    """The servers that can be started; a word on stderr for each of the others."""
    found = {}
    for name, program in programs.items():
        try:
            found[name] = stack.enter_context(procs.Server(name, program, python))
        except procs.BenchError as error:
            print(f"left out: {error}", file=sys.stderr)
    return found


def costs(
    servers: dict[str, procs.Server],
    play: Callable[[str], int],
    rounds: int,
    goals: dict[str, float],
    us: str = US,
    before_each: Callable[[], None] = lambda: None,
) -> Costs:
    """Microseconds of the server's CPU a message, round by round. play: a round against the server of that name.

    Rounds go forwards and backwards in turn, so that a drift favours nobody. As many more are played as a goal needs
    to be decided, up to MORE: a single round, which is for a look, is not judged so.
    """
    found: Costs = {name: [] for name in servers}
    for number in range(max(rounds, MORE) if rounds > 1 else 1):
        if number >= rounds and decided(found, goals, us):
            break
        before_each()
        for name in list(servers) if number % 2 else reversed(list(servers)):
            found[name].append(cost(servers[name], lambda name=name: play(name)))
    return found


def cost(server: Used, play: Callable[[], int]) -> float:
    """Microseconds of the server's CPU a message, in one round.

    A clock that counts in ticks may have counted nothing. Such a round goes on, and what is said more belongs to it:
    to leave it out would leave out the cheap ones. BenchError after TRIES, where the clock does not count at all.
    """
    before, messages = server.cpu(), 0
    for _ in range(TRIES):
        messages += play()
        if (spent := server.cpu() - before) > 0:
            return 1e6 * spent / messages
    raise procs.BenchError(f"{server.name}: its clock has counted no CPU in {messages:,} messages")


def decided(found: Costs, goals: dict[str, float], us: str = US) -> bool:
    """Whether the rounds agree about every goal."""
    return all(agreed(ratios(found, us, peer), goal) for peer, goal in goals.items() if {us, peer} <= found.keys())


def ratios(found: Costs, one: str, other: str) -> list[float]:
    """Of each round's pair: two rounds close in time share the mood of the machine."""
    return quotients(found[one], found[other])


def quotients(ones: Iterable[float], others: Iterable[float]) -> list[float]:
    """One to the other, by pairs. BenchError where something measured nothing: that is no ratio, and 0 is no cost.

    >>> quotients([1.0, 3.0], [2.0, 2.0])
    [0.5, 1.5]
    """
    pairs = list(zip(ones, others, strict=True))
    if any(a <= 0 or b <= 0 for a, b in pairs):
        raise procs.BenchError("a round counted nothing: it was too short for its clock, so there is no ratio")
    return [a / b for a, b in pairs]


def verdicts(found: Costs, goals: dict[str, float], us: str = US) -> list[str]:
    """A sentence for each peer: how we stand, and whether a goal is met where there is one.

    >>> verdicts({"reactor": [1.0, 2.0], "nginx": [2.0, 4.0], "uvicorn": [1.0, 2.0]}, {"nginx": 0.4})
    ['goal: at most 0.40 of nginx: 0.500, MISSED', '1.00 of uvicorn']
    """
    lines = []
    for peer in sorted(found.keys() - {us}) if us in found else []:
        ratio = statistics.median(ratios(found, us, peer))
        if peer not in goals:
            lines.append(f"{figure(ratio)} of {peer}")
        else:
            verdict = "met" if ratio <= goals[peer] else "MISSED"
            lines.append(f"goal: at most {goals[peer]:.2f} of {peer}: {figure(ratio)}, {verdict}")
            floors = {
                how: statistics.median(ratios(found, name, peer)) for name, how in FLOORS.items() if name in found
            }
            if floors:
                told = ", ".join(f"{figure(least)} of {peer} {how}" for how, least in floors.items())
                lines.append(f"floor: {told}")
    return lines


def rows(found: Costs) -> list[list[str]]:
    """The median, the lowest and the highest of each."""
    return [[name, *(figure(of(values)) for of in (statistics.median, min, max))] for name, values in found.items()]


HEADS = ["server", "CPU us", "lowest", "highest"]


def show(title: str, heads: list[str], cells: list[list[str]], notes: Iterable[str], markdown: bool) -> None:
    """One case, at once: what comes after it may fail."""
    print(f"\n{f'**{title}**' if markdown else title}\n\n{table(heads, cells, markdown)}\n")
    for note in notes:
        print(f"- {note}" if markdown else f"  {note}")
    sys.stdout.flush()


def outputs(parser: Parser) -> None:
    """Options of a program that draws."""
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    parser.add_argument("--svg", type=Path, metavar="DIR", help="also write charts there")


def draw(charts: dict[str, str], directory: Path | None) -> None:
    """Pictures by file name, where they are wanted."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        for name, picture in charts.items():
            (directory / name).write_text(picture)


def command(
    description: str | None,
    cases: Iterable[str],
    run: Callable[[Namespace], None],
    add: Callable[[Parser], None] | None = None,
) -> int:
    """The command line of a program whose cases are named; its status."""
    known = list(cases)
    parser = Parser(description)
    parser.add_argument("cases", nargs="*", help=f"{', '.join(known)} (all)")
    parser.add_argument("--rounds", type=positive, default=ROUNDS, help=f"{ROUNDS}, and up to {MORE} near a goal")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the servers, with the peers")
    parser.add_argument("--markdown", action="store_true", help="tables as RESULTS.md has them")
    if add is not None:
        add(parser)
    options = parser.parse_args()
    options.cases = options.cases or known
    if unknown := set(options.cases) - set(known):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    try:
        with procs.exits_cleanly():
            about = procs.interpreter(options.python)
            facts = (procs.versions(about), procs.machine(), f"medians of {options.rounds} rounds, more near a goal")
            print("\n".join(f"- {fact}" if options.markdown else fact for fact in facts))
            run(options)
    except KeyboardInterrupt:
        return 130
    except procs.BenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
