#!/usr/bin/env python3
"""What a cluster costs: one chat server with all members against several with a share each, on one redis-server.

    python bench/cluster.py                       500 members on each of two servers, 50 of all talk
    python bench/cluster.py --before ../old       one server of ours against one of another checkout, without a cluster

Lines come one at a time (the next when all have the one before), or in bursts (a line of each who talks, at once).
Costs are CPU of the server processes; the load comes from this process. Contenders take rounds in turn, and the ratio
of a round's pair is what counts. Some of them are floors. As many servers *apart* know nothing of each other: each has
its share of the members, and a line of its own where the others have one for all. As many of the *least* that can be
written in Python (servers/least_cluster.py) stand on the same log, and as many of them apart. What the log adds there
is the least that a log can add, and no cluster of our servers is cheaper than they are apart with that added. (Each
server apart is said a line by a client; in a cluster all but one are told it by the log instead.)
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from report.charts import Chart, render
from report.tables import figure
from runs import clocks, procs, turns
from runs.arguments import Parser, positive, seconds

HERE = Path(__file__).resolve().parent.parent
GOALS = {"one at a time": 1.2, "bursts": 1.5}
"""Kinds of talk, and how many times what one server needs several may."""
WITH_FLOORS = ("one at a time",)
"""In bursts members of servers apart have half of the lines, in as many sends, and the least sends each line alone."""
CHAT, LEAST = "examples/chat_server.py", "bench/servers/least_cluster.py"
SERVERS = (1, 2, 4, 8, 16, 32, 64)
PINGS = 200  # lines whose way is timed
TEXT = "x" * 50  # a sentence
OPTIONS = ("--no-console", "--port", "0", "--flood-rate", "0", "--max-per-ip", "0", "--max-clients", "0",
           "--history", "0", "--log-level", "error")  # fmt: skip
SETTLE = 3.0  # seconds until the news of the crowd are told
PATIENCE = 30.0  # seconds for a line to reach everybody


class Server:
    def __init__(self, checkout: Path, *options: str, program: str = CHAT) -> None:
        given = [*OPTIONS, *options] if program == CHAT else options
        self.process = subprocess.Popen(
            [sys.executable, str(checkout / program), *given],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rpartition(":")[2])

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Crowd:
    """Members spread over servers, of whom some talk. apart: each server is a chat of its own."""

    def __init__(self, servers: list[Server], members: int, talkers: int, *, apart: bool = False) -> None:
        self.servers, self.name = servers, f"a chat on {len(servers)} servers"
        self.chats = len(servers) if apart else 1
        self.hearers = members // self.chats - 1  # of a line
        self.poller = select.epoll()
        self.socks: dict[int, socket.socket] = {}
        self.cost: dict[str, list[float]] = {}
        for number in range(members):
            sock = socket.create_connection(("127.0.0.1", servers[number % len(servers)].port))
            sock.sendall(f"/nick m{number:04}\n".encode())
            sock.setblocking(False)
            self.socks[sock.fileno()] = sock
            self.poller.register(sock, select.EPOLLIN)
            self.lines(0)
        self.talkers = list(self.socks.values())[:talkers]
        self.rest(SETTLE)

    def lines(self, wait: float) -> int:
        """Lines that have come."""
        count = 0
        for fd, _ in self.poller.poll(wait):
            data = self.socks[fd].recv(1 << 20)
            if not data:
                raise SystemExit("cluster.py: a server has hung up")
            count += data.count(b"\n")
        return count

    def rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.lines(0.1)

    def say(self, talkers: list[socket.socket]) -> None:
        """A line of each, until everybody has them."""
        for sock in talkers:
            sock.sendall(f"{TEXT}\n".encode())
        missing, end = len(talkers) * self.hearers, time.monotonic() + PATIENCE
        while missing > 0:
            missing -= self.lines(1.0)
            if time.monotonic() > end:
                raise SystemExit(f"cluster.py: {missing} lines have not come")

    def cpu(self) -> float:
        """Seconds of all servers, once they sleep."""
        pids = [server.process.pid for server in self.servers]
        clocks.rest(pids)
        return sum(map(clocks.used, pids))

    def round(self, name: str, seconds: float) -> None:
        """CPU microseconds of all servers, a delivery."""
        self.said = 0
        self.cost.setdefault(name, []).append(turns.cost(self, lambda: self.talk(name, seconds)))

    def talk(self, name: str, seconds: float) -> int:
        """Lines for so long, at least one; how many deliveries they were."""
        before, end = self.said, time.monotonic() + seconds
        while self.said == before or time.monotonic() < end:
            each = [self.talkers[(self.said + chat) % len(self.talkers)] for chat in range(self.chats)]
            talkers = self.talkers if name == "bursts" else each  # else a line in each chat
            self.say(talkers)
            self.said += len(talkers)
        return (self.said - before) * self.hearers

    def close(self) -> None:
        for sock in self.socks.values():
            sock.close()


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """The URL of a redis-server."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise SystemExit("cluster.py: redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen(
            [program, "--port", str(port), "--save", "", "--dir", directory, "--logfile", "/dev/null"]
        )
        try:
            procs.connected(("127.0.0.1", port), PATIENCE).close()
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def requests(url: str) -> int:
    """Commands that Redis has had."""
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as sock:
        sock.sendall(b"INFO stats\r\n")
        return int(sock.recv(1 << 16).split(b"total_commands_processed:")[1].split()[0])


