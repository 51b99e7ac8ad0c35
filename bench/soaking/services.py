"""The servers of a long run, each a process of its own with the options that people would use. Knows no load."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runs import procs

CERTIFICATES = procs.ROOT / "tests" / "certificates"
CHAT = ("examples/chat_server.py", "--no-console", "--max-per-ip=0", "--web=0", "--metrics=0")
TLS = (f"--tls-cert={CERTIFICATES / 'localhost.pem'}",)
START_TIMEOUT = 20.0  # seconds until a server has said all its ports
FILES = {"small.bin": 1 << 10, "middle.bin": 200 << 10, "large.bin": 4 << 20}


@dataclass
class Service:
    """One server. `port` and `web` are None where it has no such door."""

    name: str
    process: procs.Server
    port: int
    web: int | None = None
    metrics: int | None = None

    def complaints(self) -> list[str]:
        """What it said on stderr that no peer is to blame for."""
        said = os.pread(self.process.errors.fileno(), 1 << 24, 0).decode(errors="replace")
        lines = said.splitlines()
        return [line for line in lines if re.match(r"Traceback|.* (ERROR|CRITICAL) |.*Warning: ", line)][:5]


def start(stack: contextlib.ExitStack, name: str, *command: str, python: str) -> Service:
    """Start one, and read where its doors are from what it says."""
    process = stack.enter_context(procs.Server(name, list(command), python, apart=True))
    wanted = [word for option, word in (("--web=0", "web page on"), ("--metrics=0", "metrics on")) if option in command]
    deadline = time.monotonic() + START_TIMEOUT
    while not all(word in process.said() for word in wanted):
        if time.monotonic() > deadline:
            raise procs.BenchError(f"{name} does not say where its doors are")
        time.sleep(procs.POLL)
    said = re.findall(r"(web page|metrics) on https?://[^:]+:(\d+)", process.said())
    found = {word: int(port) for word, port in said}
    return Service(name, process, process.address[1], found.get("web page"), found.get("metrics"))


def start_all(stack: contextlib.ExitStack, python: str, folder: Path, api: int) -> dict[str, Service]:
    """Every server, by name; `folder` is for files, `api` the port of what the bot asks."""
    site = make_site(folder)
    services = [
        start(stack, "chat", *CHAT, python=python),
        start(stack, "chat on TLS", *CHAT, *TLS, python=python),
        start(stack, "files", "examples/http_server.py", f"--root={site}", "--metrics=0", python=python),
        start(stack, "WebSocket", "examples/websocket_echo_server.py", "--metrics=0", python=python),
        start(stack, "bot", "examples/bot_server.py", "--backend=openai", f"--url=http://127.0.0.1:{api}",
              "--max-per-ip=0", "--timeout=10", python=python),
    ]  # fmt: skip
    if url := stack.enter_context(redis(folder)):
        cluster = (*CHAT, f"--cluster={url}")
        services += [start(stack, name, *cluster, python=python) for name in ("cluster A", "cluster B")]
    return {service.name: service for service in services}


def make_site(folder: Path) -> Path:
    """Files to be fetched, other bytes in each place."""
    site = folder / "site"
    site.mkdir()
    for name, size in FILES.items():
        (site / name).write_bytes(b"".join(b"%015d\n" % number for number in range(size // 16)))
    return site


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str | None]:
    """The URL of a redis-server of our own; None, with a word on stderr, where none is installed."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        print("left out: the cluster, for redis-server is not installed", file=sys.stderr)
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with procs.Child(command, subprocess.DEVNULL, subprocess.DEVNULL, apart=True) as server:
        deadline = time.monotonic() + START_TIMEOUT
        while not listens(port):
            if time.monotonic() > deadline or server.process.poll() is not None:
                raise procs.BenchError("redis-server does not start")
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}"


def listens(port: int) -> bool:
    """Whether somebody accepts there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answer_of_api(question: str) -> bytes:
    """A response in one piece, as an OpenAI-compatible API gives it."""
    message = {"role": "assistant", "content": f"answer to {question}"}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
