#!/usr/bin/env python3
"""asyncio's programs on three loops: asyncio's own, uvloop, and asyncio on the reactor (`reactor.aio`); CPU of each.

All servers of a case run side by side and take rounds in turn, the load is this process. CPU is user and system time
of the server alone. What counts is the ratio to asyncio's own loop: the median of the rounds' ratios, with their lowest
and highest. `hosted` is asyncio's own loop on the reactor's tick: what a Python gets whose asyncio has changed.

The load is one process of Python. A server that is slower than the load finds it asleep, and pays for waking it with
each send. Where asyncio does and the others do not (echo, streams, uvicorn), the ratio to asyncio is better than at a
load that never sleeps; there look at uvloop's as well.

    echo      asyncio.Protocol, 100 connections, 100 B each way
    streams   the same by StreamReader and StreamWriter
    lines     asyncio.Protocol, 100 connections, 16 lines at once, a write for each
    bursts    the library websockets: 50 messages at once to 500 members
    single    the same, one message at a time
    uvicorn   plaintext with httptools, 50 connections
    micro     calls, sleep(0), tasks, timers: no sockets

`--python` is an interpreter with uvloop, websockets, uvicorn and httptools; what it lacks is left out.
"""

import contextlib
import json
import socket
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from protocols.websocket.frames import TEXT, pack
from report.tables import figure, table
from runs import procs
from runs.arguments import Parser, positive
from websocket import Crowd, dial

US = "reactor"
LOOPS = ("asyncio", "uvloop", US, "hosted")
PROGRAM = "bench/peers/aio_loops.py"
KEY = b"\x5a\x01\xc3\x3c"
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
ANSWER = len(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nhello, world\n")
BURST, MEMBERS = 50, 500

# the service, connections, how many of them talk, what they say, bytes that come back for it, times a round, messages
CASES = {
    "echo": ("echo", 100, 100, b"x" * 100, 100, 100, 1),
    "streams": ("streams", 100, 100, b"x" * 100, 100, 100, 1),
    "lines": ("lines", 100, 100, b"a line of some length\n" * 16, 22 * 16, 50, 16),
    "bursts": ("websockets", MEMBERS, 1, pack(TEXT, b"burst", key=KEY), 102 * BURST, 3, MEMBERS * BURST),
    "single": ("websockets", MEMBERS, 1, pack(TEXT, b"one", key=KEY), 102, 30, MEMBERS),
    "uvicorn": ("uvicorn", 50, 50, GET, ANSWER, 60, 1),
}
TITLES = {
    "echo": "asyncio.Protocol, 100 B each way, 100 connections, a message",
    "streams": "StreamReader and StreamWriter, 100 B each way, 100 connections, a message",
    "lines": "asyncio.Protocol, 16 lines at once, a write for each, 100 connections, a line",
    "bursts": "websockets, 50 messages at once to 500 members, a delivery",
    "single": "websockets, one message at a time to 500 members, a delivery",
    "uvicorn": "plaintext with httptools, 50 connections, a request",
    "call_soon_by_the_hundred": "no sockets, a call",
    "call_soon_one_a_tick": "no sockets, a round of the loop",
    "sleep_0": "no sockets, an await",
    "tasks_by_the_hundred": "no sockets, a task with gather",
    "call_later_and_cancel": "no sockets, a timer",
}
GOALS = {
    "echo": 1.0, "streams": 1.0, "lines": 0.22, "bursts": 0.40, "uvicorn": 0.80, "call_soon_by_the_hundred": 1.05,
    "call_soon_one_a_tick": 1.05, "sleep_0": 1.05, "tasks_by_the_hundred": 1.05, "call_later_and_cancel": 1.05,
}  # fmt: skip
"""At most so much of what asyncio's own loop takes."""


def crowd(service, server, count):
    """As many connections to `server`, ready to talk."""
    return Crowd(server, "/", count, opened=dial if service == "websockets" else connect)


def connect(server, path, more):
    """A connection without a handshake."""
    sock = socket.create_connection(server.address, 60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def costs(case, servers, rounds):
    """Microseconds of the server's CPU for each message, by loop, round by round."""
    service, count, talkers, request, each, times, messages = CASES[case]
    found = {name: [] for name in servers}
    with contextlib.ExitStack() as stack:
        crowds = {}
        for name, server in servers.items():
            crowds[name] = crowd(service, server, count)
            stack.callback(crowds[name].close)
            crowds[name].converse(talkers, request, each, 2)
        for number in range(rounds):
            for name in list(servers) if number % 2 else reversed(list(servers)):
                before = servers[name].cpu()
                crowds[name].converse(talkers, request, each, times)
                sent = times * messages * (talkers if service != "websockets" else 1)
                found[name].append(1e6 * (servers[name].cpu() - before) / sent)
    return found


def show(case, found, markdown=False):
    """A table of one case: the figures, and what they are of asyncio's."""
    rows, of_asyncio = [], {}
    for name, values in found.items():
        ratios = [a / b for a, b in zip(values, found["asyncio"], strict=True)]
        of_asyncio[name] = statistics.median(ratios)
        shown = [f"{value:.2f}" for value in (of_asyncio[name], min(ratios), max(ratios))]
        rows.append([name, figure(statistics.median(values)), *shown])
    title = f"{case}: {TITLES[case]}"
    print(f"\n{f'**{title}**' if markdown else title}\n")
    print(table(["loop", "CPU us", "of asyncio", "lowest", "highest"], rows, markdown), "\n")
    if case in GOALS and US in found:
        met = "met" if of_asyncio[US] <= GOALS[case] else "MISSED"
        print(f"- goal: at most {GOALS[case]:.2f} of asyncio: {of_asyncio[US]:.2f}, {met}")


def run_servers(case, options):
    """One case with servers."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for name in LOOPS:
            try:
                program = [PROGRAM, CASES[case][0], f"--loop={name}"]
                servers[name] = stack.enter_context(procs.Server(name, program, options.python))
            except procs.BenchError as error:
                print(f"{case}: left out: {error}", file=sys.stderr)
        if "asyncio" in servers:
            show(case, costs(case, servers, options.rounds), options.markdown)


def run_micro(options):
    """The loops without sockets."""
    command = [options.python, "bench/peers/aio_micro.py", f"--rounds={2 * options.rounds}"]
    done = subprocess.run(command, cwd=procs.ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise procs.BenchError("the measurement without sockets failed")
    for task, found in json.loads(done.stdout).items():
        show(
            task,
            {name: [nanoseconds / 1000 for nanoseconds in values] for name, values in found.items()},
            options.markdown,
        )


def main():
    parser = Parser(__doc__)
    parser.add_argument("cases", nargs="*", help=f"{', '.join(CASES)}, micro (all)")
    parser.add_argument("--rounds", type=positive, default=7)
    parser.add_argument("--markdown", action="store_true", help="as in RESULTS.md")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the servers")
    options = parser.parse_args()
    cases = options.cases or [*CASES, "micro"]
    if unknown := set(cases) - {*CASES, "micro"}:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    procs.exits_cleanly()
    procs.raise_descriptor_limit(5000)
    try:
        for case in cases:
            run_micro(options) if case == "micro" else run_servers(case, options)
    except procs.BenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