def latency(servers: list[Server], count: int) -> list[float]:
    """Milliseconds from a member of the first server to one of the last, in a room of their own."""
    ends = [socket.create_connection(("127.0.0.1", server.port)) for server in (servers[0], servers[-1])]
    for number, end in enumerate(ends):
        end.sendall(f"/nick probe{number}\n/join quiet\n".encode())
        time.sleep(1)
    talker, hearer = ends
    hearer.settimeout(5)
    hearer.recv(1 << 16)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        talker.sendall(b"ping\n")
        while b"ping" not in hearer.recv(1 << 16):
            pass
        times.append(1e3 * (time.perf_counter() - began))
        time.sleep(0.01)
    for end in ends:
        end.close()
    return times


def compare(
    one: Crowd, other: Crowd, names: tuple[str, str], options: argparse.Namespace, floors: Floors | None = None
) -> None:
    """A table, by kind of talk; sentences about goals where the other is a cluster."""
    rows, notes = [], []
    for kind, goal in GOALS.items():
        found = floors if kind in WITH_FLOORS else None
        for _ in range(options.rounds):
            for crowd in (one, other, *(found or ())):
                crowd.round(kind, options.seconds)
        pairs = ratios(kind, other, one)
        ratio = statistics.median(pairs)
        medians = [statistics.median(crowd.cost[kind]) for crowd in (one, other)]
        least = [figure(each) for each in found.found(kind, one)] if found else []
        rows.append([kind, *map(figure, (*medians, ratio, min(pairs), max(pairs))), *(least or ["-"] * 3)])
        met = "met" if ratio <= goal else "MISSED"
        notes.append(f"goal: {kind}: at most {goal:.2f} of one server: {figure(ratio)}, {met}")
        if least:
            notes.append(
                f"floor: {least[0]} of one server by {len(other.servers)} apart, "
                f"{least[2]} of one server with the least log added, which takes {least[1]} of the least apart"
            )
    heads = ["lines", f"{names[0]}: us", f"{names[1]}: us", "ratio", "lowest", "highest",
             "apart: ratio", "least: ratio to itself apart", "apart with the least log: ratio"]  # fmt: skip
    shown = notes if options.before is None else []
    turns.show(f"a chat of {options.members:,}, {options.talkers} talk: CPU of all servers per delivery", heads, rows,
               shown, options.markdown)  # fmt: skip


def ratios(kind: str, one: Crowd, other: Crowd) -> list[float]:
    """Of each pair of rounds of that kind."""
    return turns.ratios({"a": one.cost[kind], "b": other.cost[kind]}, "a", "b")


class Floors(NamedTuple):
    """Crowds of servers that need less than any cluster of ours can, see the top."""

    apart: Crowd
    least: Crowd
    least_apart: Crowd

    def found(self, kind: str, one: Crowd) -> list[float]:
        """apart to `one`, the least to itself apart, apart with the least log to `one`."""
        costs = zip(*(crowd.cost[kind] for crowd in (self.apart, self.least, self.least_apart, one)), strict=True)
        with_log = [(apart + least - least_apart) / alone for apart, least, least_apart, alone in costs]
        pairs = ratios(kind, self.apart, one), ratios(kind, self.least, self.least_apart), with_log
        return [statistics.median(pair) for pair in pairs]


def below(wanted: str, found: float, limit: float, unit: str) -> str:
    return f"goal: {wanted}: {figure(found)}{unit}, {'met' if found <= limit else 'MISSED'}"


