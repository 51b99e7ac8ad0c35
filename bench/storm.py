#!/usr/bin/env python3
"""A storm of newcomers: how long do those wait who are in already, while thousands connect at once?

One connection of an echo asks again and again from this process, before the storm and during it; another process dials
5,000 connections as fast as it can and holds them. What counts is the longest answer that the one had to wait for.
"""

import select
import socket
import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from report.tables import figure
from runs import procs, turns
from servers.programs import PROGRAMS

NEWCOMERS = 5_000
GOAL = 20.0  # ms: nobody who types or plays notices it
NAMES = ("reactor", "asyncio", "uvloop", "threads")
QUIET = 1.0  # seconds of asking before the storm
PACE = 0.001  # seconds between an answer and the next question
QUESTION = b"are you there?"
HEADS = ["server", "before: p99 ms", "max ms", "in the storm: p99 ms", "max ms", "of it CPU ms",
         "ms of CPU for each newcomer"]  # fmt: skip


class Wait(NamedTuple):
    """Milliseconds until one echo came, and of the server's CPU meanwhile."""

    took: float
    worked: float


def ask(sock: socket.socket, server: procs.Server, over: Callable[[], bool]) -> list[Wait]:
    """Echo after echo, until it is over."""
    found = []
    while not over():
        cpu, start = server.cpu(), time.perf_counter()
        sock.sendall(QUESTION)
        size = 0
        while size < len(QUESTION):
            size += len(sock.recv(64))
        took = time.perf_counter() - start
        found.append(Wait(1e3 * took, 1e3 * (server.cpu() - cpu)))
        time.sleep(PACE)
    return found


def storm(name: str, python: str) -> tuple[list[Wait], list[Wait], float]:
    """Each echo, before and during the storm; milliseconds of the server's CPU for each newcomer."""
    with (
        procs.Server(f"echo on {name}", list(PROGRAMS["echo"][name]), python) as server,
        socket.create_connection(server.address, 30) as sock,
    ):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.monotonic() + QUIET
        before, cpu = ask(sock, server, lambda: time.monotonic() > end), server.cpu()
        with procs.Load("idle", server.address, connections=NEWCOMERS) as load:
            during = ask(sock, server, lambda: bool(select.select([load.process.stdout], [], [], 0)[0]))
            load.ready()
            server.wait_for_descriptors(NEWCOMERS)
            used = server.cpu() - cpu
    return before, during, 1e3 * used / NEWCOMERS


def p99(waits: list[Wait]) -> float:
    return statistics.quantiles([wait.took for wait in waits], n=100)[98]


def row(name: str, rounds: list[tuple[list[Wait], list[Wait], float]]) -> tuple[list[str], float, float]:
    """A server's line; its longest wait in a storm, and what it did of work in that time: medians of the rounds."""
    longest = statistics.median(max(during).took for _, during, _ in rounds)
    worked = statistics.median(max(during).worked for _, during, _ in rounds)
    figures = (
        statistics.median(p99(before) for before, _, _ in rounds),
        statistics.median(max(before).took for before, _, _ in rounds),
        statistics.median(p99(during) for _, during, _ in rounds),
        longest,
        worked,
        statistics.median(each for _, _, each in rounds),
    )
    return [name, *map(figure, figures)], longest, worked


def run(options) -> None:
    procs.raise_descriptor_limit(NEWCOMERS + 2 * procs.SPARE_DESCRIPTORS)
    libraries = procs.interpreter(options.python)["libraries"]
    rows, notes = [], []
    for name in NAMES:
        if name == "uvloop" and "uvloop" not in libraries:
            continue
        cells, longest, worked = row(name, [storm(name, options.python) for _ in range(options.rounds)])
        rows.append(cells)
        if name == turns.US:
            met = "met" if longest <= GOAL else "MISSED"
            notes.append(f"goal: nobody who is in waits longer than {GOAL:g} ms: {figure(longest)} ms, {met}")
            notes.append(f"in its longest wait the server worked {figure(worked)} ms; the rest it waited for a core")
    title = f"a storm of {NEWCOMERS:,} newcomers: what one waits for its echo who is in"
    turns.show(title, HEADS, rows, notes, options.markdown)


if __name__ == "__main__":
    sys.exit(turns.command(__doc__, ["storm"], run))
