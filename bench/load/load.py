#!/usr/bin/env python3
"""The load generator's command line: one mode, against one server, results as JSON lines.

    load.py echo  --port 9000 --connections 100 --size 100 --seconds 1
    load.py lines --port 9001 --connections 100 --pipeline 16
    load.py chat  --port 2401 --connections 100 --senders 10 [--rate 50]
    load.py udp   --port 9000 --connections 100 --size 100
    load.py echo  --port 9000 --rate 20000                  open: each message at its time, latency from that time
    load.py churn --port 9000 --connections 50              connect, one exchange, close, and again
    load.py tls-churn --port 9000 --connections 50          the same over TLS, resuming sessions
    load.py idle  --port 9000 --connections 10000 --seconds 60

One line is printed: counts, seconds, the 50th and 99th percentile and the maximum of the latency of a message, in
seconds, and the share of a core that this program took: at 0.9 and above it may be what the server waited for (an
open load looks at the clock in its free time, which is not counted). `late` is how far behind their times the messages
of an open load left, the 99th percentile in seconds: where it is not far below the latencies, they are the generator's
own; null in a closed load, which has no times.

With `--interactive` it first prints `{"ready": true, ...}` once everybody is connected and settled; then each line of
stdin, a number of seconds (and perhaps another rate), runs a round and prints its result, until stdin ends. So the
caller can read the server's CPU exactly between rounds. Anything lost, added or broken makes the status 1 and the line
`{"error": ...}`.
"""

import argparse
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the folder bench/

from load.churn import Churn, TlsChurn
from load.clients import Crowd, Datagrams, Exchange, Idle, LoadError, Round, TlsExchange
from load.paced import PacedChat, PacedExchange, give_way
from load.rooms import Chat
from load.samples import percentile
from load.split import SplitChat
from report.tables import complain
from runs import procs
from runs.arguments import Parser, positive, positive_number, seconds

PATTERN = b"abcdefghijklmnopqrstuvwxyz0123456789-"  # a length that divides no buffer size: a shifted echo shows

MODES = ("echo", "lines", "chat", "udp", "tls", "churn", "tls-churn", "idle")
SHARED = ("echo", "lines", "tls", "churn", "tls-churn")  # modes whose clients know nothing of each other
RATE = "echo, lines, chat: messages a second in all, at their times, whether or not answers come (open loop)"
PROCESSES = 16  # more than any load here has needed


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=positive, default=100)
    parser.add_argument("--seconds", type=seconds, default=1.0)
    parser.add_argument("--size", type=positive, default=100, help="bytes of payload (not of lines)")
    parser.add_argument("--burst", action="store_true", help="echo, lines: send to all, collect from all, and again")
    parser.add_argument("--pipeline", type=positive, default=16, help="lines: how many in one write")
    parser.add_argument("--senders", type=positive, default=None, help="chat: how many of the members talk (all)")
    parser.add_argument("--rate", type=positive_number, help=RATE)
    parser.add_argument("--timeout", type=seconds, default=60.0, help="seconds a phase may take beyond --seconds")
    parser.add_argument("--processes", type=positive, default=1, help=f"{', '.join(SHARED)}: share the connections")
    parser.add_argument("--background", action="store_true", help="run only on a core that nobody else wants (Linux)")
    parser.add_argument("--interactive", action="store_true", help="rounds on request from stdin")
    options = parser.parse_args(arguments)
    if options.senders is None:
        options.senders = options.connections
    if options.senders > options.connections:
        parser.error("there are no more senders than connections")
    if options.processes > 1 and options.mode not in SHARED:
        parser.error(f"--processes is for {', '.join(SHARED)}")
    options.processes = min(options.processes, options.connections, PROCESSES)
    if options.rate and options.mode not in ("echo", "lines", "chat"):
        parser.error("--rate is for echo, lines and chat")
    if options.rate and options.burst:
        parser.error("--burst is for a closed load: with --rate each message has its own time")
    return options


class Single:
    """The load from this process."""

    def __init__(self, options: argparse.Namespace) -> None:
        start = perf_counter()
        self.crowd = make_crowd(options)
        self.crowd.dial()
        self.crowd.settle()
        self.seconds = perf_counter() - start

    def __enter__(self) -> "Single":
        return self

    def __exit__(self, *_: object) -> None:
        self.crowd.close()

    def run(self, seconds: float) -> tuple[Round, float]:
        """One round, and the share of a core that it took; looking at the clock is no work."""
        cpu = process_time()
        done = self.crowd.run(seconds)
        if done.busy is not None:
            return done, done.busy
        return done, max(0.0, process_time() - cpu - self.crowd.spun) / max(done.seconds, 1e-9)

    def pace(self, rate: float) -> None:
        """From the next round on."""
        self.crowd.rate = rate


