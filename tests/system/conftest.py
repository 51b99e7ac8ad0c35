"""Servers of several processes, as a user runs them. Whatever they leave behind is killed after the scene."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.conftest import DEADLINE, ROOT, Peer, Program

ACTIVATOR = """
import fcntl, os, sys
fds, command = [int(fd) for fd in sys.argv[1].split(",")], sys.argv[2:]
above = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in fds]
for number, fd in enumerate(above, 3):
    os.dup2(fd, number)
os.environ.update(LISTEN_FDS=str(len(fds)), LISTEN_PID=str(os.getpid()))
os.execv(command[0], command)
"""


class House(Program):
    """A program in a session of its own, with all that it starts."""

    def __init__(self, *arguments: str, **options: Any) -> None:
        super().__init__(*arguments, start_new_session=True, **options)

    @property
    def pid(self) -> int:
        return self.process.pid

    def children(self) -> list[int]:
        """The processes that it has forked and that live."""
        listed = subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, text=True, check=False)
        return [int(pid) for pid in listed.stdout.split()]

    def has_children(self, count: int) -> list[int]:
        """Wait until there are so many."""
        deadline = time.monotonic() + DEADLINE
        while len(found := self.children()) != count:
            assert time.monotonic() < deadline, f"{len(found)} children instead of {count}: {self.err.text!r}"
            time.sleep(0.02)
        return found

    def interrupt(self) -> None:
        """Ctrl-C, which a terminal sends to all processes in front."""
        os.killpg(self.pid, signal.SIGINT)

    def close(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # none is left
        super().close()


class Street:
    """Starts programs and clients, and clears up."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self._closing: list[Any] = []

    def serve(self, name: str, *arguments: str) -> House:
        """One of our examples, on a free port."""
        return self._start(str(ROOT / "examples" / name), "--port", "0", *arguments)

    def run(self, program: str, *arguments: str) -> House:
        """A program that the test has written; it may be written anew for its successor."""
        return self._start(str(self.write(program)), *arguments)

    def write(self, program: str) -> Path:
        path = self.tmp_path / "program.py"
        path.write_text(f"import sys\nsys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'examples')!r}]\n{program}")
        return path

    def activate(self, sockets: list[Any], name: str, *arguments: str) -> House:
        """One of our examples, started by a tiny service manager with these sockets."""
        fds = [sock.fileno() for sock in sockets]
        command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), *arguments]
        return self._start("-c", ACTIVATOR, ",".join(map(str, fds)), *command, pass_fds=fds)

    def peer(self, port: int) -> Peer:
        self._closing.append(Peer(port))
        peer: Peer = self._closing[-1]
        self._closing.append(peer.sock)
        return peer

    def _start(self, *arguments: str, **options: Any) -> House:
        self._closing.append(House(*arguments, **options))
        house: House = self._closing[-1]
        return house

    def close(self) -> None:
        for thing in reversed(self._closing):
            if not isinstance(thing, Peer):
                thing.close()


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    street = Street(tmp_path)
    yield street
    street.close()
