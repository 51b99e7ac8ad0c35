#!/usr/bin/env python3
"""A storm of newcomers: how long do those wait who are in already, while thousands connect at once?

One connection of an echo asks again and again from this process, before the storm and during it; another process dials
5,000 connections and holds them. What counts is the longest answer that the one had to wait for. The server, who asks
and who dials are three, and a machine may have fewer cores: so the one who dials takes a core that nobody else wants,
and what the server or who asks waited for a core, which the kernel tells, is not counted as the server's. Both may have
waited at one time, so only the longer of the two waits is taken off.
"""

import contextlib
import math
import os
import select
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from report.tables import figure
from runs import cores, procs, turns
from servers.programs import PROGRAMS

NEWCOMERS = 5_000
GOAL = 20.0  # ms: nobody who types or plays notices it
NAMES = (turns.US, "asyncio", "uvloop", "threads", turns.BARE)
WARM = 0.1  # seconds of asking until the server's thread that answers is known
QUIET = 1.0  # seconds of asking before the storm
PACE = 0.001  # seconds between an answer and the next question
TIMEOUT = 30.0  # seconds for one answer
QUESTION = b"are you there?"
HEADS = ["server", "before: p99 ms", "max ms", "in the storm: p99 ms", "max ms", "without a core ms", "CPU ms",
         "max on a core ms", "ms of CPU for each newcomer"]  # fmt: skip


class Wait(NamedTuple):
    """Milliseconds until one echo came; in them, of the server's CPU, and of a wait for a core, its own or ours.

    The server works meanwhile, so its CPU is that to a tick: see runs/clocks.py.
    """

    took: float
    worked: float
    coreless: float

    @property
    def own(self) -> float:
        """What is left of it for the server."""
        return self.took - self.coreless


class Storm(NamedTuple):
    """Each echo, before and during it; milliseconds of the server's CPU for each newcomer."""

    before: list[Wait]
    during: list[Wait]
    each: float

    @property
    def longest(self) -> Wait:
        """The wait that the server had most of."""
        return max(self.during, key=lambda wait: wait.own)


class Asker:
    """One connection that asks, and notes what the server did meanwhile."""

    def __init__(self, sock: socket.socket, server: procs.Server) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock, self.server = sock, server

    def ask(self, over: Callable[[], bool], *waited: Callable[[], float]) -> list[Wait]:
        """Echo after echo, one at least, until it is over. waited: of each of us, seconds without a core so far."""
        found = []
        while not found or not over():
            cpu, coreless, start = self.server.cpu_so_far(), [each() for each in waited], time.perf_counter()
            self.sock.sendall(QUESTION)
            size = 0
            while size < len(QUESTION):
                if not (data := self.sock.recv(64)):
                    raise procs.BenchError(f"{self.server.name} hung up on who was in")
                size += len(data)
            took = time.perf_counter() - start
            longer = max((each() - before for each, before in zip(waited, coreless, strict=True)), default=0.0)
            found.append(Wait(1e3 * took, 1e3 * (self.server.cpu_so_far() - cpu), 1e3 * longer))
            time.sleep(PACE)
        return found

    def ask_for(self, seconds: float) -> list[Wait]:
        end = time.monotonic() + seconds
        return self.ask(lambda: time.monotonic() > end)


def storm(name: str, python: str) -> Storm:
    """A new server, and all of it once."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(procs.Server(f"echo on {name}", list(PROGRAMS["echo"][name]), python))
        asker = Asker(stack.enter_context(socket.create_connection(server.address, TIMEOUT)), server)
        looked = cores.turns(server.pid)
        asker.ask_for(WARM)
        answers = stack.enter_context(cores.waits(server.pid, cores.busiest(server.pid, looked)))
        asks = stack.enter_context(cores.waits(os.getpid(), str(threading.get_native_id())))
        before, cpu = asker.ask_for(QUIET), server.cpu()
        load = stack.enter_context(procs.Load("idle", server.address, connections=NEWCOMERS, background=True))
        during = asker.ask(lambda: bool(select.select([load.process.stdout], [], [], 0)[0]), answers, asks)
        load.ready()
        server.wait_for_descriptors(NEWCOMERS)
        return Storm(before, during, 1e3 * (server.cpu() - cpu) / NEWCOMERS)


def p99(waits: list[Wait]) -> float:
    """What all but one in a hundred did not exceed."""
    return sorted(wait.took for wait in waits)[math.ceil(0.99 * len(waits)) - 1]


def row(name: str, storms: list[Storm]) -> list[str]:
    """A server's line: medians of the rounds."""
    columns: tuple[Callable[[Storm], float], ...] = (
        lambda storm: p99(storm.before),
        lambda storm: max(storm.before).took,
        lambda storm: p99(storm.during),
        lambda storm: max(storm.during).took,
        lambda storm: max(storm.during).coreless,
        lambda storm: max(storm.during).worked,
        lambda storm: storm.longest.own,
        lambda storm: storm.each,
    )
    return [name, *(figure(statistics.median(map(column, storms))) for column in columns)]


def own(storms: list[Storm]) -> float:
    """The longest that the server let one wait in a storm while it had a core: the median of the rounds."""
    return statistics.median(storm.longest.own for storm in storms)


def notes(found: dict[str, list[Storm]]) -> list[str]:
    """The goal, and the floor below it."""
    longest = own(found[turns.US])
    met = "met" if longest <= GOAL else "MISSED"
    said = [f"goal: nobody who is in waits longer than {GOAL:g} ms, but for a core: {figure(longest)} ms, {met}"]
    if turns.BARE in found:
        said.append(f"floor: {figure(own(found[turns.BARE]))} ms in bare Python")
    return [
        *said,
        "max ms: what one waited in all; without a core: in that time the server or who asks, whose wait was longer",
        "max on a core: the longest of all waits less theirs for a core; the goal is judged by it",
    ]


def run(options) -> None:
    procs.raise_descriptor_limit(NEWCOMERS + 2 * procs.SPARE_DESCRIPTORS)
    libraries = procs.interpreter(options.python)["libraries"]
    names = [name for name in NAMES if name != "uvloop" or name in libraries]
    found: dict[str, list[Storm]] = {name: [] for name in names}
    for number in range(max(options.rounds, turns.MORE) if options.rounds > 1 else 1):
        if number >= options.rounds and turns.agreed([one.longest.own for one in found[turns.US]], GOAL):
            break
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(storm(name, options.python))
    title = f"a storm of {NEWCOMERS:,} newcomers: what one waits for its echo who is in"
    turns.show(title, HEADS, [row(name, storms) for name, storms in found.items()], notes(found), options.markdown)


if __name__ == "__main__":
    sys.exit(turns.command(__doc__, ["storm"], run))
