#!/usr/bin/env python3
"""HTTP fetching: the reactor's client against aiohttp, httpx, requests and curl, as far as they are there.

Many small GETs over kept connections: CPU of the client process for each, its start left out. One large download into
a file: throughput, CPU and peak memory of the whole program, its start included. The origin is nginx, or where that is
not installed a small server of this project in another process. Clients take rounds in turn.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the folder bench/

from cpu import US, Outcome, in_turn, report
from report.tables import figure
from runs import procs
from runs.arguments import Parser, positive
from runs.turns import quotients
from servers.programs import CLIENTS

SMALL = 1024  # bytes
HTTP_CLIENTS = (US, *CLIENTS, "curl")
NGINX = """
{user}
daemon off; master_process off; worker_processes 1; pid {root}/pid; error_log {root}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type application/octet-stream;
    client_body_temp_path {root}/a; proxy_temp_path {root}/b; fastcgi_temp_path {root}/c; uwsgi_temp_path {root}/d;
    scgi_temp_path {root}/e;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@contextlib.contextmanager
def serving(path: Path) -> Iterator[str]:
    """A server that gives this file; its URL."""
    if shutil.which("nginx"):
        with nginx(path.parent) as port:
            yield f"http://127.0.0.1:{port}/{path.name}"
        return
    with procs.Server("the origin", ["bench/servers/http_origin.py", str(path)]) as server:
        yield f"http://127.0.0.1:{server.address[1]}/{path.name}"


