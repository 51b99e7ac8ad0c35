#!/usr/bin/env python3
"""Three chat servers that are one chat, and the Redis between them, with one command. Ctrl-C ends all.

Talk with `nc 127.0.0.1 2401` in one terminal and `nc 127.0.0.1 2402` in another; then kill one of the servers.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

SERVER = Path(__file__).resolve().parent / "chat_server.py"
PATIENCE = 10.0  # seconds for a program to end


def started(stack: ExitStack, *words: str) -> subprocess.Popen[bytes]:
    """A program that ends with this one."""
    process = stack.enter_context(subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True))
    stack.callback(end, process)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--servers", type=int, default=3, help="how many (3)")
    parser.add_argument(
        "--port", type=int, default=2401, help="of the first; the others follow; 0 is any free ones (2401)"
    )
    options = parser.parse_args()
    redis = shutil.which("redis-server") or shutil.which("valkey-server")
    if redis is None:
        print("cluster_demo.py: redis-server is not installed", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        port = free_port()
        started(stack, redis, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "",
                "--logfile", f"{directory}/redis.log")  # fmt: skip
        words = sys.executable, str(SERVER), "--no-console", "--log-level", "warning"
        for number in range(options.servers):
            url = f"redis://127.0.0.1:{port}"
            started(stack, *words, "--cluster", url, "--port", str(options.port and options.port + number))
        print(f"redis is on 127.0.0.1:{port}; Ctrl-C ends everything", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
