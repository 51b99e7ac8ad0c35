#!/usr/bin/env python3
"""What a WebSocket costs a server: its CPU for an echo, for a delivery in a room, its memory, a message of 10 MiB.

The servers run side by side and take rounds in turn; the load is this process. CPU is user and system time of the
server alone. A ratio is the median of the rounds' ratios. `--python` is an interpreter with the peers, websockets and
aiohttp; what it lacks is left out.

    echo      100 connections, 100 B each way
    room      1,000 members, 10 of them talk, 50 B
    memory    1,000 idle connections that have agreed to permessage-deflate and used it once
    large     one message of 10 MiB there and back
"""

import contextlib
import os
import select
import socket
import statistics
import sys
import time
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from protocols.websocket.frames import BINARY, TEXT, head, pack
from report.tables import figure, table
from runs import procs
from runs.arguments import Parser, positive

PROGRAMS = {
    "reactor": "bench/servers/websocket_rooms.py",
    "websockets": "bench/peers/on_websockets.py",
    "aiohttp": "bench/peers/on_aiohttp.py",
}
US = "reactor"
GOALS = {"echo": {"websockets": 0.40, "aiohttp": 0.65}, "room": {"websockets": 0.05, "aiohttp": 0.06}}
CASES = ("echo", "room", "memory", "large")
KEY = b"\x5a\x01\xc3\x3c"
REQUEST = (
    "GET {} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n"
)
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
ROUND = {"echo": 60, "room": 20}  # times that each who talks does so in one round
MEMBERS, TALKERS = 1000, 10
IDLE = 1000
LARGE = 10 << 20
TIMEOUT = 60.0


