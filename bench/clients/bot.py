#!/usr/bin/env python3
"""What bot users who wait for a slow API cost an echo connection on the same loop: its latency without and with them.

The API takes each question and never answers. One reactor serves the bot's users and the echo; the load is elsewhere.
"""

import contextlib
import socket
import statistics
import subprocess
import sys
import threading
import time
from argparse import Namespace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the folder bench/
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))  # a fresh clone needs no installation

from protocols import Echo
from protocols.bot import LIMITS, TIMEOUTS, Bot, BotServer, make_backend
from protocols.http import Client
from reactor import Reactor
from report.tables import paragraph
from runs import procs
from runs.arguments import Parser, positive, seconds
from runs.turns import show

GOAL = 5.0  # ms that 99 of 100 echoes may take at most
HEADERS = ["beside the echo", "echoes", "p50 ms", "p99 ms", "max ms"]
PACE = 0.002  # seconds between echoes: an interactive user, not a flood


def serve(api: str) -> int:
    """The server: echo and the bot on one loop. Says both ports."""
    with Reactor() as reactor, Client(reactor, per_host=8, proxy=False) as client:
        bot = Bot(reactor, make_backend("openai", {}, url=api), client.fetch, timeout=600.0)
        echo = reactor.listen_tcp(Echo, "127.0.0.1", 0)
        people = reactor.listen_tcp(BotServer(bot).session, "127.0.0.1", 0, limits=LIMITS, timeouts=TIMEOUTS)
        print(echo.port, people.port, flush=True)
        reactor.run()
    return 0


def black_hole() -> tuple[str, list[socket.socket]]:
    """An API that accepts and says nothing."""
    listening = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def hold() -> None:
        with contextlib.suppress(OSError):
            while True:
                held.append(listening.accept()[0])

    threading.Thread(target=hold, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}", held


def echoes(port: int, duration: float) -> list[float]:
    """Latencies of echoes one after another, in ms."""
    found = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + duration
        while (start := time.perf_counter()) < end:
            sock.sendall(b"x" * 100)
            size = 0
            while size < 100:
                size += len(sock.recv(100))
            found.append(1e3 * (time.perf_counter() - start))
            time.sleep(PACE)
    return found


def row(name: str, found: list[float]) -> list[str]:
    cuts = statistics.quantiles(found, n=100)
    return [name, f"{len(found):,}", f"{cuts[49]:.3f}", f"{cuts[98]:.3f}", f"{max(found):.3f}"]


def measure(options: Namespace) -> None:
    procs.raise_descriptor_limit(options.users + procs.SPARE_DESCRIPTORS)
    api, held = black_hole()
    command = [options.python, __file__, "--serve", api]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, contextlib.ExitStack() as stack:
        stack.callback(server.terminate)
        echo, people = map(int, server.stdout.readline().split())
        rows = [row("nobody else", echoes(echo, options.seconds))]
        for number in range(options.users):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", people), timeout=10))
            sock.sendall(f"question {number}\n".encode())
        time.sleep(1.0)
        rows.append(row(f"{options.users} users wait", echoes(echo, options.seconds)))
        asked = len(held)
    p99 = float(rows[1][3])
    met = "met" if p99 < GOAL else "MISSED"
    notes = [f"{asked} questions were with the API at once", f"goal: p99 below {GOAL:g} ms: {p99:g} ms, {met}"]
    show("an echo beside users of the bot whose API never answers: its latency", HEADERS, rows, notes, options.markdown)


def main() -> int:
    parser = Parser(__doc__)
    parser.add_argument("--users", type=positive, default=500, help="who wait (500)")
    parser.add_argument("--seconds", type=seconds, default=5.0, help="of echoes, each time (5)")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the server")
    parser.add_argument("--markdown", action="store_true", help="tables as RESULTS.md has them")
    parser.add_argument("--serve", metavar="URL", help="be the server (used by this program itself)")
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve)
    try:
        with procs.exits_cleanly():
            print(paragraph([procs.machine()], options.markdown))
            measure(options)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
