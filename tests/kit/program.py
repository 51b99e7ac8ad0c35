"""Programs as a user runs them: in a process of their own, over real sockets, watched with deadlines."""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
_JOURNAL = re.compile(r" INFO protocols\.chat: event=\w+ ")  # what a chat server logs is no complaint
SEEDS = ROOT / "tests" / "examples" / "seeds"
DEADLINE = 60  # seconds after which a scene has failed; a loaded machine starts Python slowly


class Stream:
    """Everything a program has written to one stream, collected by a thread."""

    def __init__(self, file: IO[bytes]) -> None:
        self._pieces: queue.Queue[bytes] = queue.Queue()
        self.data = b""
        self.ended = False
        self.thread = threading.Thread(target=self._collect, args=(file,), daemon=True)
        self.thread.start()

    def _collect(self, file: IO[bytes]) -> None:
        while data := _read(file):
            self._pieces.put(data)
        self._pieces.put(b"")

    @property
    def text(self) -> str:
        return self.data.decode(errors="replace")

    def wait(self, condition: Callable[[str], Any], what: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition(self.text):
            left = deadline - time.monotonic()
            assert left > 0, f"waited in vain for {what} in {self.text!r}"
            assert not self.ended, f"ended before {what}: {self.text!r}"
            try:
                piece = self._pieces.get(timeout=left)
            except queue.Empty:
                continue
            self.data += piece
            self.ended = not piece

    def shows(self, text: str) -> None:
        self.wait(lambda shown: text in shown, repr(text))

    def all(self) -> str:
        """Everything until its end."""
        try:
            self.wait(lambda _: self.ended, "the end")
        except AssertionError:
            assert self.ended
        return self.text


def _read(file: IO[bytes]) -> bytes:
    try:
        return os.read(file.fileno(), 65536)
    except (OSError, ValueError):
        return b""  # the end of a pseudo-terminal, or the scene is over


class Program:
    """One running program. What it writes to stderr must be expected by the test, see `clean_exit`."""

    def __init__(
        self,
        *arguments: str,
        stdin: Any = subprocess.DEVNULL,
        stdout: Any = subprocess.PIPE,
        redirected: str = "",
        environment: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.peers: list[Peer] = []  # of a server
        command = [sys.executable, "-W", "error", *arguments]
        if redirected:
            command = ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", *command]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **(environment or {})}
        self.process = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=environment, **options
        )
        assert self.process.stderr is not None
        if self.process.stdout is not None:
            self.out = Stream(self.process.stdout)
        self.err = Stream(self.process.stderr)

    @property
    def port(self) -> int:
        """Where a server listens."""
        pattern = re.compile(r"^listening on \S+:(\d+)$", re.MULTILINE)
        self.out.wait(lambda text: pattern.search(text) and text.endswith("\n"), "the line that says where")
        found = pattern.search(self.out.text)
        assert found
        return int(found[1])

    def types(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def ends_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def exits(self) -> int:
        """Wait for the end; gives the status."""
        return self.process.wait(DEADLINE)

    def leaves(self, signum: int = signal.SIGTERM) -> int:
        """Ends by a signal, and its peers leave when it does, as nc would; gives the status.

        A server that drains waits half a second for a peer that keeps its own end open.
        """
        self.process.send_signal(signum)
        for peer in self.peers:
            peer.leaves()
        return self.exits()

    def clean_exit(self, signum: int = signal.SIGINT) -> None:
        """Ends by a signal with status 0, and has never complained."""
        assert self.leaves(signum) == 0
        assert [line for line in self.err.all().splitlines() if not _JOURNAL.search(line)] == []

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.out, self.err) if self.process.stdout is not None else (self.err,):
            stream.thread.join(1.0)  # it has come to the end, unless a child of the program still has the other end
        for file in (self.process.stdin, self.process.stdout, self.process.stderr):
            if file is not None:
                try:
                    file.close()
                except OSError:
                    pass  # what it had to say to a dead program


class Peer:
    """A plain client, as nc is one."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self.text = ""

    def sends(self, text: str | bytes) -> None:
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def gets(self, text: str) -> None:
        while text not in self.text:
            data = self.sock.recv(65536)
            assert data, f"ended before {text!r}: {self.text!r}"
            self.text += data.decode()

    def ends(self) -> str:
        """Everything until the server's end."""
        while data := self.sock.recv(65536):
            self.text += data.decode()
        return self.text

    def reset(self) -> None:
        """Vanish as a killed process with unread input does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def leaves(self) -> None:
        """Close our half once the server has closed its own: it waits half a second for those who do not."""
        try:
            self.ends()
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # closed by the test, or reset: it has left


class Group(Program):
    """A program in a session of its own, with all that it starts."""

    def __init__(self, *arguments: str, **options: Any) -> None:
        super().__init__(*arguments, start_new_session=True, **options)

    @property
    def pid(self) -> int:
        return self.process.pid

    def children(self) -> list[int]:
        """The processes that it has forked and that live."""
        try:
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except FileNotFoundError:
            return []  # it has ended itself
        return [int(pid) for pid in listed.split()]

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
