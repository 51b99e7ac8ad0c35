"""The HTTP server as a program: its command line, its demo, TLS, signals under load, and the tools that people use."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kit.program import DEADLINE, ROOT

CERTIFICATES = ROOT / "tests" / "certificates"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "hello.txt").write_text("hello\n")
    (root / "a b").mkdir()
    (root / "a b" / "ü.html").write_text("<p>ü")
    return root


def ask(port: int, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response, data


def test_files_and_the_demo(theatre: Any, root: Path) -> None:
    server = theatre.serve("http_server.py", "--root", str(root), "--demo")
    port = server.port
    assert ask(port, "GET", "/hello.txt")[1] == b"hello\n"
    assert ask(port, "GET", "/a%20b/%C3%BC.html")[1] == "<p>ü".encode()
    assert ask(port, "POST", "/echo", bytes(5 << 20))[1] == bytes(5 << 20)
    assert ask(port, "POST", "/echo", b"", {"Content-Length": str(9 << 40)})[0].status == 413
    streamed, data = ask(port, "GET", "/stream")
    assert streamed.getheader("transfer-encoding") == "chunked"
    assert data.count(b"\n") == 10
    assert ask(port, "GET", "/slow")[0].status == 200
    assert ask(port, "PUT", "/hello.txt", b"x")[0].getheader("allow") == "GET, HEAD, OPTIONS"
    server.clean_exit()


@pytest.mark.parametrize("directory", ["-d", "--directory"])
def test_the_spellings_of_the_server_that_python_has(theatre: Any, root: Path, directory: str) -> None:
    (root / "hello.txt").rename(root / "index.htm")
    for arguments in (["0", "-b", "0.0.0.0"], ["--bind", "0.0.0.0", "0"], ["--bind", "0.0.0.0", "--port", "0"]):
        server = theatre.run("http_server.py", *arguments, directory, str(root))
        assert ask(server.port, "GET", "/")[1] == b"hello\n"
        assert "listening on 0.0.0.0:" in server.out.text
        assert server.leaves() == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--root", "/no/such/directory"], "/no/such/directory: No such file or directory"),
        (["--root", __file__], "Not a directory"),
        (["--port", "seven"], "argument --port: must be a number, not seven"),
        (["--tls-key", "x"], "--tls-key needs --tls-cert"),
        (["--tls-cert", "/no/such/file"], "/no/such/file: No such file or directory"),
        (["--what"], "unrecognized arguments: --what"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_2(theatre: Any, arguments: list[str], complaint: str) -> None:
    program = theatre.run("http_server.py", *arguments)
    assert program.exits() == 2
    line = program.err.all()
    assert complaint in line
    assert line.count("\n") == 1


def test_sigterm_cuts_no_answer(theatre: Any, root: Path) -> None:
    """A slow one, a large one that is being read, and ten thousand small ones: each is whole or was never begun."""
    (root / "large").write_bytes(bytes(30 << 20))
    server = theatre.serve("http_server.py", "--root", str(root), "--demo")
    idle, slow, large = (socket.create_connection(("127.0.0.1", server.port), DEADLINE) for _ in range(3))
    slow.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    large.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    got = len(large.recv(1000))  # and so the server has the others, which came before
    server.process.send_signal(signal.SIGTERM)
    assert slow.makefile("rb").read().endswith(b"\r\n\r\ndone\n")
    while data := large.recv(1 << 20):
        got += len(data)
    assert got > 30 << 20
    assert idle.recv(1) == b""
    for sock in (slow, large, idle):
        sock.close()
    assert server.exits() == 0


def test_what_a_peer_did_is_told_where_the_log_is_asked_for(theatre: Any, root: Path) -> None:
    server = theatre.serve("http_server.py", "--root", str(root), "--log-level", "info")
    peer = theatre.peer(server)
    peer.sends("GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n")
    peer.gets("hello\n")
    peer.reset()
    server.err.shows("Connection reset by peer")
    assert server.leaves() == 0


def test_tls_metrics_and_the_access_log(theatre: Any, root: Path) -> None:
    certificate, key = CERTIFICATES / "localhost.pem", CERTIFICATES / "localhost.key"
    arguments = ["--tls-cert", str(certificate), *(["--tls-key", str(key)] if key.exists() else [])]
    server = theatre.start(
        "-m", "protocols.http.server", "--port", "0", "--root", str(root), *arguments, "--metrics", "0", "--access-log",
        cwd=ROOT,
    )  # fmt: skip
    context = ssl.create_default_context(cafile=str(CERTIFICATES / "ca.pem"))
    connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=DEADLINE)
    connection.request("GET", "/hello.txt?x=1")
    assert connection.getresponse().read() == b"hello\n"
    connection.close()
    server.out.shows("metrics on http://")
    where = server.out.text.split("metrics on ")[1].split()[0]
    port = int(where.rsplit(":", 1)[1].split("/")[0])
    assert b"reactor_accepted_total" in ask(port, "GET", "/metrics")[1]
    server.err.shows('127.0.0.1 "GET /hello.txt?x=1 HTTP/1.1" 200')
    assert server.leaves() == 0


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl(theatre: Any, root: Path, tmp_path: Path) -> None:
    (root / "large").write_bytes(os.urandom(3 << 20))
    server = theatre.serve("http_server.py", "--root", str(root), "--demo")
    base = f"http://127.0.0.1:{server.port}"

    def curl(*arguments: str, **options: Any) -> bytes:
        command = ["curl", "-sS", "--max-time", "20", "--noproxy", "*", *arguments]
        return subprocess.run(command, check=True, capture_output=True, **options).stdout

    assert curl(f"{base}/hello.txt") == b"hello\n"
    assert curl("-L", f"{base}/a%20b") == curl(f"{base}/a%20b/")
    assert curl("-r", "1-2", f"{base}/hello.txt") == b"el"
    large = tmp_path / "copy"
    large.write_bytes((root / "large").read_bytes()[:1_000_000])
    curl("-C", "-", "-o", str(large), f"{base}/large")
    assert large.read_bytes() == (root / "large").read_bytes()
    body = bytes(2 << 20)  # beyond 1 MiB curl asks for leave
    assert curl("--data-binary", "@-", f"{base}/echo", input=body) == body
    assert curl("-T", "-", "-X", "POST", f"{base}/echo", input=body) == body  # in chunks
    head = curl("-I", f"{base}/hello.txt").decode()
    assert "Content-Length: 6" in head
    tag = next(line for line in head.splitlines() if line.startswith("ETag")).partition(": ")[2]
    assert curl("-w", "%{http_code}", "-H", f"If-None-Match: {tag}", f"{base}/hello.txt") == b"304"
    assert curl("-0", f"{base}/stream").count(b"\n") == 10
    assert curl("-w", "%{http_code} %{num_connects} ", *[f"{base}/hello.txt"] * 2) == b"hello\n200 1 hello\n200 0 "
    server.clean_exit()


@pytest.mark.skipif(not shutil.which("wget"), reason="wget is not installed")
def test_wget_mirrors(theatre: Any, root: Path, tmp_path: Path) -> None:
    """Every link of the listings leads to its file, and the times come along."""
    (root / "a b" / "c#d?e%20.txt").write_text("odd")
    os.utime(root / "hello.txt", (1_600_000_000, 1_600_000_000))
    server = theatre.serve("http_server.py", "--root", str(root))
    copy = tmp_path / "copy"
    command = ["wget", "-q", "--no-proxy", "-m", "-np", "-nH", "-P", str(copy), f"http://127.0.0.1:{server.port}/"]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert (copy / "hello.txt").stat().st_mtime == 1_600_000_000
    assert {path.read_text() for path in copy.rglob("*") if path.is_file() and "index.html" not in path.name} == {
        "hello\n", "<p>ü", "odd",
    }  # fmt: skip
    server.clean_exit()


def test_the_command_is_found() -> None:
    """The command is found from a fresh clone."""
    done = subprocess.run([sys.executable, "-m", "protocols.http.server", "--help"], cwd=ROOT, capture_output=True)
    assert b"--root" in done.stdout
