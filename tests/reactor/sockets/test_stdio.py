"""Standard input and output as a connection: children whose stdin is a pipe, a file, a terminal, or nothing at all."""

from __future__ import annotations

import fcntl
import io
import os
import signal
import subprocess
import sys
import termios
import textwrap
import threading
from pathlib import Path

import pytest

from reactor.testing import Recorder

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

REPORT = textwrap.dedent("""
    import sys
    from reactor import Reactor
    from reactor.testing import Recorder

    class Console(Recorder):
        def connection_lost(self, exc):
            super().connection_lost(exc)
            reactor.stop()

    with Reactor() as reactor:
        console = Console()
        {setup}
        transport = reactor.open_stdio(lambda: console)
        {body}
        reactor.call_later(15, reactor.stop)  # never, unless it fails
        reactor.run()
    print(console.events, len(console.data), console.data[:20], console.lost, file=sys.stderr)
    """)

PIPES = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)

ALL = "['connection_made', 'data_received', 'eof_received', 'connection_lost']"
EMPTY = "['connection_made', 'eof_received', 'connection_lost']"


def child(body="", setup="", **options):
    """A program that runs `open_stdio` until its connection is lost, and reports on stderr."""
    code = REPORT.format(body=body, setup=setup)
    return subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, timeout=20, check=False, **options
    )


def started(code, **streams):
    """A program that runs, with pipes for all that is not given."""
    return subprocess.Popen([sys.executable, "-c", code], env=ENVIRONMENT, **{**PIPES, **streams})


def report(finished):
    assert finished.returncode == 0, finished.stderr.decode()
    return finished.stderr.decode().strip()


def test_a_pipe():
    assert report(child(input=b"hello")) == f"{ALL} 5 b'hello' None"


def test_a_pipe_with_much_in_it():
    finished = child(input=b"x" * 1_000_000)
    assert f" 1000000 {b'x' * 20} None" in report(finished)


def test_a_file(tmp_path):
    path = tmp_path / "input"
    path.write_bytes(b"from a file")
    code = REPORT.format(body="", setup="")
    with path.open() as file:
        finished = subprocess.run(
            [sys.executable, "-c", code], stdin=file, env=ENVIRONMENT, stderr=subprocess.PIPE, timeout=20, check=False
        )
    assert report(finished) == f"{ALL} 11 b'from a file' None"


def test_nothing_in_dev_null():
    code = REPORT.format(body="", setup="")
    finished = subprocess.run(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        timeout=20,
        check=False,
    )
    assert report(finished) == f"{EMPTY} 0 b'' None"


def shell(redirection, body="", setup="", **options):
    """The same, started by a shell."""
    command = f'exec "$0" -c "$1" {redirection}'
    return subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, REPORT.format(body=body, setup=setup)],
        env=ENVIRONMENT,
        capture_output=True,
        timeout=20,
        check=False,
        **options,
    )


def test_a_closed_stdin_is_an_immediate_end():
    assert report(shell("<&-")) == f"{EMPTY} 0 b'' None"


def test_a_closed_stdin_whose_number_was_given_to_a_socket():
    """Descriptor 0 is then the first thing that is opened: it must not be taken for stdin."""
    setup = "listener = reactor.listen_tcp(Recorder, '127.0.0.1', 0)"
    assert report(shell("<&-", setup=setup)) == f"{EMPTY} 0 b'' None"


def test_a_closed_stdout_takes_nothing_from_stdin():
    finished = shell(">&-", body="transport.write(b'into the void')", input=b"hello")
    assert report(finished) == f"{ALL} 5 b'hello' None"


KEEPS = """
import os, sys
sys.path.insert(0, {root!r})
from reactor import Protocol, Reactor
class Operator(Protocol):
    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"x" * 10)
        reactor.call_later(0.3, transport.write, b"more")
    def data_received(self, data):
        os.write(2, b"typed " + data)
        self.transport.write(b"shown " + data)
    def eof_received(self):
        reactor.call_later(0.3, reactor.stop)
        return True
with Reactor() as reactor:
    reactor.open_stdio(Operator, keep_input=True)
    reactor.run()
"""


