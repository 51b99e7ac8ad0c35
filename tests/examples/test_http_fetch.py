"""http_fetch as a user runs it, against the standard library's server and a scripted one."""

from __future__ import annotations

import gzip
import http.server
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocols.http import Client, HTTPError, get
from reactor import Reactor

ROOT = Path(__file__).resolve().parents[2]
BIG = bytes(range(256)) * 4096
CA = str(ROOT / "tests" / "certificates" / "ca.pem")


class Handler(http.server.BaseHTTPRequestHandler):
    """The paths that the tests ask for."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], bytes]]
    gate: threading.Event

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            pass  # the tests cut connections

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        name = self.path.partition("?")[0].strip("/") or "hello"
        getattr(self, f"send_{name}", self.send_missing)()

    do_HEAD = do_POST = do_PUT = do_GET

    def reply(self, body: bytes, status: int = 200, declared: int | None = None, **fields: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if declared is None else declared))
        for field, value in fields.items():
            self.send_header(field.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_hello(self) -> None:
        self.reply(b"hello\n", X_Test="1")

    def send_missing(self) -> None:
        self.reply(b"no such page\n", 404)

    def send_busy(self) -> None:
        self.reply(b"", 503, Retry_After="120")

    def send_evil(self) -> None:
        self.wfile.write(b"HTTP/1.1 404 \x9b31m\x1b[2J\r\n\r\n")

    def send_away(self) -> None:
        self.reply(b"moved\n", 302, Location="/hello")

    def send_gzip(self) -> None:
        self.reply(gzip.compress(b"unzipped\n"), Content_Encoding="gzip")

    def send_big(self) -> None:
        if (wanted := self.headers.get("range")) is None:
            return self.reply(BIG, ETag='"big"')
        first = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if first >= len(BIG):
            return self.reply(b"no such part\n", 416, Content_Range=f"bytes */{len(BIG)}")
        self.reply(BIG[first:], 206, Content_Range=f"bytes {first}-{len(BIG) - 1}/{len(BIG)}", ETag='"big"')

    def send_cut(self) -> None:
        if "range" in self.headers:
            return self.send_big()
        self.reply(BIG[:100_000], declared=len(BIG), ETag='"big"')
        self.close_connection = True

    def send_slow(self) -> None:
        self.reply(b"first ", declared=12)
        self.server.gate.wait(20)  # type: ignore[attr-defined]
        self.wfile.write(b"second")

    def send_half(self) -> None:
        self.reply(BIG[: len(BIG) // 2], declared=len(BIG))
        self.server.gate.wait(20)  # type: ignore[attr-defined]

    def send_echo(self) -> None:
        self.reply(self.server.seen[-1][3])  # type: ignore[attr-defined]


class Site(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *args: Any) -> None:
        """Quiet: clients of the tests vanish."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    site: Any = Site(("127.0.0.1", 0), Handler)
    site.seen, site.gate = [], threading.Event()
    thread = threading.Thread(target=site.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield site
    site.gate.set()
    site.shutdown()
    site.server_close()
    thread.join()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Iterator[Any]:
    """The program without a process of its own, for speed. Gives status, stdout and stderr."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str) -> tuple[int, str, str]:
        import http_fetch

        monkeypatch.setattr(sys, "argv", ["http_fetch.py", *arguments])
        try:
            status = http_fetch.main()
        except SystemExit as left:
            status = int(str(left.code))
        return status, *capfd.readouterr()

    yield run
    signal.signal(signal.SIGTERM, before)


def test_the_library_over_real_sockets(site: Any) -> None:
    response = get(f"{site.url}/away")
    assert (response.text, len(response.history)) == ("hello\n", 1)
    threads = [threading.Thread(target=lambda: found.append(get(site.url).status)) for _ in range(4)]
    found: list[int] = []
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 4
    with Reactor() as reactor, Client(reactor) as client:
        bodies = [reactor.run_until(future).body for future in [client.fetch(f"{site.url}/big") for _ in range(20)]]
        assert bodies == [BIG] * 20
        assert reactor.stats()["connections"] <= 6
        with pytest.raises(HTTPError) as caught:
            reactor.run_until(client.fetch(f"{site.url}/cut"))
        assert caught.value.partial == BIG[:100_000]


def test_what_is_printed(run: Any, tmp_path: Path, site: Any) -> None:
    host = site.url.removeprefix("http://")
    assert run(site.url) == (0, "hello\n", "")
    status, out, err = run(f"{host}/away", "-i")  # no scheme is http
    assert (status, err) == (0, "")
    head, _, body = out.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\nServer: ")
    assert "\r\nX-Test: 1" in head
    assert body == "hello\n"
    status, out, _ = run("-I", site.url)
    assert (status, out.endswith("\r\n\r\n"), site.seen[-1][0]) == (0, True, "HEAD")
    assert run("--no-redirect", f"{site.url}/away")[:2] == (0, "moved\n")
    assert run(f"{site.url}/gzip")[:2] == (0, "unzipped\n")
    assert run(f"{site.url}/nothing") == (0, "no such page\n", "")


def test_what_is_sent(run: Any, tmp_path: Path, site: Any) -> None:
    assert run(f"{site.url}/echo", "-d", "a=1", "-d", "b=é")[1] == "a=1&b=é"
    command, _, headers, _ = site.seen[-1]
    assert (command, headers["Content-Type"]) == ("POST", "application/x-www-form-urlencoded")
    arguments = ["-X", "PUT", "-d", "{}", "-H", "content-type: application/json", "-H", "Accept:", "-H", "X-Empty;"]
    assert run(f"{site.url}/echo", *arguments)[1] == "{}"
    command, _, headers, _ = site.seen[-1]
    assert (command, headers["content-type"], headers["X-Empty"], "Accept" in headers) == (
        "PUT",
        "application/json",
        "",
        False,
    )
    run(f"{site.url}/hello", "-H", "X-Name: é你")
    assert site.seen[-1][2]["X-Name"].encode("latin-1").decode() == "é你"
    (tmp_path / "data").write_bytes(b"line\nline\n")
    assert run(f"{site.url}/echo", "-d", f"@{tmp_path}/data")[1] == "line\nline\n"
    run(site.url.replace("://", "://ada:secret@"))
    assert site.seen[-1][2]["Authorization"] == "Basic YWRhOnNlY3JldA=="


def test_several_come_in_their_order(run: Any, site: Any) -> None:
    threading.Timer(0.2, site.gate.set).start()
    urls = [f"{site.url}/{name}" for name in ("slow", "hello", "nothing", "gzip", "cut")]
    status, out, err = run(*urls, "-q")
    assert status == 1
    assert out.startswith("first secondhello\nno such page\nunzipped\n\x00\x01")
    assert err.count("\n") == 1
    assert "/cut: " in err


def test_a_program_of_its_own(theatre: Any, site: Any) -> None:
    program = theatre.run("http_fetch.py", site.url)
    assert (program.exits(), program.out.all(), program.err.all()) == (0, "hello\n", "")


FAILURES = [
    ("/nothing --fail", "404 Not Found (0 bytes received)"),
    ("/busy --fail", "503 Service Unavailable; the server asks to wait for 120 s (0 bytes received)"),
    ("/cut -q", "the connection ended after 100000 of 1048576 bytes (100000 bytes received)"),
    ("/big --max-body 1000", "the body has 1048576 bytes, and at most 1000 are allowed (0 bytes received)"),
    ("/slow --timeout 0.5", "not done within 0.5 s (6 bytes received)"),
]


def test_a_failure_is_one_line_with_the_reason(run: Any, site: Any) -> None:
    for command, reason in FAILURES:
        path, *options = command.split()
        status, _, err = run(site.url.replace("://", "://a:secret@") + path, *options)
        assert (status, err) == (1, f"http_fetch.py: {site.url}{path}: {reason}\n")
    status, _, err = run(f"{site.url}/evil", "--fail")
    assert (status, err.count("\n"), "\x1b" in err, "\x9b" in err) == (1, 1, False, False)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        status, out, err = run(f"http://127.0.0.1:{sock.getsockname()[1]}/")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "Connection refused (0 bytes received)" in err


BAD = [
    ["ftp://a/"], ["http://"], ["http://a:0/"], ["http://a/\r\nX: y"], [], ["--nope", "http://a/"], ["http://a/", "-C"],
    ["http://a/", "http://b/", "-o", "x"], ["http://a/", "-H", "nonsense"], ["http://a/", "-H", "A: b\nC: d"],
    ["http://a/", "-X", "G T"], ["http://a/", "--timeout", "0"], ["http://a/", "--max-body", "-1"],
    ["-I", "-d", "x", "a"],
    ["http://a/", "--cacert", "/no/such"], ["http://a/", "-d", "@/no/such"], ["http://a/", "-H", "Content-Length: 5"],
    ["http://ada:secret@[::1/"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_a_bad_argument_is_one_line_and_status_2(run: Any, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "secret" not in err


def test_a_file_and_its_rest(run: Any, tmp_path: Path, site: Any) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    status, out, _ = run(f"{site.url}/cut", "-o", str(target))
    assert (status, out, target.read_bytes(), os.listdir(tmp_path)) == (1, "", b"old", ["file"])
    assert run(f"{site.url}/nothing", "-o", str(target), "--fail")[0] == 1
    assert target.read_bytes() == b"old"
    target.unlink()
    status, _, err = run(f"{site.url}/cut", "-o", str(target), "-C")
    assert (status, "(100000 bytes received)" in err, target.exists()) == (1, True, False)
    assert run(f"{site.url}/cut", "-C", "-o", str(target)) == (0, "", "")
    assert (target.read_bytes() == BIG, os.listdir(tmp_path)) == (True, ["file"])
    assert site.seen[-1][2]["Range"] == "bytes=100000-"
    assert site.seen[-1][2]["If-Range"] == '"big"'
    for had in (BIG, BIG + b"of another version"):
        target.write_bytes(had)
        assert run(f"{site.url}/big", "-C", "-f", "-o", str(target)) == (0, "", "")
        assert target.read_bytes() == BIG
    assert run(f"{site.url}/hello", "-i", "-o", str(target))[1].startswith("HTTP/1.1 200 OK\r\n")
    assert target.read_bytes() == b"hello\n"
    status, _, err = run(f"{site.url}/hello", "-o", str(tmp_path / "no" / "such"))
    assert (status, err.count("\n")) == (1, 1)
    assert run(f"{site.url}/big", "-o", "/dev/full")[0] == 1
    assert run(f"{site.url}/hello", "-o", "")[0] == 2


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_quietly_and_leaves_nothing(
    theatre: Any, tmp_path: Path, site: Any, signum: int, status: int
) -> None:
    target = tmp_path / "file"
    program = theatre.run("http_fetch.py", f"{site.url}/half", "-o", str(target))
    printing = theatre.run("http_fetch.py", f"{site.url}/slow")
    printing.out.shows("first ")
    while not sum(path.stat().st_size for path in tmp_path.iterdir()):  # a file just opened has no owner yet
        assert program.process.poll() is None
    for one in (program, printing):
        one.process.send_signal(signum)
        assert one.exits() == status
        assert one.err.all() == ""
    assert os.listdir(tmp_path) == []


def test_a_reader_that_goes_and_a_disk_that_is_full(theatre: Any, site: Any) -> None:
    read, write = os.pipe()
    os.close(read)
    program = theatre.run("http_fetch.py", f"{site.url}/big", stdout=write)
    os.close(write)
    assert (program.exits(), program.err.all()) == (1, "")
    program = theatre.run("http_fetch.py", f"{site.url}/big", redirected=">/dev/full")
    assert program.exits() == 1
    assert program.err.all().endswith("cannot write to standard output: No space left on device\n")
    program = theatre.run("http_fetch.py", f"{site.url}/big", redirected=">&-")
    assert program.exits() == 1
    assert program.err.all().count("\n") == 1
    program = theatre.run("http_fetch.py", f"{site.url}/hello", "-o", "/dev/stdout")  # a link to what has no path
    assert (program.exits(), program.out.all()) == (0, "hello\n")
    for nowhere in ("2>/dev/full", "2</dev/null"):  # full, and not to be written to
        assert theatre.run("http_fetch.py", f"{site.url}/cut", f"{site.url}/hello", redirected=nowhere).exits() == 1


@pytest.mark.parametrize("stderr", ["/dev/full", None])
def test_a_failure_that_nobody_can_be_told_of_is_still_one(site: Any, stderr: str | None) -> None:
    def lose_stderr() -> None:
        if stderr is None:
            os.close(2)
        else:
            os.dup2(os.open(stderr, os.O_WRONLY), 2)

    command = [sys.executable, "examples/http_fetch.py", "http://127.0.0.1:1/", f"{site.url}/hello"]
    done = subprocess.run(command, cwd=ROOT, preexec_fn=lose_stderr, stdout=subprocess.PIPE, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, b"hello\n")


def test_a_terminal_sees_the_progress_and_nobody_else(theatre: Any, tmp_path: Path, site: Any) -> None:
    ours, theirs = pty.openpty()
    target = tmp_path / "file"
    program = theatre.run("http_fetch.py", f"{site.url}/slow", "-o", str(target), redirected=f"2>/dev/fd/{theirs}",
                          pass_fds=[theirs])  # fmt: skip
    shown = b""
    while b"6 B of 12 B" not in shown:
        shown += os.read(ours, 1000)
    assert b" 50% [" in shown
    site.gate.set()
    assert program.exits() == 0
    assert target.read_bytes() == b"first second"
    os.close(ours)
    os.close(theirs)


def test_a_certificate_of_one_s_own(run: Any) -> None:
    from tests.kit.tls import server_context

    class Quiet(Handler):
        pass

    site: Any = Site(("127.0.0.1", 0), Quiet)
    site.seen, site.gate = [], threading.Event()
    site.socket = server_context().wrap_socket(site.socket, server_side=True)
    thread = threading.Thread(target=site.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"https://localhost:{site.server_port}/"
    assert run(url, "--cacert", CA)[:2] == (0, "hello\n")
    status, _, err = run(url)
    assert status == 1
    assert "certificate is not good" in err
    site.shutdown()
    site.server_close()
    thread.join()
