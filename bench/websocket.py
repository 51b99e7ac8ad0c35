#!/usr/bin/env python3
"""What a WebSocket costs a server: its CPU for an echo, for a delivery in a room, its memory, a message of 10 MiB.

The servers run side by side and take rounds in turn; the load is this process. CPU is user and system time of the
server alone. A ratio is the median of the rounds' ratios. `--python` is an interpreter with the peers, websockets and
aiohttp; what it lacks is left out.

    echo      100 connections, 100 B each way; `bare` unmasks, makes one frame, and checks nothing; `promises` is the
              least that takes what RFC 6455 demands, on a server's promises
    room      1,000 members, 10 of them talk, 50 B; `bare` only sends what came in a turn, joined once
    memory    1,000 idle connections that have agreed to permessage-deflate and used it once
    large     one message of 10 MiB there and back
    chat      1,000 browsers in a room of our chat (chat.v1) beside 1,000 members on TCP in another; 10 of each talk
"""

import contextlib
import os
import select
import socket
import sys
import time
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from load.talk import TIMEOUT, Talk
from protocols.websocket.frames import BINARY, PONG, TEXT, head, pack
from report.tables import figure
from runs import procs, turns

PROGRAMS = {
    "reactor": "bench/servers/websocket_rooms.py",
    "websockets": "bench/peers/web/on_websockets.py",
    "aiohttp": "bench/peers/web/on_aiohttp.py",
    turns.BARE: "bench/servers/bare.py",
    turns.PROMISES: "bench/peers/web/on_promises.py",
}
FLOORS = {"echo": (turns.BARE, turns.PROMISES), "room": (turns.BARE,)}
GOALS = {"echo": {"websockets": 0.40, "aiohttp": 0.65}, "room": {"websockets": 0.05, "aiohttp": 0.06}}
IDLE_GOAL = 2.0  # KiB
LARGE_CPU, LARGE_MEMORY = 2.5, 100.0  # seconds, MiB
CASES = ("echo", "room", "memory", "large", "chat")
KEY = b"\x5a\x01\xc3\x3c"
REQUEST = (
    "GET {} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n"
)
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
ROUND = {"echo": 60, "room": 20}  # times that each who talks does so in one round
MEMBERS, TALKERS = 1000, 10
WARM_UP = 100  # of a first generation
IDLE = 1000
LARGE = 10 << 20


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


def costs(case: str, servers: dict[str, procs.Server], rounds: int) -> turns.Costs:
    """Microseconds of the server's CPU for each message delivered, round by round."""
    count, talkers, size = (100, 100, 100) if case == "echo" else (MEMBERS, TALKERS, 50)
    request, heard = pack(TEXT, b"x" * size, key=KEY), 1 if case == "echo" else talkers
    with contextlib.ExitStack() as stack:
        crowds = {}
        for name, server in servers.items():
            with contextlib.closing(Talk(dial(server, f"/{case}") for _ in range(WARM_UP))) as first:
                first.converse(
                    WARM_UP if case == "echo" else 1, request, size + 2, 5
                )  # see runs/contest.py: a fresh heap is no server's fault
            crowds[name] = Talk(dial(server, f"/{case}") for _ in range(count))
            stack.callback(crowds[name].close)
            crowds[name].converse(talkers, request, (size + 2) * heard, 5)

        def play(name: str) -> int:
            crowds[name].converse(talkers, request, (size + 2) * heard, ROUND[case])
            return ROUND[case] * count * heard

        return turns.costs(servers, play, rounds, GOALS[case])


CHAT = ("--no-console", "--flood-rate=0", "--max-per-ip=0", "--log-level=warning", "--web=0", "--history=0")
MARK = b"!"
SAID = b"x" * 49 + MARK
QUIET, NEWS = 0.5, 2.5  # seconds until a chat is taken to be quiet, and until all news of it have been told


class Members(Talk):
    """Connections to the chat, on TCP or in browsers. What is said has one MARK in it, and marks are counted."""

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
            heard -= sum(self.by_fd[fd].recv(1 << 18).count(MARK) for fd, _ in self.wait())


def browsers(server: procs.Server) -> tuple[Members, bytes, bytes]:
    """MEMBERS with the page open, a message, and a sign of life."""
    more, port = "Sec-WebSocket-Protocol: chat.v1\r\n", web_port(server)
    members = Members([dial(server, "/chat", more, port) for _ in range(MEMBERS)])
    return members, pack(TEXT, SAID, key=KEY), pack(PONG, b"", key=KEY)


