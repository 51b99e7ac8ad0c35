"""The programs and clients of one scene, all of which end with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from .program import ROOT, SEEDS, Peer, Program

ACTIVATOR = """
import fcntl, os, sys
fds, command = [int(fd) for fd in sys.argv[1].split(",")], sys.argv[2:]
above = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in fds]
for number, fd in enumerate(above, 3):
    os.dup2(fd, number)
os.environ.update(LISTEN_FDS=str(len(fds)), LISTEN_PID=str(os.getpid()))
os.execv(command[0], command)
"""


class Theatre:
    """Starts programs and clients, and clears up after the scene. `kind`: how programs are started."""

    def __init__(self, tmp_path: Path, kind: type[Program] = Program) -> None:
        self.tmp_path = tmp_path
        self._kind = kind
        self._programs: list[Any] = []
        self._peers: list[Peer] = []

    def run(self, name: str, *arguments: str, **options: Any) -> Any:
        """Run one of our examples."""
        return self.start(str(ROOT / "examples" / name), *arguments, **options)

    def serve(self, name: str, *arguments: str, **options: Any) -> Any:
        """Run a server on a free port."""
        return self.run(name, "--port", "0", *arguments, **options)

    def seed(self, name: str, ports: dict[str, int]) -> Program:
        """Run a tutorial's program as it was printed, but for its port."""
        text = (SEEDS / name).read_text(encoding="utf-8")
        for printed, port in ports.items():
            assert text.count(printed) == 1
            text = text.replace(printed, str(port))
        path = self.tmp_path / name.removesuffix(".txt")
        path.write_text(text, encoding="utf-8")
        return self.start(str(path), stdin=subprocess.PIPE)

    def script(self, program: str, *arguments: str) -> Any:
        """A program that the test has written; it may be written anew for its successor."""
        return self.start(str(self.write(program)), *arguments)

    def write(self, program: str) -> Path:
        path = self.tmp_path / "program.py"
        path.write_text(f"import sys\nsys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'examples')!r}]\n{program}")
        return path

    def activate(self, sockets: list[Any], name: str, *arguments: str) -> Any:
        """One of our examples, started by a tiny service manager with these sockets."""
        fds = [sock.fileno() for sock in sockets]
        command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), *arguments]
        return self.start("-c", ACTIVATOR, ",".join(map(str, fds)), *command, pass_fds=fds)

    def peer(self, server: Program | int) -> Peer:
        """A client of a server of ours, with which it leaves, or of whatever listens on a port."""
        peer = Peer(server if isinstance(server, int) else server.port)
        self._peers.append(peer)
        if isinstance(server, Program):
            server.peers.append(peer)
        return peer

    def start(self, *arguments: str, **options: Any) -> Any:
        """Python with these arguments."""
        self._programs.append(self._kind(*arguments, **options))
        return self._programs[-1]

    def close(self) -> None:
        for peer in self._peers:
            peer.sock.close()
        for program in self._programs:
            program.close()
