"""The programs of protocols/websocket/README.md run as they stand there, the client against the server."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAMS = re.findall(r"```python\n(.*?)```", (ROOT / "protocols/websocket/README.md").read_text("utf-8"), re.DOTALL)
DEADLINE = 60
PORT = "8000"


def program(word):
    (found,) = [text for text in PROGRAMS if word in text]
    return found


@pytest.fixture
def start(ports):
    """Starts a server program on a free port, which it gives."""
    children = []

    def start(text):
        port = ports()
        command = [sys.executable, "-c", text.replace(PORT, str(port))]
        child = subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
        children.append(child)
        deadline = time.monotonic() + DEADLINE
        while True:
            assert child.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return port
            except ConnectionRefusedError:
                time.sleep(0.05)

    yield start
    for child in children:
        child.terminate()
        assert child.wait(DEADLINE) == 0


def run(text):
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=DEADLINE
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout.decode()


def test_the_client_hears_itself_in_the_room(start):
    port = start(program("class Room"))
    assert run(program("class Ask").replace(PORT, str(port))) == "hello\n"


def test_the_greeting(start):
    port = start(program("lines_over"))
    client = program("class Ask").replace(f"{PORT}/room", f"{port}/greeting")
    assert run(client) in ("Hello, hello!\n", "What is your name?\n")  # it asks those who are slow to speak


def test_the_test_in_memory():
    assert run(program("MemoryReactor")) == ""


def test_there_is_no_program_without_a_test():
    assert len(PROGRAMS) == 4
