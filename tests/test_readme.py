"""The README's programs run as they stand there."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
DEADLINE = 60


def block(word):
    """The one program that has `word` in it."""
    (found,) = [text for text in BLOCKS if word in text]
    return found


@pytest.fixture
def served(tmp_path):
    """Starts a server program with its port made free to choose; gives a connected socket."""
    children = []

    def serve(program, port):
        assert str(port) in program
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = probe.getsockname()[1]
        script = tmp_path / "server.py"
        ready = f'    open({str(tmp_path / "ready")!r}, "w").close()\n    reactor.run()'
        script.write_text(program.replace(str(port), str(free)).replace("    reactor.run()", ready))
        child = subprocess.Popen([sys.executable, script], cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
        children.append(child)
        while not (tmp_path / "ready").exists():
            assert child.poll() is None, "the server ended at once"
        return socket.create_connection(("127.0.0.1", free), timeout=DEADLINE), child

    yield serve
    for child in children:
        child.kill()
        child.wait()


def test_the_ten_line_server(served):
    program = block("class Echo")
    assert len([line for line in program.splitlines() if line]) <= 10
    sock, child = served(program, 9000)
    with sock:
        sock.sendall(b"hello")
        assert sock.recv(100) == b"hello"
    child.terminate()
    assert child.wait(DEADLINE) == 0


def test_the_server_with_limits(served):
    sock, _ = served(block("class Adder"), 9002)
    with sock, sock.makefile("rb") as replies:
        sock.sendall(b"1 2 3\r\nthree\n")
        assert [next(replies), next(replies)] == [b"6\n", b"numbers, please\n"]


def test_the_test_that_does_not_wait():
    exec(block("SteppedReactor"), {})
