#!/usr/bin/env python3
"""What an HTTP request costs a server: its CPU, for 1 KiB over kept connections, beside uvicorn, aiohttp and nginx.

The servers run side by side and take rounds in turn; the load is this process. CPU is user and system time of the
server alone. A ratio is the median of the rounds' ratios. uvicorn (with httptools and uvloop) and aiohttp answer from
memory in each case; nginx has the file only. `bare` is the least that a server in Python does: it sends 1 KiB for each
empty line. `--python` is an interpreter with the peers; what it lacks is left out.

    file      a file of 1 KiB, 50 connections
    memory    bytes that a handler gives, 50 connections
    varied    the file, with a head that no other request has: 500 bytes, as a browser's
    pipeline  the file, 16 requests at a time on each of 50 connections
"""

import contextlib
import os
import select
import socket
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from load.talk import TIMEOUT, Talk
from runs import procs, turns

PROGRAMS = {
    "reactor": "bench/servers/web_site.py",
    "uvicorn": "bench/peers/web/web_uvicorn.py",
    "aiohttp": "bench/peers/web/web_aiohttp.py",
    "nginx": "bench/peers/web/web_nginx.py",
    turns.BARE: "bench/servers/bare.py",
}
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
HEAD = "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
VARIED = (
    "GET {}?v={number} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nConnection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.9\r\nCookie: session=8f14e45fceea167a5a36dedd4bea2543; seen={number}\r\n"
    "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n\r\n"
)


class Load(Talk):
    """Connections to one server, and what a whole answer of it measures."""

    def __init__(self, server: procs.Server, case: str) -> None:
        self.server = server
        self.case = case
        self.path = "/memory" if case == "memory" else "/k1.bin"
        self.number = 0
        super().__init__(self._dial() for _ in range(CONNECTIONS))
        self.each = self._measure()

    def _dial(self) -> socket.socket:
        sock = procs.connected(self.server.address, TIMEOUT)  # nginx says where it is before it is there
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
            for fd, _ in self.wait():
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


def costs(case: str, servers: dict[str, procs.Server], rounds: int) -> turns.Costs:
    """Microseconds of the server's CPU for each request, round by round."""
    times = ROUND[case]
    with contextlib.ExitStack() as stack:
        loads = {}
        for name, server in servers.items():
            with contextlib.closing(
                Load(server, case)
            ) as first:  # see runs/contest.py: a fresh heap is no server's fault
                first.run(times // 4)
            loads[name] = Load(server, case)
            stack.callback(loads[name].close)
            loads[name].run(times // 4)

        def play(name: str) -> int:
            loads[name].run(times)
            return times * CONNECTIONS * AT_ONCE.get(case, 1)

        return turns.costs(servers, play, rounds, GOALS.get(case, {}))


def run(options) -> None:
    procs.raise_descriptor_limit(1000)
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        os.chmod(directory, 0o755)
        (Path(directory) / "k1.bin").write_bytes(b"x" * 1024)
        os.utime(Path(directory) / "k1.bin", (1_700_000_000, 1_700_000_000))
        programs = {name: [program, f"--root={directory}"] for name, program in PROGRAMS.items()}
        programs[turns.BARE] = [PROGRAMS[turns.BARE], "http"]
        servers = turns.started(stack, programs, options.python)
        for case in options.cases:
            there = {name: server for name, server in servers.items() if case != "memory" or name != "nginx"}
            found = costs(case, there, options.rounds)
            notes = turns.verdicts(found, GOALS.get(case, {}))
            turns.show(
                f"{CASES[case]}: server CPU per request", turns.HEADS, turns.rows(found), notes, options.markdown
            )


if __name__ == "__main__":
    sys.exit(turns.command(__doc__, CASES, run))