def dial(server: procs.Server, path: str, more: str = "") -> socket.socket:
    """A connection whose WebSocket is open."""
    sock = socket.create_connection(server.address, TIMEOUT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(REQUEST.format(path, more).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += sock.recv(4096)
    if not answer.startswith(b"HTTP/1.1 101 "):
        sock.close()
        raise procs.BenchError(f"{server.name} opens no WebSocket: {answer[:60]!r}")
    return sock


class Crowd:
    """Connections that are served by one server, each made by `opened`."""

    def __init__(self, server: procs.Server, path: str, count: int, more: str = "", opened=dial) -> None:
        self.socks = [opened(server, path, more) for _ in range(count)]
        self.poll = select.epoll()
        self.by_fd = {sock.fileno(): sock for sock in self.socks}
        for fd in self.by_fd:
            self.poll.register(fd, select.EPOLLIN)

    def converse(self, talkers: int, request: bytes, each: int, times: int) -> None:
        """The first ones speak, all hear; who has heard all of a round speaks again. `each`: bytes of one round."""
        speaking = {sock.fileno() for sock in self.socks[:talkers]}
        heard = dict.fromkeys(self.by_fd, 0)
        spoken = dict.fromkeys(speaking, 1)
        for fd in speaking:
            self.by_fd[fd].sendall(request)
        total, left = each * times, len(heard)
        while left:
            events = self.poll.poll(TIMEOUT)
            if not events:
                raise procs.BenchError("the server does not answer")
            for fd, _ in events:
                data = self.by_fd[fd].recv(1 << 18)
                heard[fd] = have = heard[fd] + len(data)
                if not data or have > total:
                    raise procs.BenchError("the server has sent something else, or has gone")
                left -= have == total
                if fd in speaking and have >= spoken[fd] * each and spoken[fd] < times:
                    spoken[fd] += 1
                    self.by_fd[fd].sendall(request)

    def close(self) -> None:
        self.poll.close()
        for sock in self.socks:
            sock.close()


def costs(case: str, servers: dict[str, procs.Server], rounds: int) -> dict[str, list[float]]:
    """Microseconds of the server's CPU for each message delivered, round by round."""
    count, talkers, size = (100, 100, 100) if case == "echo" else (MEMBERS, TALKERS, 50)
    request = pack(TEXT, b"x" * size, key=KEY)
    each = (size + 2) * (1 if case == "echo" else talkers)
    found: dict[str, list[float]] = {name: [] for name in servers}
    with contextlib.ExitStack() as stack:
        crowds = {}
        for name, server in servers.items():
            crowds[name] = Crowd(server, f"/{case}", count)
            stack.callback(crowds[name].close)
            crowds[name].converse(talkers, request, each, 5)
        for number in range(rounds):
            for name in list(servers) if number % 2 else reversed(list(servers)):
                before = servers[name].cpu()
                crowds[name].converse(talkers, request, each, ROUND[case])
                messages = ROUND[case] * count * (1 if case == "echo" else talkers)
                found[name].append(1e6 * (servers[name].cpu() - before) / messages)
    return found


def memory(server: procs.Server) -> float:
    """KiB of each idle connection that has used its compression."""
    text = b"a message that is worth compressing, " * 20
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    small = (stream.compress(text) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]
    request = pack(TEXT, small, deflated=True, key=KEY)

    def crowd(count: int) -> list[socket.socket]:
        socks = [dial(server, "/echo", DEFLATE) for _ in range(count)]
        for sock in socks:
            sock.sendall(request)
            sock.recv(4096)
        return socks

    first = crowd(100)
    before = server.memory()
    more = crowd(IDLE)
    time.sleep(0.5)
    each = (server.memory() - before) / IDLE / 1024
    for sock in first + more:
        sock.close()
    return each


def large(server: procs.Server) -> tuple[float, float]:
    """Seconds of CPU for a message there and back, and MiB of memory at most beyond what there was before."""
    sock = dial(server, "/echo")
    payload = os.urandom(LARGE)
    request = pack(BINARY, payload, key=KEY)
    expected = len(head(BINARY, LARGE)) + LARGE
    cpu, before, peak = server.cpu(), server.memory(), 0
    sock.setblocking(False)
    sent = got = 0
    while got < expected:
        readable, writable, _ = select.select([sock], [sock] if sent < len(request) else [], [], TIMEOUT)
        if writable:
            sent += sock.send(request[sent : sent + (1 << 18)])
        if readable:
            got += len(sock.recv(1 << 18))
            peak = max(peak, server.memory()) if not got % 16 else peak
        elif not writable:
            raise procs.BenchError("the server does not answer")
    took = server.cpu() - cpu
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{server.pid}/status").read_text()
        peak = max(peak, 1024 * int(status.partition("VmHWM:")[2].split()[0]))
    sock.close()
    return took, (peak - before) / 2**20


def ratios(found: dict[str, list[float]], case: str) -> list[str]:
    """Sentences about the goals of a case."""
    lines = []
    for peer, goal in GOALS[case].items():
        if peer in found:
            ratio = statistics.median(a / b for a, b in zip(found[US], found[peer], strict=True))
            lines.append(f"- goal: at most {goal:.2f} of {peer}: {ratio:.3f}, {'met' if ratio <= goal else 'MISSED'}")
    return lines


def run(options) -> None:
    procs.raise_descriptor_limit(5000)
    with contextlib.ExitStack() as stack:
        servers = {}
        for name, program in PROGRAMS.items():
            try:
                servers[name] = stack.enter_context(procs.Server(name, [program], options.python))
            except procs.BenchError as error:
                print(f"left out: {error}", file=sys.stderr)
        for case in options.cases:
            if case in GOALS:
                found = costs(case, servers, options.rounds)
                rows = [
                    [name, *(figure(of(values)) for of in (statistics.median, min, max))]
                    for name, values in found.items()
                ]
                print(f"\n{case}: server CPU per message delivered\n")
                print(table(["server", "CPU us", "lowest", "highest"], rows, False), "\n")
                print("\n".join(ratios(found, case)))
            elif case == "memory":
                rows = [[name, figure(memory(server))] for name, server in servers.items()]
                print(f"\nmemory: {IDLE:,} idle connections that have used permessage-deflate\n")
                print(table(["server", "KiB each"], rows, False))
            else:
                rows = [[name, *map(figure, large(server))] for name, server in servers.items()]
                print("\nlarge: 10 MiB there and back\n")
                print(table(["server", "CPU s", "MiB more"], rows, False))


def main() -> int:
    parser = Parser(__doc__)
    parser.add_argument("cases", nargs="*", default=CASES, help=f"{', '.join(CASES)} (all)")
    parser.add_argument("--rounds", type=positive, default=7)
    parser.add_argument("--python", default=sys.executable, help="interpreter of the servers")
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
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
