"""Child processes of a benchmark: starting servers and load, reading CPU and memory, stopping all. Knows no workload.

Children stay in the benchmark's process group, so Ctrl-C in a terminal reaches them as well; what they still have to
say goes to files nobody shows unless it explains an error. Nothing outlives the benchmark: `exits_cleanly()` turns the
signals that end it into one KeyboardInterrupt, and whatever was started is stopped on the way out.
"""

import atexit
import contextlib
import json
import os
import platform
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from runs import clocks
from servers.programs import CLIENTS, NEEDS

BENCH = Path(__file__).resolve().parents[1]
ROOT = BENCH.parent
START_TIMEOUT = 20.0  # seconds until a server listens; a cold start on a busy machine takes two
STOP_GRACE = 15.0  # seconds until a server that was asked to leave is killed; its own drain takes up to five
HURRY_GRACE = 1.0  # seconds; nobody who has pressed Ctrl-C waits for a thousand farewells
LOAD_TIMEOUT = 60.0  # seconds one phase of the load may take beyond its round
MARGIN = 5.0  # the load reports its own deadline; only a load that hangs is noticed here
POLL = 0.01  # seconds between looks at a file or a counter
SPARE_DESCRIPTORS = 100  # standard streams, pollers, pipes, whatever the interpreter keeps open

_running: set[subprocess.Popen] = set()


class BenchError(Exception):
    """A measurement that cannot be made or must not be trusted; the message is for the user."""


@atexit.register
def _kill_all() -> None:
    for process in list(_running):
        process.kill()
        process.wait()


@contextlib.contextmanager
def exits_cleanly() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt once; further ones do not disturb the cleaning up."""
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

    def leave(*_: object) -> None:
        for signum in signals:
            signal.signal(signum, signal.SIG_IGN)
        raise KeyboardInterrupt

    for signum in signals:
        signal.signal(signum, leave)
    yield


def raise_descriptor_limit(wanted: int) -> int:
    """Raise the soft limit of open files as far as allowed, children inherit it; what there is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        soft = target
    return wanted if soft == resource.RLIM_INFINITY else soft


def task_limit() -> int | None:
    """How many processes and threads this user may have; None for any number."""
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    return None if limit == resource.RLIM_INFINITY else limit


