#!/usr/bin/env python3
"""Concurrent clients: the reactor against one thread per connection, side by side.

Each pair of servers runs at the same time, driven in turns by separate processes that hold 10, 100 and 1,000
connections. Every message is checked and counted. CPU is user and system time of the server alone.
"""

import argparse
import json
import sys
from contextlib import ExitStack

import contest
import procs
from arguments import Parser, positive, seconds
from tables import Progress, complain, figure, table

SERVERS = ("reactor", "threads")
TALKERS = 10  # one chat member in ten says a line per round, at least one
PAYLOAD = 100  # bytes
HEADERS = ["clients", "server", "messages/s", "p50 ms", "p99 ms", "CPU us/message", "memory MiB", "threads"]
TITLES = {
    "echo": f"echo: {PAYLOAD} bytes; each client sends again as soon as it has its answer",
    "chat": f"chat: one room, one member in {TALKERS} talks, {PAYLOAD} bytes a line; a message is one delivery",
}


def count_list(text: str) -> list[int]:
    """Numbers of clients, as on the command line."""
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        counts = [0]
    if min(counts) < 2:  # alone, nobody in a chat hears anything
        raise argparse.ArgumentTypeError(f"must be numbers from 2 up with commas between them, not {text}")
    return counts


def parse() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument("--clients", type=count_list, default=[10, 100, 1000], help="10,100,1000")
    parser.add_argument("--workload", choices=("echo", "chat", "all"), default="all")
    parser.add_argument("--rounds", type=positive, default=3, help="rounds for each server; medians are shown (3)")
    parser.add_argument("--seconds", type=seconds, default=1.0, help="length of a round (1)")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the servers")
    parser.add_argument("--json", metavar="FILE", help="also write every figure there")
    return parser.parse_args()


def load_options(workload: str, clients: int) -> dict:
    """What the load generator is told."""
    common = {"connections": clients, "size": PAYLOAD}
    return common | {"senders": max(1, clients // TALKERS)} if workload == "chat" else common


def measure(workload: str, clients: int, options: argparse.Namespace, progress: Progress) -> list[dict]:
    """All rounds of both servers with so many clients: one result for each server."""
    with ExitStack() as stack:
        contenders = []
        for name in SERVERS:
            progress.tick(f"connecting to {name}")
            contender = stack.enter_context(contest.starting(workload, name, options.python))
            contender.connect(workload, **load_options(workload, clients))
            contenders.append(contender)
        contest.alternate(contenders, options.rounds, options.seconds, progress.tick)
        results = [result(workload, clients, contender) for contender in contenders]
        progress.tick("stopping")
    return results


def result(workload: str, clients: int, contender: contest.Contender) -> dict:
    """The figures of one server, read while its clients are still connected."""
    medians = {name: contender.median(name) for name in ("rate", "p50", "p99", "cpu_per_message", "busy")}
    return {
        "workload": workload,
        "clients": clients,
        "server": contender.name,
        **medians,
        "memory": contender.server.memory(),
        "threads": contender.server.threads(),
        "rounds": contender.rounds,
    }


def row(result: dict) -> list[str]:
    """One line of the table, in the order of HEADERS."""
    return [
        f"{result['clients']:,}",
        result["server"],
        figure(result["rate"]),
        figure(1e3 * result["p50"]),
        figure(1e3 * result["p99"]),
        figure(1e6 * result["cpu_per_message"]),
        figure(result["memory"] / 2**20),
        str(result["threads"] or "-"),
    ]


def compare(options: argparse.Namespace) -> list[dict]:
    """Run everything, printing each workload's table when it is complete."""
    workloads = ["echo", "chat"] if options.workload == "all" else [options.workload]
    progress = Progress(len(workloads) * len(options.clients))
    results = []
    for workload in workloads:
        done = []
        for clients in options.clients:
            progress.next(f"{workload}, {clients:,} clients")
            done += measure(workload, clients, options, progress)
        progress.clear()
        print(f"\n{TITLES[workload]}\n\n{table(HEADERS, [row(result) for result in done])}", flush=True)
        results += done
    return results


def main() -> int:
    options = parse()
    try:
        with procs.exits_cleanly():
            needed = max(options.clients) + procs.SPARE_DESCRIPTORS
            if procs.raise_descriptor_limit(needed) < needed:
                raise procs.BenchError(f"{max(options.clients)} clients need {needed} open files (ulimit -n)")
            about = procs.interpreter(options.python) | {"machine": procs.machine()}
            print(f"{about['python']} on {about['machine']}; medians of {options.rounds} rounds")
            results = compare(options)
            if options.json:
                with open(options.json, "w") as file:
                    json.dump(about | {"results": results}, file, indent=1)
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except (procs.BenchError, OSError) as error:
        complain(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
