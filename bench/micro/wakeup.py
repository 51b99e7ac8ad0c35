#!/usr/bin/env python3
"""From another thread into the loop: how long until the callback runs, the reactor against asyncio's loop and others.

Alone: the loop sleeps in its poll when each call comes. In a burst: a thousand calls, as fast as the thread makes them.
Needs nothing; uvloop and rloop take part where they can be imported.
"""

import asyncio
import contextlib
import importlib
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the folder bench/
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))  # a fresh clone needs no installation

from load.samples import percentile
from reactor import Reactor
from report.tables import Progress, figure
from runs.arguments import Parser, positive
from runs.turns import show

BURST = 1000  # calls
PAUSE = 0.0003  # seconds between calls alone: every loop is asleep again by then
GOAL = 1.0  # us a call in a burst: the loop is woken once, until it has looked
DEADLINE = 30.0  # seconds until a callback that has not run is lost
HEADERS = ["loop", "alone: p50 us", "p99 us", "max us", "in a burst: us each", "lowest", "highest"]


@dataclass
class Contender:
    """A loop, and what its rounds gave."""

    name: str
    run: Callable[[], object]
    stop: Callable[[], object]
    call: Callable[..., object]
    close: Callable[[], object]
    alone: Counter[int] = field(default_factory=Counter)  # calls by whole microseconds
    bursts: list[float] = field(default_factory=list)  # microseconds a call


def contenders() -> list[Contender]:
    reactor, loop = Reactor(), asyncio.new_event_loop()
    found = [Contender("reactor", reactor.run, reactor.stop, reactor.call_soon_threadsafe, reactor.close)]
    loops = {"asyncio": loop}
    for name in ("uvloop", "rloop"):
        with contextlib.suppress(ImportError):
            loops[name] = importlib.import_module(name).new_event_loop()
    for name, loop in loops.items():
        found.append(Contender(name, loop.run_forever, loop.stop, loop.call_soon_threadsafe, loop.close))
    return found


def one_round(contender: Contender, calls: int) -> None:
    """Calls from a thread while this one runs the loop, then a burst of them."""
    errors: list[BaseException] = []

    def feed() -> None:
        try:
            alone(contender, calls)
            contender.bursts.append(burst(contender))
        except BaseException as error:
            errors.append(error)
        finally:
            contender.call(contender.stop)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    contender.run()
    thread.join()
    if errors:
        raise errors[0]


def alone(contender: Contender, calls: int) -> None:
    done: SimpleQueue[float] = SimpleQueue()
    for _ in range(calls):
        time.sleep(PAUSE)
        start = time.perf_counter()
        contender.call(lambda: done.put(time.perf_counter()))
        contender.alone[int((done.get(timeout=DEADLINE) - start) * 1e6)] += 1


def burst(contender: Contender) -> float:
    done: SimpleQueue[float] = SimpleQueue()
    left = iter(range(BURST, 0, -1))

    def count() -> None:
        if next(left) == 1:
            done.put(time.perf_counter())

    start = time.perf_counter()
    for _ in range(BURST):
        contender.call(count)
    return (done.get(timeout=DEADLINE) - start) / BURST * 1e6


def row(contender: Contender) -> list[str]:
    waits = [1e6 * (percentile(contender.alone, share) or 0.0) for share in (0.5, 0.99, 1.0)]
    bursts = contender.bursts
    return [contender.name, *map(figure, (*waits, statistics.median(bursts), min(bursts), max(bursts)))]


def verdict(ours: Contender) -> str:
    found = statistics.median(ours.bursts)
    return f"goal: at most {GOAL:g} us each in a burst: {figure(found)} us, {'met' if found <= GOAL else 'MISSED'}"


def main() -> int:
    parser = Parser(__doc__)
    parser.add_argument("--rounds", type=positive, default=9, help="rounds for each loop (9)")
    parser.add_argument("--calls", type=positive, default=1000, help="calls alone in a round (1000)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()
    everybody = contenders()
    progress = Progress(options.rounds)
    try:
        for number in range(options.rounds):
            progress.next(f"round {number + 1}")
            for contender in everybody if number % 2 == 0 else reversed(everybody):
                progress.tick(contender.name)
                one_round(contender, options.calls)
    except KeyboardInterrupt:
        return 130
    finally:
        progress.clear()
        for contender in everybody:
            contender.close()
    title = f"call_soon_threadsafe: from the call to its callback, {options.rounds} rounds"
    show(title, HEADERS, [row(contender) for contender in everybody], [verdict(everybody[0])], options.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