class Child:
    """One child process in a `with` block."""

    def __init__(
        self, command: list[str], stdin: int, stdout: object, *, quiet: bool = True, apart: bool = False
    ) -> None:
        """quiet: what it says on stderr is kept for last_error(), not shown. apart: Ctrl-C does not reach it."""
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        stderr = self.errors if quiet else None
        group = 0 if apart else None
        self.process = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=stderr, cwd=ROOT, process_group=group
        )
        _running.add(self.process)

    def __enter__(self):
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        self.stop(hurry=failure is not None)

    def stop(self, hurry: bool = False) -> None:
        """Ask it to leave, then make it; in a hurry there is little patience, as after Ctrl-C."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(HURRY_GRACE if hurry else STOP_GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _running.discard(self.process)
        self.errors.close()

    def last_error(self) -> str:
        """The last line it wrote to stderr, or how it ended."""
        size = self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, size - 4096))
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it said nothing (status {self.process.poll()})"


class Server(Child):
    """A server process that says `listening on HOST:PORT`."""

    def __init__(self, name: str, arguments: list[str], python: str = sys.executable, *, apart: bool = False) -> None:
        self.name = name
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 - a file never fills up and blocks the server, a pipe does
        super().__init__([python, *arguments, "--port=0"], subprocess.DEVNULL, self.output, apart=apart)
        self.pid = self.process.pid
        try:
            self.address = self._wait_until_listening()
        except BaseException:
            self.stop(hurry=True)
            raise

    def _wait_until_listening(self) -> tuple[str, int]:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            for line in self.said().splitlines(keepends=True):
                if line.startswith("listening on ") and line.endswith("\n"):
                    host, _, port = line.split()[2].rpartition(":")
                    return host.strip("[]"), int(port)
            if ended:
                raise BenchError(f"{self.name} did not start: {self.last_error()}")
            time.sleep(POLL)
        raise BenchError(f"{self.name} did not say `listening on HOST:PORT` within {START_TIMEOUT:g} s")

    def said(self) -> str:
        """The beginning of what it has printed."""
        return os.pread(self.output.fileno(), 4096, 0).decode(errors="replace")

    def stop(self, hurry: bool = False) -> None:
        super().stop(hurry)
        self.output.close()

    def cpu(self) -> float:
        """Seconds of user and system time of all its threads, once they sleep: then nothing is missing."""
        clocks.rest([self.pid])
        return self.cpu_so_far()

    def cpu_so_far(self) -> float:
        """The same at once, while it works: up to a tick behind, see clocks.py."""
        try:
            return clocks.used(self.pid)
        except OSError:
            raise BenchError(f"{self.name} has gone: {self.last_error()}") from None

    def kernel(self) -> float | None:
        """Seconds of that in the kernel, where the system tells; in ticks of 10 ms."""
        with contextlib.suppress(OSError):
            counts = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return int(counts[12]) / os.sysconf("SC_CLK_TCK")
        return None

    def memory(self) -> int:
        """Bytes of resident memory."""
        shown = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True).stdout
        return 1024 * int(shown)

    def threads(self) -> int | None:
        """How many threads it has, where the system tells."""
        with contextlib.suppress(OSError):
            return len(os.listdir(f"/proc/{self.pid}/task"))
        return None

    def wait_for_descriptors(self, count: int) -> None:
        """Wait until it has accepted that many connections: dialing is done when the kernel has queued them."""
        if not os.path.isdir("/proc/self/fd"):
            time.sleep(1.0)
            return
        deadline = time.monotonic() + LOAD_TIMEOUT
        while len(os.listdir(f"/proc/{self.pid}/fd")) < count:
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name} did not accept {count} connections within {LOAD_TIMEOUT:g} s")
            time.sleep(POLL)


class Load(Child):
    """One load generator that stays connected and runs rounds on request."""

    def __init__(self, mode: str, address: tuple[str, int], **options: object) -> None:
        host, port = address
        self.timeout = float(options.setdefault("timeout", LOAD_TIMEOUT))
        command = [
            sys.executable,
            str(BENCH / "load" / "load.py"),
            mode,
            "--interactive",
            f"--host={host}",
            f"--port={port}",
        ]
        for name, value in options.items():
            if value is not False:
                command.append(f"--{name}" if value is True else f"--{name}={value}")
        super().__init__(command, subprocess.PIPE, subprocess.PIPE)

    def ready(self) -> "Load":
        """Wait until everybody is connected and settled."""
        self._answer(2 * self.timeout)  # dialing and settling are a phase each
        return self

    def round(self, seconds: float, rate: float | None = None) -> dict:
        """Run one round; its result. rate: of an open load from now on, where it is to be another."""
        self.begin(seconds, rate)
        return self.finish()

    def begin(self, seconds: float, rate: float | None = None) -> None:
        """Start a round. The load may have died meanwhile: finish() tells why."""
        self.seconds = seconds
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b"%f\n" % seconds if rate is None else b"%f %f\n" % (seconds, rate))
            self.process.stdin.flush()

    def finish(self) -> dict:
        """The result of the round under way."""
        return self._answer(self.seconds + self.timeout)

    def _answer(self, timeout: float) -> dict:
        # One line per request is all the load ever prints, so nothing waits unseen in the file's buffer.
        if not select.select([self.process.stdout], [], [], timeout + MARGIN)[0]:
            raise BenchError("the load generator hangs")
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(STOP_GRACE)
            raise BenchError(f"the load generator died: {self.last_error()}")
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(answer["error"])
        return answer

    def stop(self, hurry: bool = False) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        super().stop(hurry)
        self.process.stdout.close()


def connected(address: tuple[str, int], timeout: float) -> socket.socket:
    """A connection to a program that says where it is before it is there, or says nothing.

    timeout: seconds, of the socket. BenchError where nobody has listened within START_TIMEOUT.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            return socket.create_connection(address, timeout)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise BenchError(f"nobody listens on {address[0]}:{address[1]} within {START_TIMEOUT:g} s") from None
        time.sleep(POLL)


PROBE = """
import importlib.metadata, importlib.util, json, platform, sys, sysconfig, warnings
names = {name: module for name, module in (part.split("=") for part in sys.argv[1:])}
found = {}
for package, module in names.items():
    if importlib.util.find_spec(module):
        try:
            found[module] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[module] = "of the standard library"
python = platform.python_implementation() + " " + platform.python_version()
print(json.dumps({"python": python, "built": sysconfig.get_config_var("CONFIG_ARGS"), "libraries": found}))
"""


def interpreter(python: str = sys.executable) -> dict:
    """The version of an interpreter, how it was built, and the libraries of the benchmarks that it has, by module."""
    names = [f"{package}={module}" for package, module in (NEEDS | CLIENTS).items()]
    try:
        done = subprocess.run(
            [python, "-c", PROBE, *names], capture_output=True, text=True, timeout=START_TIMEOUT, check=True
        )
        about = json.loads(done.stdout)
    except (ValueError, subprocess.CalledProcessError):
        raise BenchError(f"{python} is no Python that can be asked for its version") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise BenchError(f"cannot run {python}: {getattr(error, 'strerror', None) or 'it hangs'}") from None
    return about | {"uvloop": about["libraries"].get("uvloop")}


def version(about: dict) -> str:
    """An interpreter's version, and a word where it was built slow: a compiled peer gains by that, and we lose.

    >>> version({"python": "CPython 3.11.7", "built": "'--prefix=/usr'"})
    'CPython 3.11.7 (built without --enable-optimizations)'
    """
    slow = about.get("built") is not None and "--enable-optimizations" not in about["built"]
    return about["python"] + (" (built without --enable-optimizations)" if slow else "")


def versions(about: dict) -> str:
    """One line about an interpreter and its libraries."""
    names = {module: package for package, module in (NEEDS | CLIENTS).items()}
    found = [f"{names[module]} {version}" for module, version in sorted(about["libraries"].items())]
    return ", ".join([version(about), *(found or ["no libraries"])])


def machine() -> str:
    """One line about the machine: processor, cores, system."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as info:
        model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