def reckon(one: float, many: float, servers: int, members: int) -> dict[str, list[tuple[float, float | None]]]:
    """Deliveries a second by the number of servers, each with a core: measured, and what follows from that.

    one, many: microseconds of CPU a delivery with one server and with `servers`. What many need more is what each of
    them does once for each line, whoever hears it: reading the log and applying it. That part does not get less with
    more servers, so all of one room's lines through one log end at one server's speed in reading it. With rooms spread
    over logs of their own, a server reads only the logs of the rooms that its people are in: two for each room here.
    Where many need no more, that is less than the figures differ by themselves, and nothing follows from it.
    """
    measured: list[tuple[float, float | None]] = [(1.0, 1e6 / one), (float(servers), 1e6 * servers / many)]
    each_line = (many - one) * members / servers  # us, on every server
    if each_line <= 0:
        return {"measured": measured}
    spoken = one * members  # us a line, all servers together

    def rate(count: int, reading: float) -> float:
        return 1e6 * members / (spoken / count + reading)

    shared = [(float(count), rate(count, each_line if count > 1 else 0.0)) for count in SERVERS]
    return {
        "measured": measured,
        "one log": shared,
        "a log a room": [(float(n), rate(2, each_line) * n / 2) for n in SERVERS if n > 1],
    }


def start(
    stack: contextlib.ExitStack, options: argparse.Namespace, count: int, *given: str,
    checkout: Path = HERE, program: str = CHAT, apart: bool = False,
) -> Crowd:  # fmt: skip
    """So many servers, with their members, for as long as `stack` is open."""
    servers = [stack.enter_context(contextlib.closing(Server(checkout, *given, program=program))) for _ in range(count)]
    return stack.enter_context(contextlib.closing(Crowd(servers, options.members, options.talkers, apart=apart)))


def start_floors(stack: contextlib.ExitStack, url: str, options: argparse.Namespace) -> Floors:
    """What the cluster stands beside; the least on the same redis-server."""
    return Floors(
        start(stack, options, options.servers, apart=True),
        start(stack, options, options.servers, "--redis", url.rpartition(":")[2], program=LEAST),
        start(stack, options, options.servers, program=LEAST, apart=True),
    )


def measure_cluster(stack: contextlib.ExitStack, one: Crowd, options: argparse.Namespace) -> None:
    """One server beside several."""
    url = stack.enter_context(redis())
    many = start(stack, options, options.servers, "--cluster", url)
    with contextlib.ExitStack() as until_compared:
        floors = start_floors(until_compared, url, options)
        compare(one, many, ("one server", f"{options.servers} servers"), options, floors)
    before = requests(url)
    many.round("bursts", 2 * options.seconds)
    asked = (requests(url) - before) / many.said
    within, across = (statistics.median(latency(found, PINGS)) for found in (one.servers, many.servers))
    rows = [["requests to Redis for a line, in bursts", figure(asked)],
            ["ms from a member to one of the same server, p50", figure(within)],
            ["ms from a member to one of another server, p50", figure(across)]]  # fmt: skip
    notes = [below("at most 1 request to Redis a line in bursts", asked, 1.0, ""),
             below("at most 2 ms more from server to server", across - within, 2.0, " ms")]  # fmt: skip
    turns.show("what a cluster adds", ["", "figure"], rows, notes, options.markdown)
    cost = [statistics.median(crowd.cost["bursts"]) for crowd in (one, many)]
    series = reckon(*cost, options.servers, options.members)
    chart = Chart(f"A room of {options.members:,} over several servers, a core each", "deliveries a second", series,
                  "servers", "measured with one and several, reckoned beyond")  # fmt: skip
    turns.draw({"deliveries.svg": render(chart)}, options.svg)
    if options.json:
        Path(options.json).write_text(json.dumps(series))


def main() -> int:
    parser = Parser(__doc__)
    parser.add_argument("--servers", type=positive, default=2)
    parser.add_argument("--members", type=positive, default=1000, help="of all servers together, two of each (1000)")
    parser.add_argument("--talkers", type=positive, default=50)
    parser.add_argument("--rounds", type=positive, default=turns.ROUNDS)
    parser.add_argument("--seconds", type=seconds, default=1.0, help="length of a round (1)")
    parser.add_argument("--before", type=Path, help="another checkout, to be compared without a cluster")
    parser.add_argument("--python", default=sys.executable, help="not used: servers run on this interpreter")
    parser.add_argument("--markdown", action="store_true", help="tables as RESULTS.md has them")
    turns.outputs(parser)
    options = parser.parse_args()
    if options.members < 2 * options.servers:
        parser.error("argument --members: must be two of each server: alone, nobody hears anything")
    try:
        measure(options)
    except procs.BenchError as error:
        print(f"cluster.py: {error}", file=sys.stderr)
        return 1
    return 0


def measure(options: argparse.Namespace) -> None:
    """What was asked for: a cluster, or another checkout."""
    with contextlib.ExitStack() as stack:
        one = start(stack, options, 1)
        if options.before is None:
            print(f"- {procs.machine()}" if options.markdown else procs.machine())
            measure_cluster(stack, one, options)
            return
        other = start(stack, options, 1, checkout=options.before)
        compare(other, one, ("before", "now"), options)


if __name__ == "__main__":
    sys.exit(main())