class Several:
    """The same load from several processes, each with its share of the connections; their rounds are added up."""

    def __init__(self, options: argparse.Namespace) -> None:
        start = perf_counter()
        share, rest = divmod(options.connections, options.processes)
        self.loads = []
        try:
            for number in range(options.processes):
                self.loads.append(start_part(options, share + (number < rest)))
            for load in self.loads:
                load.ready()
        except BaseException:
            self.__exit__(True)
            raise
        self.seconds = perf_counter() - start

    def __enter__(self) -> "Several":
        return self

    def __exit__(self, failure: object = None, *_: object) -> None:
        for load in self.loads:
            load.stop(hurry=failure is not None)

    def run(self, seconds: float) -> tuple[Round, float]:
        """One round of all, and the share of a core that the busiest took."""
        for load in self.loads:
            load.begin(seconds)
        results = [load.finish() for load in self.loads]
        latencies: Counter[int] = Counter()
        for result in results:
            latencies.update({int(latency): count for latency, count in result["latencies"].items()})
        messages, size = (sum(result[key] for result in results) for key in ("messages", "bytes"))
        took, busy = (max(result[key] for result in results) for key in ("seconds", "load_busy"))
        late = max((result["late"] for result in results if result["late"] is not None), default=None)
        return Round(messages, size, took, latencies, late), busy


def start_part(options: argparse.Namespace, connections: int) -> procs.Load:
    """Start a process with some of the connections."""
    shared = {name: getattr(options, name) for name in ("size", "pipeline", "burst", "timeout")}
    if options.rate:
        shared["rate"] = options.rate * connections / options.connections
    return procs.Load(options.mode, (options.host, options.port), connections=connections, **shared)


KINDS = {"echo": Exchange, "udp": Datagrams, "tls": TlsExchange}


def make_crowd(options: argparse.Namespace) -> Crowd:
    """The connections of one mode, not dialed yet."""
    common = ((options.host, options.port), options.connections, options.timeout)
    if options.mode == "idle":
        return Idle(*common)
    payload = bytes(PATTERN[i % len(PATTERN)] for i in range(options.size))
    if options.mode in ("churn", "tls-churn"):
        return (Churn if options.mode == "churn" else TlsChurn)(*common, payload)
    if options.mode == "chat":
        talk = (*common, options.senders, options.size)
        if not options.rate:
            return Chat(*talk)
        return (SplitChat if hasattr(os, "fork") and options.senders > 1 else PacedChat)(*talk, options.rate)
    if options.mode == "echo" and options.rate:
        return PacedExchange(*common, payload, payload, 1, burst=False).pace(options.rate)
    if options.mode in KINDS:
        return KINDS[options.mode](*common, payload, payload, 1, options.burst)
    names = [b"line %06d" % number for number in range(options.pipeline)]
    request = b"".join(b"%b\n" % name for name in names)
    reply = b"".join(b"Hello, %b!\n" % name for name in names)
    if options.rate:
        return PacedExchange(*common, request, reply, options.pipeline, burst=False).pace(
            options.rate / options.pipeline
        )
    return Exchange(*common, request, reply, options.pipeline, options.burst)


def report(options: argparse.Namespace, done: Round, busy: float) -> dict:
    """What the caller is told about one round."""
    return {
        "mode": options.mode,
        "connections": options.connections,
        "messages": done.messages,
        "bytes": done.bytes,
        "seconds": round(done.seconds, 6),
        "p50": percentile(done.latencies, 0.50),
        "p99": percentile(done.latencies, 0.99),
        "max": percentile(done.latencies, 1.0),
        "late": done.late,
        "load_busy": round(busy, 4),
    }


def rounds(options: argparse.Namespace) -> Iterator[dict]:
    """Connect, and yield one line of output after another."""
    if options.processes == 1:
        needed = options.connections + procs.SPARE_DESCRIPTORS
        if procs.raise_descriptor_limit(needed) < needed:
            raise LoadError(f"the limit of open files (ulimit -n) is too small for {options.connections} connections")
    if options.background or (options.rate and options.mode in SHARED):
        give_way()
    with Single(options) if options.processes == 1 else Several(options) as load:
        if not options.interactive:
            yield report(options, *load.run(options.seconds))
            return
        yield {"ready": True, "connections": options.connections, "seconds": round(load.seconds, 6)}
        for line in sys.stdin:
            length, *rate = map(float, line.split())
            if rate:
                load.pace(*rate)
            done, busy = load.run(length)
            yield report(options, done, busy) | {"latencies": done.latencies}


class UnwritableError(Exception):
    """Nobody can be told: what stdout is takes nothing, or nobody reads it."""


def say(line: dict) -> None:
    """One line of output, at once: the caller waits for it."""
    try:
        print(json.dumps(line), flush=True)
    except OSError as error:
        # The line stays in the buffer, and the interpreter would try it again, and complain, when it leaves.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise UnwritableError(f"cannot write the result: {error.strerror}") from None


def run(options: argparse.Namespace) -> int:
    """Every line of output, the last of them an error if there is one. Gives the exit status."""
    try:
        with procs.exits_cleanly():
            for line in rounds(options):
                say(line)
    except KeyboardInterrupt:
        return 130
    except (LoadError, procs.BenchError, OSError) as error:
        unknown = isinstance(error, socket.gaierror)  # its text does not say whom nobody knows
        say({"error": f"{options.host}: {error.strerror}" if unknown else str(error)})
        return 1
    return 0


def main() -> int:
    try:
        return run(parse(sys.argv[1:]))
    except UnwritableError as error:
        complain(f"load.py: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
