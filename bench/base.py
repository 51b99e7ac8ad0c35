#!/usr/bin/env python3
"""What a process costs that serves nobody yet: seconds until it says `listening on`, and its resident memory.

An echo server of ours beside one on asyncio, started in turn, each often; bytecode is compiled before. The ratio is the
median of the rounds' ratios.
"""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

from report.tables import figure
from runs import procs, turns

PROGRAMS = {
    "reactor": ("examples/echo_server.py",),
    "asyncio": ("bench/peers/aio_echo.py", "--loop=asyncio"),
    "uvloop": ("bench/peers/aio_echo.py", "--loop=uvloop"),
}
GOAL_TIME, GOAL_MEMORY = 0.90, 17.0  # of asyncio's, MiB
TIMES = 3  # as many starts a round: one takes a tenth of a second, and disks and schedulers have their moods


@dataclass
class Starts:
    """What the starts of one server took."""

    milliseconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # milliseconds
    memory: list[float] = field(default_factory=list)  # MiB


def start(program: tuple[str, ...], python: str) -> tuple[float, float, float]:
    """Milliseconds until it listens, milliseconds of its CPU, MiB."""
    began = time.perf_counter()
    command = [python, *program, "--port=0"]
    with subprocess.Popen(command, cwd=procs.ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            line = process.stdout.readline()
            took = time.perf_counter() - began
            if not line.startswith(b"listening on "):
                raise procs.BenchError(f"{program[0]} does not start")
            cpu = time.clock_gettime((~process.pid << 3) | 2)  # see procs.Server.cpu
            with open(f"/proc/{process.pid}/statm") as file:
                memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        finally:
            process.kill()
    return 1e3 * took, 1e3 * cpu, memory / 2**20


def measure(python: str, rounds: int) -> dict[str, Starts]:
    """Starts in turn. A server that cannot start is left out, with a word on stderr."""
    found: dict[str, Starts] = {}
    for name, program in PROGRAMS.items():
        try:
            start(program, python)
            found[name] = Starts()
        except procs.BenchError as error:
            print(f"left out: {name}: {error}", file=sys.stderr)
    for number in range(rounds):
        for name in list(found) if number % 2 else reversed(list(found)):
            several = [start(PROGRAMS[name], python) for _ in range(TIMES)]
            for kept, values in zip(vars(found[name]).values(), zip(*several, strict=True), strict=True):
                kept.append(min(values) if kept is not found[name].memory else statistics.median(values))
    return found


def run(options) -> None:
    found = measure(options.python, options.rounds)
    rows = [
        [
            name,
            *(figure(statistics.median(values)) for values in vars(starts).values()),
            figure(max(starts.milliseconds)),
        ]
        for name, starts in found.items()
    ]
    notes = []
    if {turns.US, "asyncio"} <= found.keys():
        pairs = zip(found[turns.US].milliseconds, found["asyncio"].milliseconds, strict=True)
        ratio, memory = statistics.median(a / b for a, b in pairs), statistics.median(found[turns.US].memory)
        notes.append(f"goal: start at most {GOAL_TIME:.2f} of asyncio: {figure(ratio)}, "
                     f"{'met' if ratio <= GOAL_TIME else 'MISSED'}")  # fmt: skip
        notes.append(f"goal: at most {GOAL_MEMORY:g} MiB: {figure(memory)} MiB, "
                     f"{'met' if memory <= GOAL_MEMORY else 'MISSED'}")  # fmt: skip
    heads = ["echo server", "ms until it listens", "of CPU", "resident MiB", "slowest ms"]
    title = f"a process that serves nobody yet; the best of {TIMES} starts a round"
    turns.show(title, heads, rows, notes, options.markdown)


if __name__ == "__main__":
    sys.exit(turns.command(__doc__, ["start"], run))
