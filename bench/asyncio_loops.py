#!/usr/bin/env python3
"""asyncio's programs on three loops: asyncio's own, uvloop, and asyncio on the reactor (`reactor.aio`); CPU of each.

All servers of a case run side by side and take rounds in turn, the load is this process. CPU is user and system time
of the server alone. What counts is the ratio to asyncio's own loop: the median of the rounds' ratios, with their lowest
and highest. `hosted` is asyncio's own loop on the reactor's tick: what a Python gets whose asyncio has changed. `bare`
is the least that any loop in Python takes for such a program: a poll, a receive, a send; no server can live so.

A first generation of clients comes and goes before the rounds: without it asyncio's reads of 256 KiB grow and trim the
heap of a fresh process each time, and an echo took it 2.5 times what it takes the reactor (`runs/contest.py`). And the
load never sleeps (`load/talk.py`): the sends of a server that is slower than it would pay for waking it.

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

from load.talk import Talk
from protocols.websocket.frames import TEXT, pack
from report.tables import figure
from runs import procs, turns
from websocket import dial

LOOPS = ("asyncio", "uvloop", "reactor", "hosted")
FLOORED = ("echo", "lines", "uvicorn")  # cases that `bare` has
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
    "uvicorn_from_memory": "no sockets, a request of the case uvicorn",
}
GOALS = {
    "echo": 1.0, "streams": 1.0, "lines": 0.22, "bursts": 0.40, "uvicorn": 0.80, "call_soon_by_the_hundred": 1.05,
    "call_soon_one_a_tick": 1.05, "sleep_0": 1.05, "tasks_by_the_hundred": 1.05, "call_later_and_cancel": 1.05,
}  # fmt: skip
"""At most so much of what asyncio's own loop takes."""


def crowd(service, server, count):
    """As many connections to `server`, ready to talk."""
    opened = dial if service == "websockets" else connect
    return Talk(opened(server, "/", "") for _ in range(count))


def connect(server, path, more):
    """A connection without a handshake."""
    sock = socket.create_connection(server.address, 60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def goals_of(case):
    return {"asyncio": GOALS[case]} if case in GOALS else {}


def costs(case, servers, rounds):
    """Microseconds of the server's CPU for each message, by loop, round by round."""
    service, count, talkers, request, each, times, messages = CASES[case]
    with contextlib.ExitStack() as stack:
        crowds = {}
        for name, server in servers.items():
            with contextlib.closing(crowd(service, server, count)) as first:
                first.converse(talkers, request, each, 2)
            crowds[name] = crowd(service, server, count)
            stack.callback(crowds[name].close)
            crowds[name].converse(talkers, request, each, 2)

        def play(name):
            crowds[name].converse(talkers, request, each, times)
            return times * messages * (talkers if service != "websockets" else 1)

        return turns.costs(servers, play, rounds, goals_of(case))


def show(case, found, markdown=False):
    """A table of one case: the figures, and what they are of asyncio's."""
    rows = []
    for name, values in found.items():
        ratios = turns.ratios(found, name, "asyncio")
        shown = [f"{value:.2f}" for value in (statistics.median(ratios), min(ratios), max(ratios))]
        rows.append([name, figure(statistics.median(values)), *shown])
    notes = [note for note in turns.verdicts(found, goals_of(case)) if note.startswith("goal")]
    if turns.BARE in found:
        least = statistics.median(turns.ratios(found, turns.BARE, "asyncio"))
        notes.append(f"floor: {figure(least)} of asyncio in bare Python")
    turns.show(f"{case}: {TITLES[case]}", ["loop", "CPU us", "of asyncio", "lowest", "highest"], rows, notes, markdown)


def run_servers(case, options):
    """One case with servers."""
    with contextlib.ExitStack() as stack:
        loops = (*LOOPS, turns.BARE) if case in FLOORED else LOOPS
        programs = {name: [PROGRAM, CASES[case][0], f"--loop={name}"] for name in loops}
        servers = turns.started(stack, programs, options.python)
        if "asyncio" in servers:
            show(case, costs(case, servers, options.rounds), options.markdown)


def run_micro(options):
    """The loops without sockets."""
    command = [options.python, "bench/peers/aio_micro.py", f"--rounds={2 * options.rounds}"]
    done = subprocess.run(command, cwd=procs.ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise procs.BenchError("the measurement without sockets failed")
    for task, found in json.loads(done.stdout).items():
        show(task, {name: [nanoseconds / 1000 for nanoseconds in values] for name, values in found.items()},
             options.markdown)  # fmt: skip


def run(options):
    procs.raise_descriptor_limit(5000)
    for case in options.cases:
        run_micro(options) if case == "micro" else run_servers(case, options)


if __name__ == "__main__":
    sys.exit(turns.command(__doc__, [*CASES, "micro"], run))