@contextlib.contextmanager
def nginx(root: Path) -> Iterator[int]:
    """An nginx of one process for a directory, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""  # its directory is this user's alone
    (root / "nginx.conf").write_text(NGINX.format(root=root, port=port, user=user))
    with procs.Child(["nginx", "-c", str(root / "nginx.conf")], subprocess.DEVNULL, subprocess.DEVNULL) as child:
        deadline = time.monotonic() + procs.START_TIMEOUT
        while socket.socket().connect_ex(("127.0.0.1", port)):
            if child.process.poll() is not None or time.monotonic() > deadline:
                raise procs.BenchError(f"nginx did not start: {child.last_error()}")
            time.sleep(procs.POLL)
        yield port


@contextlib.contextmanager
def file_of(size: int) -> Iterator[Path]:
    """A file of so many bytes, in a directory of its own with room for a copy."""
    with tempfile.TemporaryDirectory(prefix="fetch-") as directory:
        if shutil.disk_usage(directory).free < 2 * size:
            raise procs.BenchError(f"{directory} has no room for twice {size:,} bytes")
        path = Path(directory) / "file.bin"
        with path.open("wb") as file:
            file.truncate(size)
        yield path


def finished(name: str, command: list[str], stdin: bytes = b"") -> tuple[float, float, int, bytes]:
    """Run a program: wall and CPU seconds, peak resident bytes, and what it printed."""
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(stdin)
        given.seek(0)
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=given, stdout=said, stderr=errors, cwd=procs.ROOT)
        try:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:
                process.kill()
        took = time.perf_counter() - start
        errors.seek(0)
        if process.returncode:
            raise procs.BenchError(f"{name}: {errors.read()[-300:].decode(errors='replace').strip()}")
        said.seek(0)
        unit = 1 if sys.platform == "darwin" else 1024
        return took, usage.ru_utime + usage.ru_stime, unit * usage.ru_maxrss, said.read()


def is_there(name: str, options: argparse.Namespace) -> bool:
    if name == "curl":
        return shutil.which("curl") is not None
    return name == US or CLIENTS[name] in options.about["libraries"]


def small_round(name: str, url: str, options: argparse.Namespace) -> dict:
    """One process with all its requests; a fresh one each time, warmed up."""
    if name == "curl":
        return curl_round(url, options)
    command = [options.python, "bench/peers/web/fetch_client.py", name, url, f"--size={SMALL}"]
    command += [f"--requests={options.requests}", f"--connections={options.connections}"]
    return json.loads(finished(name, command)[3])


def curl_round(url: str, options: argparse.Namespace) -> dict:
    """curl has no warm-up: the same with one request for each connection is taken off."""
    figures = []
    for count in (options.connections, options.connections + options.requests):
        wanted = f'url = "{url}"\noutput = "/dev/null"\n' * count
        command = ["curl", "-q", "-s", "-f", "--noproxy", "*", "--parallel", "--config", "-"]
        command += ["--parallel-max", str(options.connections)]
        figures.append(finished("curl", command, wanted.encode()))
    few, many = figures
    more = {"cpu": many[1] - few[1], "seconds": many[0] - few[0]}
    if min(more.values()) <= 0:
        raise procs.BenchError(f"curl: {options.requests} requests take no longer than none: ask for more (--requests)")
    return more


def run_small(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """Small GETs over kept connections."""
    names = [name for name in HTTP_CLIENTS if is_there(name, options)]
    found: dict[str, list[dict]] = {name: [] for name in names}
    with file_of(SMALL) as path, serving(path) as url:
        for number in range(options.rounds):
            for name in names if number % 2 == 0 else reversed(names):
                tick(f"round {number + 1} of {options.rounds}: {name}")
                found[name].append(small_round(name, url, options))
    rows = [small_row(name, found.get(name), found[US], options.requests) for name in HTTP_CLIENTS]
    title = (
        f"{options.requests:,} GETs of 1 KiB over {options.connections} kept connections from {origin_name()}: "
        "CPU of the client for each"
    )
    return Outcome(title, ["client", "CPU us", "lowest", "highest", "to reactor", "requests/s"], rows, [
        "curl is a process of its own for each round: one with a request for each connection is taken off",
    ])  # fmt: skip


def small_row(name: str, found: list[dict] | None, ours: list[dict], requests: int) -> list[str]:
    if found is None:
        return [name, "not installed", "-", "-", "-", "-"]
    costs = [1e6 * round_["cpu"] / requests for round_ in found]
    ratio = statistics.median(quotients((round_["cpu"] for round_ in found), (round_["cpu"] for round_ in ours)))
    rate = statistics.median(requests / round_["seconds"] for round_ in found)
    return [name, *map(figure, (statistics.median(costs), min(costs), max(costs), ratio, rate))]


def run_large(options: argparse.Namespace, tick: Callable[[str], None]) -> Outcome:
    """One download into a file."""
    size = options.megabytes * 1_000_000
    names = [name for name in (US, "curl") if is_there(name, options)]
    found: dict[str, list] = {name: [] for name in names}
    start: dict[str, list[float]] = {name: [] for name in names}
    length = {US: 2, "curl": 1}  # words of the command that name the program
    with file_of(size) as path, serving(path) as url:
        target = path.with_name("copy.bin")
        commands = {
            US: [options.python, "examples/http_fetch.py", "-q", "-o", str(target), url],
            "curl": ["curl", "-q", "-s", "-f", "--noproxy", "*", "-o", str(target), url],
        }
        for number in range(min(options.rounds, options.downloads)):
            for name in names if number % 2 == 0 else reversed(names):
                tick(f"download {number + 1}: {name}")
                found[name].append(finished(name, commands[name])[:3])
                if target.stat().st_size != size:
                    raise procs.BenchError(f"{name}: the file has {target.stat().st_size:,} bytes, not {size:,}")
                target.unlink()
                start[name].append(finished(name, [*commands[name][: length[name]], "--help"])[0])
    rows = []
    for name, rounds in found.items():
        took, cpu, peak = (statistics.median(values) for values in zip(*rounds, strict=True))
        began = statistics.median(start[name])
        cells = (size / took / 1e6, began, without_start(size, took, began), cpu, peak / 2**20)
        rows.append([name, *map(figure, cells)])
    title = f"{options.megabytes:,} MB from {origin_name()} into a file; programs as a user starts them"
    headers = ["client", "MB/s", "start s", "MB/s without it", "CPU s", "peak MiB"]
    return Outcome(title, headers, rows, ["the start is how long the program takes to show its --help"])


def without_start(size: int, took: float, began: float) -> float | None:
    """MB/s of the download alone; None where most of the time is the start, whose own spread would be the figure.

    >>> without_start(100_000_000, 0.6, 0.1), without_start(1_000_000, 0.11, 0.1), without_start(1_000_000, 0.1, 0.1)
    (200.0, None, None)
    """
    return size / (took - began) / 1e6 if took > 2 * began else None


def origin_name() -> str:
    return "nginx" if shutil.which("nginx") else "bench/servers/http_origin.py"


CASES = {"small": run_small, "large": run_large}


def outcomes(options: argparse.Namespace) -> Iterator[Outcome]:
    chosen = {name: run for name, run in CASES.items() if not options.only or name in options.only}
    yield from in_turn(chosen, options)


def parse() -> argparse.Namespace:
    parser = Parser(__doc__)
    option = parser.add_argument
    option("--only", action="append", choices=list(CASES), metavar="NAME", help=f"one of {', '.join(CASES)}")
    option("--rounds", type=positive, default=7, help="rounds for each client (7)")
    option("--requests", type=positive, default=1000, help="small ones in a round (1000)")
    option("--connections", type=positive, default=50, help="kept by each client (50)")
    option("--megabytes", type=positive, default=500, help="of the large file (500)")
    option("--downloads", type=positive, default=5, help="of it, at most (5)")
    option("--python", default=sys.executable, help="interpreter of the clients, say one with aiohttp")
    option("--markdown", action="store_true", help="tables for a README")
    options = parser.parse_args()
    options.seconds = None
    return options


if __name__ == "__main__":
    sys.exit(report(parse(), outcomes))