@pytest.mark.parametrize("output", ["a pipe without a reader", "a full disk"])
def test_a_stdout_that_is_lost_ends_no_typing_where_that_is_wanted(output):
    stdout = open("/dev/full", "wb") if output == "a full disk" else subprocess.PIPE  # noqa: SIM115
    program = subprocess.Popen(
        [sys.executable, "-c", KEEPS.format(root=str(ROOT))],
        stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    if output == "a full disk":
        stdout.close()
    else:
        program.stdout.close()
        program.stdout = None
    told = program.stderr.readline()
    said = told + program.communicate(b"hello\n", timeout=20)[1]
    assert b"typed hello\n" in said
    assert said.count(b"standard output is lost") == 1


def test_a_stdout_closed_by_the_program():
    assert report(child(setup="sys.stdout.close()", input=b"hello")) == f"{ALL} 5 b'hello' None"


def test_everything_written_is_on_stdout_before_the_end():
    body = "[transport.write(b'%d\\n' % n) for n in range(100_000)]; transport.close()"
    code = REPORT.format(body=body, setup="print('printed before')")
    with started(code) as process:
        lines = process.stdout.read().decode().splitlines()
        assert lines == ["printed before", *map(str, range(100_000))]
        assert "connection_lost" in process.stderr.read().decode()


def test_a_slow_reader_of_stdout_gets_everything_after_stdin_has_ended():
    """What the pump holds when the program ends is not lost: here more than a pipe takes, and nobody reads it yet."""
    code = REPORT.format(body="transport.write(b'x' * 150_000); transport.close()", setup="")
    with started(code, stdin=subprocess.DEVNULL) as process:
        assert b"connection_lost" in process.stderr.readline()
        try:
            process.wait(timeout=0.5)  # it may have to wait for us; if it does not, it must have lost nothing
        except subprocess.TimeoutExpired:
            pass
        assert len(process.stdout.read()) == 150_000


def test_closing_does_not_wait_for_a_silent_stdin():
    code = REPORT.format(body="transport.write(b'bye'); transport.close()", setup="")
    with started(code) as process:
        assert process.stdout.read() == b"bye"
        assert process.stderr.read().decode().strip() == "['connection_made', 'connection_lost'] 0 b'' None"
        assert process.wait(timeout=10) == 0


def test_nobody_reads_stdout():
    body = "reactor.call_every(0.01, transport.write, b'x' * 10000)"
    code = REPORT.format(body=body, setup="")
    with started(code) as process:
        process.stdout.read(10)
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(timeout=10) == 0
    assert "Traceback" not in said
    assert "connection_lost" in said


@pytest.fixture
def terminal():
    """The two ends of a pseudo-terminal: what a person holds, and what the program gets."""
    master, slave = os.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    yield master, slave
    os.close(slave)
    os.close(master)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_under_stdout_is_said():
    with open("/dev/full", "wb") as full:
        code = REPORT.format(body='transport.write(b"hello")', setup="")
        finished = subprocess.run(
            [sys.executable, "-c", code], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=full,
            stderr=subprocess.PIPE, timeout=20, check=False,
        )  # fmt: skip
    assert b"cannot write to standard output: No space left on device" in finished.stderr


def test_a_terminal_is_read_by_lines_and_left_as_it_was(terminal):
    master, slave = terminal
    flags = fcntl.fcntl(slave, fcntl.F_GETFL)
    code = REPORT.format(body="print(__import__('os').get_blocking(0), file=sys.stderr)", setup="")
    with started(code, stdin=slave, stdout=slave) as process:
        assert process.stderr.readline() == b"True\n"
        assert fcntl.fcntl(slave, fcntl.F_GETFL) == flags
        os.write(master, b"typed\n\x04")  # and Ctrl-D
        assert process.stderr.read().decode().strip() == f"{ALL} 6 b'typed\\n' None"
        assert process.wait(timeout=10) == 0
    assert fcntl.fcntl(slave, fcntl.F_GETFL) == flags


SESSION = textwrap.dedent("""
    # A shell in small: it owns the terminal, starts a job in the background, later brings it to the foreground.
    import fcntl, os, signal, subprocess, sys, termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    job = subprocess.Popen([sys.executable, "-c", sys.argv[1]], process_group=0, stdout=subprocess.PIPE)
    line = job.stdout.readline()
    print("background:", line.decode().strip(), flush=True)
    stopped, status = os.waitpid(job.pid, os.WNOHANG | os.WUNTRACED)
    print("stopped" if stopped else "running", flush=True)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, job.pid)
    print("foreground:", job.stdout.readline().decode().strip(), flush=True)
    job.wait()
    """)

JOB = textwrap.dedent("""
    from reactor import Reactor
    from reactor.testing import Recorder

    class Console(Recorder):
        def data_received(self, data):
            print(data, flush=True)
            reactor.stop()

    with Reactor() as reactor:
        console = Console()
        reactor.open_stdio(lambda: console)
        reactor.call_later(0.3, lambda: print(console.events, flush=True))
        reactor.call_later(15, reactor.stop)
        reactor.run()
    """)


@pytest.mark.skipif(sys.platform != "linux", reason="job control is tried on Linux")
def test_a_background_job_is_not_stopped_and_reads_in_the_foreground(terminal):
    master, slave = terminal
    os.write(master, b"typed ahead\n")
    finished = subprocess.run(
        [sys.executable, "-c", SESSION, JOB],
        stdin=slave,
        capture_output=True,
        env=ENVIRONMENT,
        start_new_session=True,
        timeout=20,
        check=False,
    )
    assert finished.stdout.decode().splitlines() == [
        "background: ['connection_made']",
        "running",
        "foreground: b'typed ahead\\n'",
    ], finished.stderr.decode()
    assert finished.returncode in {0, -signal.SIGHUP}


# -- in this process ---------------------------------------------------------------------------------------------


def join_pumps():
    for thread in threading.enumerate():
        if thread.name.startswith("reactor-std"):
            thread.join(5)


@pytest.fixture
def pipes(monkeypatch):
    """`pipes()` makes stdin and stdout pipes: `(write into stdin, read from stdout)`."""
    numbers, files = [], []

    def redirect():
        # Not in the fixture itself: pytest puts its own streams in place between setup and call.
        stdin, feed = os.pipe()
        out, stdout = os.pipe()
        numbers.extend((feed, out))
        files.append(open(stdin))  # noqa: SIM115 (closed below)
        files.append(open(stdout, "w"))  # noqa: SIM115
        monkeypatch.setattr(sys, "stdin", files[0])
        monkeypatch.setattr(sys, "stdout", files[1])
        return feed, out

    yield redirect
    monkeypatch.undo()
    for number in numbers:
        os.close(number)
    join_pumps()
    for file in files:
        file.close()


def until(stage, condition):
    """The pump's threads take real time: tick until `condition()`."""
    while not condition():
        stage.reactor.settle()


def test_both_ways_at_once(pipes, stage):
    feed, out = pipes()
    console = Recorder()
    transport = stage.reactor.open_stdio(lambda: console)
    os.write(feed, b"question")
    until(stage, lambda: console.data)
    transport.write(b"answer")
    until(stage, lambda: not transport.get_write_buffer_size())
    assert os.read(out, 100) == b"answer"
    assert console.data == b"question"
    assert transport.get_extra_info("peername") == "stdio"
    assert transport.get_extra_info("stdin") == sys.stdin.fileno()
    assert stage.reactor.stats()["connections"] == 1
    transport.close()
    until(stage, lambda: console.events[-1] == "connection_lost")


def test_closing_the_reactor_ends_the_threads(pipes, stage):
    pipes()
    console = Recorder()
    stage.reactor.open_stdio(lambda: console)
    stage.reactor.close()
    assert console.events == ["connection_made", "connection_lost"]
    join_pumps()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reactor-std")]


def test_a_paused_console_holds_stdin_back(pipes, stage):
    feed, _ = pipes()
    console = Recorder()
    transport = stage.reactor.open_stdio(lambda: console)
    transport.pause_reading()
    os.write(feed, b"wait")
    stage.reactor.settle()
    assert console.data == b""
    transport.resume_reading()
    until(stage, lambda: console.data)
    assert console.data == b"wait"


def test_a_raising_factory_leaves_nothing_behind(pipes, stage):
    pipes()
    with pytest.raises(ZeroDivisionError):
        stage.reactor.open_stdio(lambda: 1 / 0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reactor-std")]
    assert stage.reactor.stats()["connections"] == 0


@pytest.mark.parametrize("stream", [None, io.StringIO("not a real file")], ids=["closed", "not a file"])
def test_a_stdin_without_a_descriptor_is_closed(pipes, stage, monkeypatch, stream):
    pipes()
    monkeypatch.setattr(sys, "stdin", stream)
    console = Recorder()
    stage.reactor.open_stdio(lambda: console)
    until(stage, lambda: console.events[-1] == "connection_lost")
    assert console.events == ["connection_made", "eof_received", "connection_lost"]
