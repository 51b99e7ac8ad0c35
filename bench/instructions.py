#!/usr/bin/env python3
"""Instructions of the server's process for each message, counted by valgrind: a busy machine changes nothing.

The kernel's are not among them. Each case runs twice, the second time with more rounds; what it has more, divided by
the messages, is what one costs. Hashes and the reactor's clock are fixed, the garbage collector is off, and all
messages of a round wait in the kernel before the server looks at them.

    bench/instructions.py                           this checkout, asyncio, uvloop if --python has it, the floors
    bench/instructions.py --before CHECKOUT         and another checkout of this project, say of the last release
    bench/instructions.py --only lines-16 --keep    what callgrind_annotate reads, for a look at where they go
"""

import argparse
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from protocols.websocket.frames import TEXT, pack
from report.tables import complain, table
from runs.arguments import Parser
from runs.procs import BENCH, ROOT, BenchError, interpreter
from runs.turns import BARE, CONTRACT, PROMISES

SERVER = BENCH / "servers" / "counted.py"
FEW, MANY = 4, 14  # rounds
MORE = 104  # where what comes before the rounds, a handshake, is not the same each time
PATIENCE = 120.0  # seconds for the start of Python in valgrind, and for a round
LINE = b"somebody"
SIZE = 64 * 1024  # bytes of a receive


@dataclass(frozen=True)
class Case:
    """A round is `connections` requests, each with one answer of `answer` bytes (0: as many as `hello` has brought); a
    request has `messages` in it."""

    service: str
    title: str
    request: bytes
    answer: int
    messages: int = 1
    connections: int = 100
    is_new: bool = False  # each round has connections of its own
    rounds: int = MANY
    hello: bytes = b""  # sent by each once, before the rounds: a handshake, or what tells how long an answer is
    has_peers: bool = True  # asyncio and uvloop can do it without a library


def lines(service: str, title: str, count: int) -> Case:
    reply = len(b"Hello, %b!\n" % LINE)
    return Case(service, f"{title}, {count} at once", (LINE + b"\n") * count, count * reply, count)


def http(title: str, path: bytes) -> Case:
    request = b"GET /%b HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n" % path
    return Case("http", title, request, 0, hello=request, has_peers=False)


