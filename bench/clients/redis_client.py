#!/usr/bin/env python3
"""What a client of Redis costs: XADD of 100 B and reading a stream, per second of the client's own CPU.

Each contender runs in a process of its own, in turn, round after round; of each the median is shown. A redis-server is
started for it. `--python` is an interpreter with redis-py, and perhaps hiredis, if it is to be compared with.

    callbacks      RedisClient.call
    futures        RedisClient.execute
    redis-py       its pipeline, its own parser
    hiredis        its pipeline, the parser in C
"""

from __future__ import annotations

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the folder bench/
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))  # a fresh clone needs no installation

from report.tables import figure
from runs import turns
from runs.procs import BenchError

VALUE = b"x" * 100
LEAST = 120_000  # XADD per second of CPU
BATCH = 100
OURS = ("callbacks", "futures")
THEIRS = ("redis-py", "hiredis")
CAP = "20000"  # entries of the stream, approximately


def ours(contender: str, task: str, port: int, seconds: float) -> tuple[int, float]:
    """How many, and seconds of CPU."""
    from protocols.redis import RedisClient
    from reactor import Reactor

    with Reactor() as reactor:
        client = RedisClient(reactor, f"redis://127.0.0.1:{port}", timeout=30.0)
        reactor.run_until(client.execute("PING"))
        start, end, count = time.process_time(), time.monotonic() + seconds, 0
        missing = [0]

        def answered(reply: object) -> None:
            missing[0] -= 1
            if not missing[0]:
                reactor.stop()

        while time.monotonic() < end:
            if task == "read":
                reply = reactor.run_until(client.execute("XREAD", "COUNT", BATCH, "STREAMS", "filled", 0))
                count += len(reply[b"filled"])
                continue
            if contender == "callbacks":
                missing[0] = BATCH
                for _ in range(BATCH):
                    client.call(answered, "XADD", "log", "MAXLEN", "~", CAP, "*", "d", VALUE)
                reactor.run()
            else:
                futures = [client.execute("XADD", "log", "MAXLEN", "~", CAP, "*", "d", VALUE) for _ in range(BATCH)]
                reactor.run_until(futures[-1])
                assert all(future.result() for future in futures)
            count += BATCH
        return count, time.process_time() - start


def theirs(contender: str, task: str, port: int, seconds: float) -> tuple[int, float]:
    """The same, by redis-py."""
    import redis
    from redis import _parsers

    parser = _parsers._HiredisParser if contender == "hiredis" else _parsers._RESP3Parser
    pool = redis.ConnectionPool(host="127.0.0.1", port=port, protocol=3, parser_class=parser)
    client = redis.Redis(connection_pool=pool)
    client.ping()
    start, end, count = time.process_time(), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        if task == "read":
            reply = client.execute_command("XREAD", "COUNT", BATCH, "STREAMS", "filled", 0)
            count += len(next(iter(reply.values()))[0] if isinstance(reply, dict) else reply[0][1])
            continue
        pipeline = client.pipeline(transaction=False)
        for _ in range(BATCH):
            pipeline.execute_command("XADD", "log", "MAXLEN", "~", CAP, "*", "d", VALUE)
        count += len(pipeline.execute())
    return count, time.process_time() - start


def measure(options: argparse.Namespace, port: int, contender: str, task: str) -> float | None:
    """Per second of CPU, in a child; None where it cannot be. BenchError where it has done nothing to divide."""
    python = sys.executable if contender in OURS else options.python
    if python is None:
        return None
    words = [
        python,
        __file__,
        "--child",
        contender,
        "--task",
        task,
        "--port",
        str(port),
        "--seconds",
        str(options.seconds),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    count, cpu = map(float, done.stdout.split())
    if min(count, cpu) <= 0:
        raise BenchError(f"{contender}: {count:g} done with {cpu:g} s of CPU: too short a round (--seconds)")
    return count / cpu


def tables(options: argparse.Namespace, port: int) -> None:
    """Both tasks, and how the goals stand."""
    rows, notes = [], []
    for task, name in (("add", f"XADD of 100 B, {BATCH} at once"), ("read", f"entries read, {BATCH} a reply")):
        rounds: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            for contender in (*OURS, *THEIRS):
                if (found := measure(options, port, contender, task)) is not None:
                    rounds.setdefault(contender, []).append(found)
        medians = {contender: statistics.median(values) for contender, values in rounds.items()}
        rows.append([name, *(f"{medians[c]:,.0f}" if c in medians else "-" for c in (*OURS, *THEIRS))])
        notes += judge(task, medians)
    turns.show("a client of Redis: done per second of its CPU", ["", *OURS, *THEIRS], rows, notes, options.markdown)


def judge(task: str, found: dict[str, float]) -> list[str]:
    """Sentences about goals.

    >>> judge("add", {"callbacks": 200_000.0, "futures": 90_000.0, "redis-py": 100_000.0})
    ['goal: at least 120,000 XADD with callbacks: 200,000, met', \
'goal: add with futures at least 1.00 of redis-py: 0.900, MISSED']
    """
    notes = []
    if task == "add":
        met = "met" if found["callbacks"] >= LEAST else "MISSED"
        notes.append(f"goal: at least {LEAST:,} XADD with callbacks: {found['callbacks']:,.0f}, {met}")
    if "redis-py" in found:
        ratio = found["futures"] / found["redis-py"]
        met = "met" if ratio >= 1 else "MISSED"
        notes.append(f"goal: {task} with futures at least 1.00 of redis-py: {figure(ratio)}, {met}")
    return notes


def with_server(options: argparse.Namespace) -> int:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        print("redis_client.py: redis-server is not installed", file=sys.stderr)
        return 1
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        words = [program, "--port", str(port), "--save", "", "--dir", directory, "--loglevel", "warning"]
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            fill(port)
            tables(options, port)
        except BenchError as error:
            print(f"redis_client.py: {error}", file=sys.stderr)
            return 1
        finally:
            server.kill()
            server.wait()
    return 0


def fill(port: int) -> None:
    """A stream to be read."""
    from protocols.redis import RedisClient
    from reactor import Reactor

    with Reactor() as reactor:
        client = RedisClient(reactor, f"redis://127.0.0.1:{port}", timeout=30.0)
        for number in range(BATCH):
            added = client.execute("XADD", "filled", "*", "n", "0123456789abcdef", "s", number, "d", VALUE)
        reactor.run_until(added)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a round (1)")
    parser.add_argument("--python", help="an interpreter with redis-py")
    parser.add_argument("--markdown", action="store_true", help="tables as RESULTS.md has them")
    parser.add_argument("--child", choices=(*OURS, *THEIRS), help=argparse.SUPPRESS)
    parser.add_argument("--task", choices=("add", "read"), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is None:
        return with_server(options)
    count, cpu = (ours if options.child in OURS else theirs)(options.child, options.task, options.port, options.seconds)
    print(count, cpu)
    return 0


if __name__ == "__main__":
    sys.exit(main())