def line_members(server: procs.Server) -> tuple[Members, bytes, bytes]:
    """The same on TCP."""
    return Members([socket.create_connection(server.address, TIMEOUT) for _ in range(MEMBERS)]), SAID + b"\n", b""


def chat_costs(rounds: int) -> turns.Costs:
    """Microseconds of the chat's CPU for each delivery, to browsers and to TCP, each in a server of its own."""
    with contextlib.ExitStack() as stack:
        crowds, servers = {}, {}
        for name, gather in (("browsers", browsers), ("TCP", line_members)):
            server = servers[name] = stack.enter_context(procs.Server("the chat", ["examples/chat_server.py", *CHAT]))
            members, request, alive = gather(server)
            stack.callback(members.close)
            members.quieten(QUIET)
            members.say(request)  # who has not said anything yet is announced now, in a crowd two seconds later
            members.quieten(NEWS)
            spared = 0 if name == "browsers" else TALKERS  # on TCP nobody is told its own lines
            crowds[name] = members, request, alive, TALKERS * MEMBERS - spared

        def play(name: str) -> int:
            members, request, _, heard = crowds[name]
            for _ in range(ROUND["room"]):
                members.talk(request, heard)
            return ROUND["room"] * MEMBERS * TALKERS

        def show_life() -> None:
            for members, _, alive, _ in crowds.values():
                members.show_life(alive)

        return turns.costs(servers, play, rounds, {}, "browsers", show_life)


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


def idle_rows(servers: dict[str, procs.Server], python: str) -> list[list[str]]:
    """Each in a process of its own: one that has served thousands has their memory at hand."""
    rows = []
    for name in servers:
        with procs.Server(name, [PROGRAMS[name]], python) as fresh:
            rows.append([name, figure(memory(fresh))])
    return rows


def measure(case: str, servers: dict[str, procs.Server], options) -> tuple[str, list[str], list[list[str]], list[str]]:
    """A case's title, the heads of its table, its rows, and sentences about goals."""
    if case in ("echo", "room"):
        found = costs(case, servers, options.rounds)
        room = f"room of {MEMBERS:,} members, {TALKERS} talk: server CPU per delivery"
        title = room if case == "room" else "echo of 100 B, 100 connections: server CPU per message"
        return title, turns.HEADS, turns.rows(found), turns.verdicts(found, GOALS[case])
    if case == "chat":
        found = chat_costs(options.rounds)
        title = f"our chat, {MEMBERS:,} members in browsers or on TCP, {TALKERS} talk: server CPU per delivery"
        notes = [f"browsers: {note}" for note in turns.verdicts(found, {}, "browsers")]
        return title, ["members", *turns.HEADS[1:]], turns.rows(found), notes
    if case == "memory":
        rows = idle_rows(servers, options.python)
        goals = [at_most(IDLE_GOAL, float(rows[0][1]), "KiB each")] if turns.US in servers else []
        return f"{IDLE:,} idle connections that have used permessage-deflate", ["server", "KiB each"], rows, goals
    found_large = {name: large(server) for name, server in servers.items()}
    goals = []
    if turns.US in servers:
        cpu, memory = found_large[turns.US]
        goals = [at_most(LARGE_CPU, cpu, "s of CPU"), at_most(LARGE_MEMORY, memory, "MiB")]
    rows = [[name, *map(figure, figures)] for name, figures in found_large.items()]
    return "a message of 10 MiB there and back", ["server", "CPU s", "MiB more"], rows, goals


def at_most(limit: float, found: float, unit: str) -> str:
    return f"goal: at most {limit:g} {unit}: {figure(found)}, {'met' if found <= limit else 'MISSED'}"


def run(options) -> None:
    procs.raise_descriptor_limit(5000)
    with contextlib.ExitStack() as stack:
        programs = {name: [program] for name, program in PROGRAMS.items()}
        programs[turns.BARE].append("websocket")
        programs[turns.PROMISES].append("echo")
        servers = turns.started(stack, programs, options.python)
        for case in options.cases:
            left_out = turns.FLOORS.keys() - set(FLOORS.get(case, ()))
            there = {name: server for name, server in servers.items() if name not in left_out}
            turns.show(*measure(case, there, options), options.markdown)


if __name__ == "__main__":
    sys.exit(turns.command(__doc__, CASES, run))
