#!/usr/bin/env python3
"""What an HTTP request costs a server: its CPU, for 1 KiB over kept connections, beside uvicorn, aiohttp and nginx.

The servers run side by side and take rounds in turn; the load is this process. CPU is user and system time of the
server alone. A ratio is the median of the rounds' ratios. uvicorn (with httptools and uvloop) and aiohttp answer from
memory in each case; nginx has the file only. `--python` is an interpreter with the peers; what it lacks is left out.

    file      a file of 1 KiB, 50 connections
    memory    bytes that a handler gives, 50 connections
    varied    the file, with a head that no other request has: 500 bytes, as a browser's
    pipeline  the file, 16 requests at a time on each of 50 connections
"""

import contextlib
import os
import select
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from report.tables import figure, table
from runs import procs
from runs.arguments import Parser, positive

PROGRAMS = {
    "reactor": "bench/servers/web_site.py",
    "uvicorn": "bench/peers/web_uvicorn.py",
    "aiohttp": "bench/peers/web_aiohttp.py",
    "nginx": "bench/peers/web_nginx.py",
}
US = "reactor"
GOALS = {"file": {"uvicorn": 0.75, "aiohttp": 0.60, "nginx": 2.0}, "memory": {"uvicorn": 0.75, "aiohttp": 0.60}}
CASES = {
    "file": "a file of 1 KiB over 50 kept connections",
    "memory": "1 KiB that a handler gives, 50 kept connections",
    "varied": "the file, each request with another head of 500 bytes",
    "pipeline": "the file, 16 requests at a time",
}
CONNECTIONS = 50
ROUND = {"file": 100, "memory": 100, "varied": 60, "pipeline": 20}  # times that each connection asks in one round
AT_ONCE = {"pipeline": 16}
TIMEOUT = 30.0
HEAD = "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
VARIED = (
    "GET {}?v={number} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nConnection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.9\r\nCookie: session=8f14e45fceea167a5a36dedd4bea2543; seen={number}\r\n"
    "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n\r\n"
)


class Load:
    """Connections to one server, and what a whole answer of it measures."""

    def __init__(self, server: procs.Server, case: str) -> None:
        self.server = server
        self.case = case
        self.path = "/memory" if case == "memory" else "/k1.bin"
        self.number = 0
        self.socks = [self._dial() for _ in range(CONNECTIONS)]
        self.by_fd = {sock.fileno(): sock for sock in self.socks}
        self.poll = select.epoll()
        for fd in self.by_fd:
            self.poll.register(fd, select.EPOLLIN)
        self.each = self._measure()

    def _dial(self) -> socket.socket:
        deadline = time.monotonic() + 5.0
        while True:  # nginx says where it is before it is there
            try:
                sock = socket.create_connection(self.server.address, TIMEOUT)
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def request(self) -> bytes:
        if self.case == "varied":
            self.number += 1
            return VARIED.format(self.path, number=f"{self.number:08}").encode()
        return HEAD.format(self.path).encode() * AT_ONCE.get(self.case, 1)

    def _measure(self) -> int:
        sock = self.socks[0]
        sock.sendall(self.request())
        data = sock.recv(1 << 20)
        while select.select([sock], [], [], 0.5)[0] and (more := sock.recv(1 << 20)):
            data += more
        if not data.startswith(b"HTTP/1.1 200 ") or b"1024" not in data:
            self.close()
            raise procs.BenchError(f"{self.server.name} answers with {data[:80]!r}")
        return len(data)

    def run(self, times: int) -> None:
        """Each connection asks, and asks again when it has its answer."""
        request, each = self.request, self.each
        left = dict.fromkeys(self.by_fd, times)
        missing = dict.fromkeys(self.by_fd, each)
        for sock in self.socks:
            sock.sendall(request())
        open_ = len(left)
        while open_:
            events = self.poll.poll(TIMEOUT)
            if not events:
                raise procs.BenchError(f"{self.server.name} does not answer")
            for fd, _ in events:
                sock = self.by_fd[fd]
                data = sock.recv(1 << 18)
                missing[fd] -= len(data)
                if not data or missing[fd] < 0:
                    raise procs.BenchError(f"{self.server.name} has sent something else, or has gone")
                if not missing[fd]:
                    left[fd] -= 1
                    if left[fd]:
                        missing[fd] = each
                        sock.sendall(request())
                    else:
                        open_ -= 1

    def close(self) -> None:
        self.poll.close()
        for sock in self.socks:
            sock.close()


def costs(case: str, servers: dict[str, procs.Server], rounds: int) -> dict[str, list[float]]:
    """Microseconds of the server's CPU for each request, round by round."""
    times, requests = ROUND[case], ROUND[case] * CONNECTIONS * AT_ONCE.get(case, 1)
    found: dict[str, list[float]] = {name: [] for name in servers}
    with contextlib.ExitStack() as stack:
        loads = {}
        for name, server in servers.items():
            loads[name] = Load(server, case)
            stack.callback(loads[name].close)
            loads[name].run(times // 4)
        for number in range(rounds):
            for name in list(servers) if number % 2 else reversed(list(servers)):
                before = servers[name].cpu()
                loads[name].run(times)
                found[name].append(1e6 * (servers[name].cpu() - before) / requests)
    return found


def ratios(found: dict[str, list[float]], case: str) -> list[str]:
    """A sentence for each peer: how we stand, and whether the goal is met where there is one."""
    lines = []
    for peer in sorted(found.keys() - {US}):
        ratio = statistics.median(a / b for a, b in zip(found[US], found[peer], strict=True))
        goal = GOALS.get(case, {}).get(peer)
        if goal is None:
            lines.append(f"- {ratio:.2f} of {peer}")
        else:
            verdict = "met" if ratio <= goal else "MISSED"
            lines.append(f"- goal: at most {goal:.2f} of {peer}: {ratio:.2f}, {verdict}")
    return lines


def run(options) -> None:
    procs.raise_descriptor_limit(1000)
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        os.chmod(directory, 0o755)
        (Path(directory) / "k1.bin").write_bytes(b"x" * 1024)
        os.utime(Path(directory) / "k1.bin", (1_700_000_000, 1_700_000_000))
        servers = {}
        for name, program in PROGRAMS.items():
            try:
                server = procs.Server(name, [program, f"--root={directory}"], options.python)
                servers[name] = stack.enter_context(server)
            except procs.BenchError as error:
                print(f"left out: {error}", file=sys.stderr)
        for case in options.cases:
            there = {name: server for name, server in servers.items() if case != "memory" or name != "nginx"}
            found = costs(case, there, options.rounds)
            rows = [[name, *(figure(of(v)) for of in (statistics.median, min, max))] for name, v in found.items()]
            print(f"\n**{CASES[case]}: server CPU per request**\n")
            print(table(["server", "CPU us", "lowest", "highest"], rows, options.markdown), "\n")
            print("\n".join(ratios(found, case)), flush=True)


def main() -> int:
    parser = Parser(__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"{', '.join(CASES)} (all)")
    parser.add_argument("--rounds", type=positive, default=9)
    parser.add_argument("--markdown", action="store_true", help="tables as RESULTS.md has them")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the servers")
    options = parser.parse_args()
    if unknown := set(options.cases) - CASES.keys():
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    procs.exits_cleanly()
    try:
        run(options)
    except procs.BenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
