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

from report.tables import figure
from runs import procs, turns
from servers.programs import PROGRAMS

NEWCOMERS = 5_000
GOAL = 20.0  # ms: nobody who types or plays notices it
NAMES = ("reactor", "asyncio", "uvloop", "threads")
QUIET = 1.0  # seconds of asking before the storm
PACE = 0.001  # seconds between an answer and the next question
QUESTION = b"are you there?"
HEADS = ["server", "before: p99 ms", "max ms", "in the storm: p99 ms", "max ms", "ms of CPU for each newcomer"]


def ask(sock: socket.socket, over) -> list[float]:
    """Milliseconds of each echo until it is over."""
    found = []
    while not over():
        start = time.perf_counter()
        sock.sendall(QUESTION)
        size = 0
        while size < len(QUESTION):
            size += len(sock.recv(64))
        found.append(1e3 * (time.perf_counter() - start))
        time.sleep(PACE)
    return found


def storm(name: str, python: str) -> tuple[list[float], list[float], float]:
    """Milliseconds of each echo, before and during the storm; milliseconds of the server's CPU for each newcomer."""
    with (
        procs.Server(f"echo on {name}", list(PROGRAMS["echo"][name]), python) as server,
        socket.create_connection(server.address, 30) as sock,
    ):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.monotonic() + QUIET
        before, cpu = ask(sock, lambda: time.monotonic() > end), server.cpu()
        with procs.Load("idle", server.address, connections=NEWCOMERS) as load:
            during = ask(sock, lambda: bool(select.select([load.process.stdout], [], [], 0)[0]))
            load.ready()
            server.wait_for_descriptors(NEWCOMERS)
            used = server.cpu() - cpu
    return before, during, 1e3 * used / NEWCOMERS


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def run(options) -> None:
    procs.raise_descriptor_limit(NEWCOMERS + 2 * procs.SPARE_DESCRIPTORS)
    libraries = procs.interpreter(options.python)["libraries"]
    rows, notes = [], []
    for name in NAMES:
        if name == "uvloop" and "uvloop" not in libraries:
            continue
        rounds = [storm(name, options.python) for _ in range(options.rounds)]
        longest = statistics.median(max(during) for _, during, _ in rounds)
        figures = (statistics.median(p99(before) for before, _, _ in rounds),
                   statistics.median(max(before) for before, _, _ in rounds),
                   statistics.median(p99(during) for _, during, _ in rounds), longest,
                   statistics.median(each for _, _, each in rounds))  # fmt: skip
        rows.append([name, *map(figure, figures)])
        if name == turns.US:
            met = "met" if longest <= GOAL else "MISSED"
            notes.append(f"goal: nobody who is in waits longer than {GOAL:g} ms: {figure(longest)} ms, {met}")
    title = f"a storm of {NEWCOMERS:,} newcomers: what one waits for its echo who is in"
    turns.show(title, HEADS, rows, notes, options.markdown)


if __name__ == "__main__":
    sys.exit(turns.command(__doc__, ["storm"], run))
