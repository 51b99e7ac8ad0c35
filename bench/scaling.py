#!/usr/bin/env python3
"""Workers: what several processes on one port bring beside one, and how evenly the kernel spreads newcomers.

Measured: an echo and an HTTP server with one process and with one for each core, 100 connections; messages a second,
and CPU of all workers for each. The load has its share of the same cores, so its rate does not grow with workers here:
what a message costs is what tells. Reckoned from that: the rate of N workers with a core each, where the fullest has
all it can do and the others wait for their share. Simulated: how full the fullest is, SO_REUSEPORT giving each
connection to a worker by a hash of its addresses and ports, against one queue from which the idle take.
"""

import contextlib
import json
import os
import random
import socket
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

from load.talk import Talk
from report.charts import Chart, render
from report.tables import figure
from runs import clocks, procs, turns

CONNECTIONS = 100
TIMES = {"echo": 100, "HTTP": 60}
PROGRAMS = {"echo": "examples/echo_server.py", "HTTP": "examples/json_service.py"}
PAYLOAD = b"x" * 100
REQUEST = b"GET /notes HTTP/1.1\r\nHost: here\r\n\r\n"
WORKERS = (1, 2, 4, 8, 16, 32)
CROWDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # connections for each worker
TRIALS = 300  # of a simulated crowd
SEED = 1


class Workers(procs.Server):
    """A server whose workers count as one. `count` 0: it serves alone."""

    def __init__(self, case: str, count: int, python: str) -> None:
        self.known: list[int] = []
        super().__init__(f"{case} with {count} workers", [PROGRAMS[case], f"--workers={count}"], python)

    def pids(self) -> list[int]:
        """It and its children."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as file:
            return [self.pid, *map(int, file.read().split())]

    def cpu(self) -> float:
        """Of all of them, once they sleep. A worker that ended would take its seconds along."""
        pids = self.pids()
        if pids != (self.known or pids):
            raise procs.BenchError(f"{self.name}: a worker has ended")
        self.known = pids
        clocks.rest(pids)
        return sum(map(clocks.used, pids))

    def spread(self) -> list[int]:
        """Descriptors of each worker: they differ by its connections."""
        return [len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids()[1:]]


def dial(server: Workers) -> Talk:
    """CONNECTIONS, and what was there before them is known by then."""

    def one() -> socket.socket:
        sock = socket.create_connection(server.address, 30)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    return Talk(one() for _ in range(CONNECTIONS))


def answer_size(talk: Talk, case: str) -> int:
    """Bytes of one answer."""
    if case == "echo":
        return len(PAYLOAD)
    sock = talk.socks[0]
    sock.sendall(REQUEST)
    data = b""
    while b"\r\n\r\n" not in data or not data.endswith(b"}"):
        data += sock.recv(4096)
    return len(data)


def measure(case: str, options) -> tuple[list[list[str]], dict[int, float]]:
    """Rows of one case, and messages a second of CPU by number of processes."""
    counts = [0, os.cpu_count() or 1]
    rates: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        servers = {str(count): stack.enter_context(Workers(case, count, options.python)) for count in counts}
        empty = {name: server.spread() for name, server in servers.items()}
        talks, request = {}, PAYLOAD if case == "echo" else REQUEST
        for name, server in servers.items():
            talks[name] = dial(server)
            stack.callback(talks[name].close)
        sizes = {name: answer_size(talk, case) for name, talk in talks.items()}

        def play(name: str) -> int:
            start = time.perf_counter()
            talks[name].converse(CONNECTIONS, request, sizes[name], TIMES[case])
            messages = CONNECTIONS * TIMES[case]
            rates.setdefault(name, []).append(messages / (time.perf_counter() - start))
            return messages

        for name in servers:
            play(name)
        found = turns.costs(servers, play, options.rounds, {})
        rows = []
        for name, server in servers.items():
            seats = [now - before for now, before in zip(server.spread(), empty[name], strict=True)]
            cost = statistics.median(found[name])
            each = ", ".join(map(str, seats)) if seats else str(CONNECTIONS)
            rows.append([case, "one process" if name == "0" else f"{name} workers", figure(cost),
                         figure(statistics.median(rates[name])), each])  # fmt: skip
    return rows, {max(1, int(name)): 1e6 / statistics.median(costs) for name, costs in found.items()}


def fullest(workers: int, each: int, dice: random.Random) -> float:
    """How many times its share the fullest worker has, `each` connections for each of them spread by a hash.

    >>> fullest(1, 10, random.Random(1))
    1.0
    """
    count = workers * each
    return statistics.mean(
        max(Counter(dice.choices(range(workers), k=count)).values()) / each for _ in range(max(5, TRIALS // workers))
    )


def simulate() -> dict[int, dict[int, float]]:
    """`fullest` by workers and connections for each."""
    dice = random.Random(SEED)
    return {workers: {each: fullest(workers, each, dice) for each in CROWDS} for workers in (2, 8, 32)}


def charts(costs: dict[str, dict[int, float]], found: dict[int, dict[int, float]]) -> dict[str, str]:
    """Pictures by file name. costs: messages a second of CPU, by case and processes."""
    dice = random.Random(SEED)
    series: dict[str, list[tuple[float, float | None]]] = {}
    for case, rates in costs.items():
        rate = rates[max(rates)]
        series[f"{case}: 100 each"] = [(workers, workers * rate / fullest(workers, 100, dice)) for workers in WORKERS]
        series[f"{case}: 5 each"] = [(workers, workers * rate / fullest(workers, 5, dice)) for workers in WORKERS]
    spread: dict[str, list[tuple[float, float | None]]] = {
        f"{workers} workers": list(shares.items()) for workers, shares in found.items()
    }
    spread["one queue"] = [(each, 1.0) for each in CROWDS]
    rate = Chart("Workers with a core each, reckoned from what a message costs", "messages a second", series, "workers",
                 "each: connections for each worker")  # fmt: skip
    share = Chart("How many times its share the fullest worker has", "times", spread, "connections for each worker",
                  "simulated: SO_REUSEPORT")  # fmt: skip
    return {"rate.svg": render(rate), "spread.svg": render(share)}


def run(options) -> None:
    rows, costs, notes = [], {}, []
    for case in options.cases:
        more, costs[case] = measure(case, options)
        rows += more
        (one, alone), (several, shared) = sorted(costs[case].items())[0], sorted(costs[case].items())[-1]
        if several > one:
            notes.append(
                f"{case}: a message costs {alone / shared:.2f} times as much with {several} workers, so on a core each "
                f"they do {several * shared / alone:.2f} times as many"
            )
    heads = ["server", "processes", "CPU us", "messages/s", "connections of each"]
    turns.show("workers on one port: CPU of all of them per message", heads, rows, notes, options.markdown)
    found = simulate()
    heads = ["connections for each worker", *(f"{workers} workers" for workers in found)]
    cells = [[str(each), *(f"{shares[each]:.2f}" for shares in found.values())] for each in CROWDS]
    title = "how many times its share the fullest worker has, simulated"
    turns.show(title, heads, cells, ["one queue: 1.00, whoever is idle takes the next"], options.markdown)
    turns.draw(charts(costs, found), options.svg)
    if options.json:
        Path(options.json).write_text(json.dumps(costs))


if __name__ == "__main__":
    sys.exit(turns.command(__doc__, PROGRAMS, run, turns.outputs))
