#!/usr/bin/env python3
"""What a WebSocket costs a server: its CPU for an echo, for a delivery in a room, its memory, a message of 10 MiB.

The servers run side by side and take rounds in turn; the load is this process. CPU is user and system time of the
server alone. A ratio is the median of the rounds' ratios. `--python` is an interpreter with the peers, websockets and
aiohttp; what it lacks is left out.

    echo      100 connections, 100 B each way
    room      1,000 members, 10 of them talk, 50 B
    memory    1,000 idle connections that have agreed to permessage-deflate and used it once
    large     one message of 10 MiB there and back
    chat      1,000 browsers in a room of our chat (chat.v1) beside 1,000 members on TCP in another; 10 of each talk
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

from protocols.websocket.frames import BINARY, PONG, TEXT, head, pack
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
CASES = ("echo", "room", "memory", "large", "chat")
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


def dial(server: procs.Server, path: str, more: str = "", port: int | None = None) -> socket.socket:
    """A connection whose WebSocket is open. `port`: where that is not the server's own."""
    sock = socket.create_connection((server.address[0], port or server.address[1]), TIMEOUT)
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


CHAT = ("--no-console", "--flood-rate=0", "--max-per-ip=0", "--log-level=warning", "--web=0", "--history=0")
MARK = b"!"
SAID = b"x" * 49 + MARK
QUIET, NEWS = 0.5, 2.5  # seconds until a chat is taken to be quiet, and until all news of it have been told


class Members(Crowd):
    """Connections to the chat, on TCP or in browsers. What is said has one MARK in it, and marks are counted."""

    def __init__(self, socks: list[socket.socket]) -> None:
        self.socks = socks
        self.poll = select.epoll()
        self.by_fd = {sock.fileno(): sock for sock in socks}
        for fd in self.by_fd:
            self.poll.register(fd, select.EPOLLIN)

    def quieten(self, quiet: float) -> None:
        """Take what comes until nothing does for `quiet` seconds."""
        while events := self.poll.poll(quiet):
            for fd, _ in events:
                self.by_fd[fd].recv(1 << 18)

    def show_life(self, pong: bytes) -> None:
        """Who only listens in a browser would be pinged, and then sent away: this load answers no pings."""
        for sock in self.socks:
            sock.sendall(pong)
        self.quieten(QUIET)

    def say(self, request: bytes) -> None:
        """TALKERS say it once."""
        for sock in self.socks[:TALKERS]:
            sock.sendall(request)

    def talk(self, request: bytes, heard: int) -> None:
        """TALKERS say it once, and it is `heard` so many times."""
        self.say(request)
        while heard > 0:
            events = self.poll.poll(TIMEOUT)
            if not events:
                raise procs.BenchError("the chat does not deliver")
            heard -= sum(self.by_fd[fd].recv(1 << 18).count(MARK) for fd, _ in events)


def browsers(server: procs.Server) -> tuple[Members, bytes, bytes]:
    """MEMBERS with the page open, a message, and a sign of life."""
    more, port = "Sec-WebSocket-Protocol: chat.v1\r\n", web_port(server)
    members = Members([dial(server, "/chat", more, port) for _ in range(MEMBERS)])
    return members, pack(TEXT, SAID, key=KEY), pack(PONG, b"", key=KEY)


def line_members(server: procs.Server) -> tuple[Members, bytes, bytes]:
    """The same on TCP."""
    return Members([socket.create_connection(server.address, TIMEOUT) for _ in range(MEMBERS)]), SAID + b"\n", b""


def chat_costs(rounds: int) -> dict[str, list[float]]:
    """Microseconds of the chat's CPU for each delivery, to browsers and to TCP, each in a server of its own."""
    found: dict[str, list[float]] = {"browsers": [], "TCP": []}
    with contextlib.ExitStack() as stack:
        crowds = {}
        for name, gather in (("browsers", browsers), ("TCP", line_members)):
            server = stack.enter_context(procs.Server("the chat", ["examples/chat_server.py", *CHAT]))
            members, request, alive = gather(server)
            stack.callback(members.close)
            members.quieten(QUIET)
            members.say(request)  # who has not said anything yet is announced now, in a crowd two seconds later
            members.quieten(NEWS)
            spared = 0 if name == "browsers" else TALKERS  # on TCP nobody is told its own lines
            crowds[name] = server, members, request, alive, TALKERS * MEMBERS - spared
        for number in range(rounds):
            for name in list(found) if number % 2 else reversed(list(found)):
                server, members, request, alive, heard = crowds[name]
                members.show_life(alive)
                before = server.cpu()
                for _ in range(ROUND["room"]):
                    members.talk(request, heard)
                found[name].append(1e6 * (server.cpu() - before) / (ROUND["room"] * MEMBERS * TALKERS))
    return found


def web_port(server: procs.Server) -> int:
    """Where the chat has said that its page is."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        said = os.pread(server.output.fileno(), 4096, 0).decode()
        if "web page on" in said:
            return int(said.split()[-1].rstrip("/").rpartition(":")[2])
        time.sleep(0.01)
    raise procs.BenchError("the chat does not say where its page is")


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


def spread(found: dict[str, list[float]]) -> list[list[str]]:
    """Rows with the median, the lowest and the highest of each."""
    return [[name, *(figure(of(costs)) for of in (statistics.median, min, max))] for name, costs in found.items()]


def idle_rows(servers: dict[str, procs.Server]) -> list[list[str]]:
    """Each in a process of its own: one that has served thousands has their memory at hand."""
    rows = []
    for name, server in servers.items():
        with procs.Server(name, [PROGRAMS[name]], str(server.process.args[0])) as fresh:
            rows.append([name, figure(memory(fresh))])
    return rows


Figures = tuple[str, list[str], list[list[str]], list[str]]


def measure(case: str, servers: dict[str, procs.Server], rounds: int) -> Figures:
    """A case's title, the heads of its table, its rows, and sentences about goals."""
    heads = ["server", "CPU us", "lowest", "highest"]
    if case == "echo":
        found = costs(case, servers, rounds)
        return "echo of 100 B, 100 connections: server CPU per message", heads, spread(found), ratios(found, case)
    if case == "room":
        found = costs(case, servers, rounds)
        title = f"room of {MEMBERS:,} members, {TALKERS} talk: server CPU per delivery"
        return title, heads, spread(found), ratios(found, case)
    if case == "chat":
        title = f"our chat, {MEMBERS:,} members in browsers or on TCP, {TALKERS} talk: server CPU per delivery"
        return title, ["members", *heads[1:]], spread(chat_costs(rounds)), []
    if case == "memory":
        title = f"{IDLE:,} idle connections that have used permessage-deflate"
        return title, ["server", "KiB each"], idle_rows(servers), []
    rows = [[name, *map(figure, large(server))] for name, server in servers.items()]
    return "a message of 10 MiB there and back", ["server", "CPU s", "MiB more"], rows, []


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
            title, heads, rows, goals = measure(case, servers, options.rounds)
            heading = f"**{title}**" if options.markdown else title
            print(f"\n{heading}\n\n{table(heads, rows, options.markdown)}\n")
            if goals:
                print("\n".join(goals), flush=True)


def main() -> int:
    parser = Parser(__doc__)
    parser.add_argument("cases", nargs="*", default=CASES, help=f"{', '.join(CASES)} (all)")
    parser.add_argument("--rounds", type=positive, default=7)
    parser.add_argument("--python", default=sys.executable, help="interpreter of the servers")
    parser.add_argument("--markdown", action="store_true", help="tables as RESULTS.md has them")
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
