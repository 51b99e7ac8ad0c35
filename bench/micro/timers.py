#!/usr/bin/env python3
"""Timers scheduled and cancelled in a second of CPU: the reactor against asyncio and uvloop, round by round.

A timeout is a timer that hardly ever fires: it is scheduled, and cancelled when the answer is there. A loop that does
nothing else takes a tick after each batch of a thousand, so that all may sweep up behind themselves as they do in
service. Needs nothing; uvloop takes part where it can be imported.
"""

import argparse
import asyncio
import contextlib
import gc
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the folder bench/
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))  # a fresh clone needs no installation

from reactor import Reactor
from report.tables import Progress, complain, figure, table
from runs.arguments import Parser, positive
from runs.procs import BenchError
from runs.turns import quotients

BATCH = 1000  # timers between two ticks
DELAY = 30.0  # seconds: none of them fires while this runs
HEADERS = ["timers", "loop", "million/s", "lowest", "highest", "to reactor", "MiB grown"]


def nothing() -> None:
    """What a timer would call."""


@dataclass
class Contender:
    """A loop, its tick, and seconds for a timer in each round."""

    name: str
    call_later: Callable
    tick: Callable[[], object]
    close: Callable[[], None]
    rounds: list[float] = field(default_factory=list)
    grown: float = 0.0  # MiB


@dataclass(frozen=True)
class Pattern:
    """How timers come and go: each is cancelled when `behind` others have come after it, beside `standing` ones."""

    title: str
    behind: int = 0
    standing: int = 0


def patterns(count: int) -> list[Pattern]:
    return [
        Pattern("cancelled at once"),
        Pattern("at once, beside 100,000", standing=100_000),
        Pattern("cancelled 1,000 later", behind=1000),
        Pattern(f"{count:,} scheduled, then all cancelled", behind=count),
    ]


def contenders() -> list[Contender]:
    makers: dict[str, Callable] = {"reactor": Reactor, "asyncio": asyncio.new_event_loop}
    with contextlib.suppress(ImportError):
        import uvloop

        makers["uvloop"] = uvloop.new_event_loop
    return [contender(name, make()) for name, make in makers.items()]


def contender(name: str, loop: Any) -> Contender:
    def tick() -> None:
        loop.call_soon(loop.stop)
        loop._tick() if isinstance(loop, Reactor) else loop.run_forever()

    return Contender(name, loop.call_later, tick, loop.close)


def at_once(contender: Contender, count: int) -> None:
    call_later = contender.call_later
    for _ in range(count // BATCH):
        for _ in range(BATCH):
            call_later(DELAY, nothing).cancel()
        contender.tick()


def after_others(contender: Contender, count: int, behind: int) -> None:
    call_later, waiting = contender.call_later, deque()
    for _ in range(count // BATCH):
        for _ in range(BATCH):
            waiting.append(call_later(DELAY, nothing))
            if len(waiting) > behind:
                waiting.popleft().cancel()
        contender.tick()
    for timer in waiting:
        timer.cancel()
    contender.tick()


def one_round(contender: Contender, pattern: Pattern, count: int) -> float:
    """Seconds of CPU for one timer, scheduled and cancelled: others may keep the machine busy meanwhile."""
    standing = [contender.call_later(DELAY, nothing) for _ in range(pattern.standing)]
    gc.collect()
    start = time.process_time()
    if pattern.behind:
        after_others(contender, count, pattern.behind)
    else:
        at_once(contender, count)
    seconds = time.process_time() - start
    for timer in standing:
        timer.cancel()
    contender.tick()
    return seconds / count


def run(pattern: Pattern, options: argparse.Namespace, tick: Callable[[str], None]) -> list[list[str]]:
    """All rounds of one pattern, in turns forwards and backwards: one row for each contender."""
    everybody = contenders()
    for contender in everybody:
        one_round(contender, pattern, options.count)  # the heap grows to what the pattern needs
    for number in range(options.rounds):
        for contender in everybody if number % 2 == 0 else reversed(everybody):
            tick(f"round {number + 1} of {options.rounds}: {contender.name}")
            before = resident()
            contender.rounds.append(one_round(contender, pattern, options.count))
            contender.grown += resident() - before
    for contender in everybody:
        contender.close()
    return [row(pattern, contender, everybody[0]) for contender in everybody]


def row(pattern: Pattern, contender: Contender, ours: Contender) -> list[str]:
    costs = contender.rounds
    ratio = statistics.median(quotients(costs, ours.rounds))
    speeds = [1e-6 / cost for cost in (statistics.median(costs), max(costs), min(costs))]
    grown = "-" if resident() == 0 else figure(max(0.0, contender.grown))
    return [pattern.title, contender.name, *map(figure, speeds), figure(ratio), grown]


def resident() -> float:
    """MiB of memory that this process has now; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) / 256
    except OSError:
        return 0.0


def main() -> int:
    parser = Parser(__doc__)
    parser.add_argument("--rounds", type=positive, default=7, help="rounds for each loop; medians are shown (7)")
    parser.add_argument("--count", type=positive, default=100_000, help="timers a round, in thousands (100,000)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()
    options.count = max(1, options.count // BATCH) * BATCH
    todo = patterns(options.count)
    progress = Progress(len(todo))
    rows = []
    try:
        for pattern in todo:
            progress.next(pattern.title)
            rows += run(pattern, options, progress.tick)
    except KeyboardInterrupt:
        return 130
    except BenchError as error:
        complain(str(error))
        return 1
    finally:
        progress.clear()
    print(table(HEADERS, rows, options.markdown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
