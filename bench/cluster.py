#!/usr/bin/env python3
"""What a cluster costs: one chat server with all members against several with a share each, on one redis-server.

    python bench/cluster.py                       500 members on each of two servers, 50 of all talk
    python bench/cluster.py --before ../old       one server of ours against one of another checkout, without a cluster

Lines come one at a time (the next when all have the one before), or in bursts (a line of each who talks, at once).
Costs are CPU of the server processes; the load comes from this process. Contenders take rounds in turn, and the ratio
of a round's pair is what counts.
"""

from __future__ import annotations

import argparse
import contextlib
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

HERE = Path(__file__).resolve().parent.parent
TEXT = "x" * 50  # a sentence
OPTIONS = ("--no-console", "--port", "0", "--flood-rate", "0", "--max-per-ip", "0", "--max-clients", "0",
           "--history", "0", "--log-level", "error")  # fmt: skip
SETTLE = 3.0  # seconds until the news of the crowd are told
PATIENCE = 30.0  # seconds for a line to reach everybody


class Server:
    def __init__(self, checkout: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(checkout / "examples/chat_server.py"), *OPTIONS, *options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rpartition(":")[2])

    def cpu(self) -> float:
        """Seconds so far."""
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e9

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Crowd:
    """Members spread over servers, of whom some talk."""

    def __init__(self, servers: list[Server], members: int, talkers: int) -> None:
        self.servers = servers
        self.members = members
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
        missing, end = len(talkers) * (self.members - 1), time.monotonic() + PATIENCE
        while missing > 0:
            missing -= self.lines(1.0)
            if time.monotonic() > end:
                raise SystemExit(f"cluster.py: {missing} lines have not come")

    def round(self, name: str, seconds: float) -> None:
        """CPU microseconds of all servers, a delivery."""
        before, said, end = sum(server.cpu() for server in self.servers), 0, time.monotonic() + seconds
        while time.monotonic() < end:
            talkers = self.talkers if name == "bursts" else [self.talkers[said % len(self.talkers)]]
            self.say(talkers)
            said += len(talkers)
        spent = sum(server.cpu() for server in self.servers) - before
        self.cost.setdefault(name, []).append(1e6 * spent / (said * (self.members - 1)))
        self.said = said

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
        time.sleep(0.3)
        try:
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


def compare(one: Crowd, other: Crowd, names: tuple[str, str], options: argparse.Namespace) -> None:
    print(f"| lines | {names[0]}: us a delivery | {names[1]}: us a delivery | ratio, median of pairs |")
    print("|---|---|---|---|")
    for kind in ("one at a time", "bursts"):
        for _ in range(options.rounds):
            one.round(kind, options.seconds)
            other.round(kind, options.seconds)
        ratio = statistics.median(b / a for a, b in zip(one.cost[kind], other.cost[kind], strict=True))
        medians = [statistics.median(crowd.cost[kind]) for crowd in (one, other)]
        print(f"| {kind} | {medians[0]:.3f} | {medians[1]:.3f} | {ratio:.3f} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--members", type=int, default=1000, help="of all servers together (1000)")
    parser.add_argument("--talkers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a round (1)")
    parser.add_argument("--before", type=Path, help="another checkout, to be compared without a cluster")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        single = stack.enter_context(contextlib.closing(Server(HERE)))
        one = stack.enter_context(contextlib.closing(Crowd([single], options.members, options.talkers)))
        if options.before is not None:
            older = stack.enter_context(contextlib.closing(Server(options.before)))
            other = stack.enter_context(contextlib.closing(Crowd([older], options.members, options.talkers)))
            compare(other, one, ("before", "now"), options)
            return 0
        url = stack.enter_context(redis())
        servers = [
            stack.enter_context(contextlib.closing(Server(HERE, "--cluster", url))) for _ in range(options.servers)
        ]
        many = stack.enter_context(contextlib.closing(Crowd(servers, options.members, options.talkers)))
        compare(one, many, ("one server", f"{options.servers} servers"), options)
        before = requests(url)
        many.round("bursts", 2 * options.seconds)
        print(f"\nrequests to Redis for each line, in bursts: {(requests(url) - before) / many.said:.2f}")
        alone, across = latency([single], 200), latency(servers, 200)
        print(f"latency p50: one server {statistics.median(alone):.2f} ms, across {statistics.median(across):.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