MEMBERS = 50
UPGRADE = (
    b"GET /echo HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
FRAME = pack(TEXT, b"x" * 100, key=b"\x5a\x01\xc3\x3c")  # as bench/websocket.py: zeros would be unmasked for less
CASES = {
    "echo": Case("echo", "echo, 100 B", bytes(100), 100),
    "echo-10k": Case("echo", "echo, 10 KiB", bytes(10240), 10240),
    "lines-1": lines("lines", "lines", 1),
    "lines-16": lines("lines", "lines", 16),
    "lines-64": lines("lines", "lines", 64),
    "send_line-16": lines("sent", "lines, `send_line`", 16),
    "batch-16": lines("batches", "lines, `lines_received`", 16),
    "batch-64": lines("batches", "lines, `lines_received`", 64),
    "fanout": Case("fanout", "fan-out, 50 members who all talk, a delivery", bytes(50), 50 * MEMBERS, MEMBERS, MEMBERS),
    "http-file": http("HTTP, a file of 1 KiB", b"k1.bin"),
    "http-bytes": http("HTTP, 1 KiB that a handler gives", b"memory"),
    "websocket": Case("websocket", "WebSocket, echo of 100 B", FRAME, 102, hello=UPGRADE, has_peers=False, rounds=MORE),
    "accept": Case("echo", "connect, one exchange of 100 B, close", bytes(100), 100, 1, 50, True),
    "tls": Case("tls-echo", "echo over TLS, 100 B", bytes(100), 100, 1, 20, rounds=MORE),
    "tls-accept": Case("tls-echo", "TLS handshake, one exchange of 100 B, close", bytes(100), 100, 1, 5, True),
}


class Counted:
    """A server in valgrind, and its clients, who wait for each other."""

    def __init__(self, loop: str, case: Case, options: argparse.Namespace, kept: Path) -> None:
        self.case, self.log, self.socks, self.answer = case, Path(f"{kept}.log"), [], case.answer
        tool = ["--tool=callgrind", f"--callgrind-out-file={kept}"] if options.keep else [
            "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]  # fmt: skip
        checkout, loop = (options.before, "reactor") if loop == "before" else (ROOT, loop)
        server = [options.python, str(SERVER), loop, case.service, str(checkout), str(kept.parent)]
        self.process = subprocess.Popen(
            ["valgrind", *tool, f"--log-file={self.log}", *server], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip

    def count(self, rounds: int) -> int:
        """Instructions of the whole process with so many rounds."""
        with self.process as process:
            gate_port, self.port = (int(process.stdout.readline() or 0) for _ in range(2))
            if not self.port:
                raise BenchError(f"the server did not start: {self.log.read_text().splitlines()[-1:]}")
            with socket.create_connection(("127.0.0.1", gate_port), PATIENCE) as gate:
                process.stdout.readline()
                self.come()
                self.settle(gate)
                self.greet()
                for _ in range(rounds):
                    self.round(gate)
        found = re.search(r"(?:I\s+refs|Collected\s*):\s*([\d,]+)", self.log.read_text())
        if not found:
            raise BenchError(f"valgrind counted nothing; see {self.log}")
        return int(found[1].replace(",", ""))

    def come(self) -> None:
        while self.socks:
            self.socks.pop().close()
        for _ in range(self.case.connections):
            sock = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            if self.case.service.startswith("tls"):
                sock = client_context().wrap_socket(sock)
            self.socks.append(sock)

    def settle(self, gate: socket.socket) -> None:
        """The server has taken in whoever was there: asyncio takes three turns for it."""
        for _ in range(3):
            self.hold(gate)
            self.let_go()

    def greet(self) -> None:
        """What comes before the rounds; the answer to it is short, and comes in one piece."""
        for sock in self.socks if self.case.hello else ():
            sock.sendall(self.case.hello)
            came = sock.recv(SIZE)
            self.answer = self.case.answer or len(came)

    def hold(self, gate: socket.socket) -> None:
        gate.send(b".")
        self.process.stdout.read(1)

    def let_go(self) -> None:
        self.process.stdin.write(b".")
        self.process.stdin.flush()

    def round(self, gate: socket.socket) -> None:
        self.hold(gate)
        if self.case.is_new and self.case.service.startswith("tls"):
            self.let_go()  # there is no handshake without the server, so they come one after the other
        if self.case.is_new:
            self.come()
        for sock in self.socks:
            sock.sendall(self.case.request)
        if not (self.case.is_new and self.case.service.startswith("tls")):
            self.let_go()
        for sock in self.socks:
            self.receive(sock, self.answer)

    @staticmethod
    def receive(sock: socket.socket, size: int) -> None:
        while size:
            data = sock.recv(size)
            if not data:
                raise BenchError("the server closed a connection")
            size -= len(data)


def client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def served(loop: str, case: Case) -> bool:
    """Whether there is such a server."""
    if loop == BARE:
        return case.service != "fanout"
    if loop == PROMISES:  # where a goal needs it
        return case.service in ("echo", "websocket")
    if loop == CONTRACT:
        return case.has_peers and not case.service.startswith("tls")
    return case.has_peers or loop in ("reactor", "before")


def cost(loop: str, name: str, options: argparse.Namespace, folder: Path) -> float | None:
    """Instructions of one message; None where there is no such server."""
    case = CASES[name]
    if not served(loop, case):
        return None
    few, many = (
        Counted(loop, case, options, folder / f"{name}.{loop}.{rounds}").count(rounds) for rounds in (FEW, case.rounds)
    )
    return (many - few) / ((case.rounds - FEW) * case.connections * case.messages)


def told(found: Future[float | None]) -> str:
    """A figure of the table; one that could not be counted is told, and spoils no other."""
    try:
        return "-" if found.result() is None else f"{found.result():,.0f}"
    except (OSError, BenchError) as error:
        complain(f"not counted: {error}")
        return "-"


def parse() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument("--only", action="append", choices=list(CASES), metavar="NAME",
                        help=f"only this case (may be repeated): {', '.join(CASES)}")  # fmt: skip
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="another checkout of this project")
    parser.add_argument("--alone", action="store_true", help="without the others")
    parser.add_argument("--python", default=sys.executable, help="interpreter of all servers, say one with uvloop")
    parser.add_argument("--markdown", action="store_true", help="the table is always one of Markdown")
    parser.add_argument("--keep", action="store_true", help="slower, and keeps what callgrind_annotate reads")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="servers at the same time (one a core)")
    return parser.parse_args()


def main() -> int:
    options = parse()
    if shutil.which("valgrind") is None:
        complain("valgrind is not installed: no instructions are counted")
        return 1
    loops = ["reactor", *(["before"] if options.before else [])]
    if not options.alone:
        has_uvloop = "uvloop" in interpreter(options.python)["libraries"]
        loops += ["asyncio", *(["uvloop"] if has_uvloop else []), PROMISES, CONTRACT, BARE]
    names = options.only or list(CASES)
    folder = Path(tempfile.mkdtemp(prefix="instructions-"))
    packages = [checkout / name for checkout in (ROOT, options.before) if checkout for name in ("protocols", "reactor")]
    page = folder / "k1.bin"
    page.write_bytes(bytes(1024))
    os.utime(page, (1_600_000_000, 1_600_000_000))
    sources = [SERVER.parent, *packages]
    for source in sources:  # else the first run of two would compile, and the other not
        subprocess.run([options.python, "-m", "compileall", "-q", str(source)], check=False)
    rows = []
    with ThreadPoolExecutor(options.jobs) as pool:
        costs = {name: [pool.submit(cost, loop, name, options, folder) for loop in loops] for name in names}
        for name in names:
            rows.append([CASES[name].title, *map(told, costs[name])])
            complain(" ".join(rows[-1]))
    print(table(["instructions a message", *loops], rows, markdown=True))
    if options.keep:
        print(f"kept in {folder}; the last of each case with the more rounds")
    else:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
