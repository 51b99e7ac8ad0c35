"""The README's programs run as they stand there."""

from __future__ import annotations

import functools
import http.server
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.kit.tls import client_context

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
DEADLINE = 60


def block(word):
    """The one program that has `word` in it."""
    (found,) = [text for text in BLOCKS if word in text]
    return found


def dial(address, kind):
    """A connected socket; a program whose workers bind later is tried again."""
    deadline = time.monotonic() + DEADLINE
    while True:
        sock = socket.socket(socket.AF_INET, kind)
        sock.settimeout(DEADLINE)
        try:
            sock.connect(address)
            return sock
        except ConnectionRefusedError:
            sock.close()
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def served(tmp_path):
    """Starts a server program with its port made free to choose; gives a connected socket."""
    children = []

    def serve(program, port, kind=socket.SOCK_STREAM, running="    reactor.run()"):
        assert str(port) in program
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = probe.getsockname()[1]
        script = tmp_path / "server.py"
        ready = f'    open({str(tmp_path / "ready")!r}, "w").close()\n{running}'
        script.write_text(program.replace(str(port), str(free)).replace(running, ready))
        child = subprocess.Popen([sys.executable, script], cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
        children.append(child)
        while not (tmp_path / "ready").exists():
            assert child.poll() is None, "the server ended at once"
        return dial(("127.0.0.1", free), kind), child

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


def test_tls(tmp_path):
    script = tmp_path / "tls.py"
    script.write_text(block("class Greeter"))
    done = subprocess.run(
        [sys.executable, script], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=DEADLINE
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"TLSv1.3 hello Ada\n\n"


def test_starttls(served):
    sock, _ = served(block("class Mail"), 9006)
    with sock:
        sock.sendall(b"EHLO\nSTARTTLS\n")
        with sock.makefile("rb") as lines:
            assert [next(lines), next(lines)] == [b"250 you said EHLO\n", b"220 go ahead\n"]
        with client_context().wrap_socket(sock, server_hostname="localhost") as encrypted:
            encrypted.sendall(b"MAIL\n")
            assert encrypted.recv(100) == b"250 you said MAIL\n"


def test_a_download(served):
    sock, _ = served(block("class Download"), 9003)
    with sock, sock.makefile("rb") as received:
        assert received.read() == (ROOT / "README.md").read_bytes()


def test_datagrams(served):
    sock, _ = served(block("class UdpEcho"), 9004, kind=socket.SOCK_DGRAM)
    with sock:
        sock.send(b"hello")
        assert sock.recv(100) == b"hello"


def test_a_feed_that_comes_and_goes(tmp_path, monkeypatch):
    (tmp_path / "feed.py").write_text(block("class Feed").replace("Feed)", "Feed, initial_delay=0.01)"))
    child = subprocess.Popen(
        [sys.executable, "feed.py"], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    )
    try:
        for line in (b"first\n", b"second\n"):
            with socket.socket(socket.AF_UNIX) as server:
                server.settimeout(DEADLINE)
                monkeypatch.chdir(tmp_path)
                Path("feed.sock").unlink(missing_ok=True)
                server.bind("feed.sock")
                server.listen()
                sock, _ = server.accept()
                with sock:
                    sock.sendall(line)
                    assert child.stdout.readline() == line
        child.terminate()
        assert child.wait(DEADLINE) == 0
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def test_several_processes(served):
    program = block("Supervisor")
    sock, child = served(program, 9005, running="    Supervisor(")
    with sock:
        sock.sendall(b"hello")
        assert sock.recv(100) == b"hello"
    child.terminate()
    assert child.wait(DEADLINE) == 0


def test_the_test_that_does_not_wait():
    exec(block("connected_pair"), {})


def test_fetching(tmp_path):
    (tmp_path / "a").write_text("content of a")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        program = block("protocols.http").replace("127.0.0.1:8000", f"127.0.0.1:{server.server_port}")
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=True
        )
        server.shutdown()
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("200 http://127.0.0.1:")
    assert first.endswith("/a content of a")
    assert second.startswith("404 http://127.0.0.1:")


def test_every_figure_in_a_table_of_a_benchmark_was_measured():
    """README's tables are taken from RESULTS.md, which no hand has written."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text[text.index("## One thread against") : text.index("## Development")]
    results = (ROOT / "bench" / "RESULTS.md").read_text(encoding="utf-8")
    known = {cell.strip() for line in results.splitlines() for cell in line.split("|")}
    rows = [line.strip("|").split("|")[1:] for line in section.splitlines() if line.startswith("| ")]
    figures = [cell.strip() for row in rows for cell in row if re.fullmatch(r"[\d.,]+", cell.strip())]
    assert len(figures) > 20
    assert [figure for figure in figures if figure not in known] == []


def test_the_pictures_are_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert len(pictures) > 1
    for name in pictures:
        assert (ROOT / name).read_text(encoding="utf-8").startswith("<svg ")
