"""The program as people use it: beside servers of all kinds, in pipes and on a terminal, cut by signals."""

from __future__ import annotations

import gzip
import os
import pty
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from protocols.http.command.ends import ENDING
from protocols.http.command.job import Job
from protocols.http.command.program import main
from tests.kit.tls import CERTIFICATES, server_context

ROOT = Path(__file__).parents[4]
PROGRAM = [sys.executable, "-W", "error", "-m", "protocols.http"]
PATIENCE = 60  # seconds of real time after which a scene has failed


def answer(body=b"", *fields, status="200 OK", length=None):
    lines = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Site:
    """Answers each request with `script(head, number)`: bytes, or pieces with pauses in between (numbers)."""

    def __init__(self, script, tls=None):
        self.script, self.tls, self.heads = script, tls, []
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.sock.getsockname()[1]}"
        self.url = f"http{'s' if tls else ''}://{self.host}/"
        self.gate = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                threading.Thread(target=self.serve, args=(self.sock.accept()[0],), daemon=True).start()
        except OSError:
            pass  # the scene is over

    def serve(self, sock):
        try:
            with self.tls.wrap_socket(sock, server_side=True) if self.tls else sock as peer:
                while head := peer.recv(65536):
                    length = re.search(rb"(?i)content-length: (\d+)", head)
                    while length and len(head.partition(b"\r\n\r\n")[2]) < int(length[1]):
                        head += peer.recv(65536) or b" " * int(length[1])
                    self.heads.append(head)
                    found = self.script(head, len(self.heads))
                    for piece in [found] if isinstance(found, bytes) else found:
                        if piece is None:
                            self.gate.wait(PATIENCE)
                        else:
                            peer.sendall(piece)
        except OSError:
            pass  # the client has gone, or wants no TLS of ours

    def fields(self, number=-1):
        lines = self.heads[number].partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}

    def close(self):
        self.gate.set()
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@pytest.fixture
def site(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    sites = []

    def site(script, **options):
        sites.append(Site(script if callable(script) else lambda head, number: script, **options))
        return sites[-1]

    yield site
    for one in sites:
        one.close()


@pytest.fixture
def run(monkeypatch, capfd, tmp_path):
    """The program in this process, in a folder of its own. Gives status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["fetch"])

    def run(*arguments):
        try:
            status = main(list(arguments))
        except SystemExit as left:
            status = left.code
        return (status, *capfd.readouterr())

    return run


@pytest.fixture
def start(tmp_path):
    """The program in a process of its own. It is ended with the scene."""
    started = []

    def start(*arguments, **options):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path, "env": environment, **options}
        started.append(subprocess.Popen([*PROGRAM, *arguments], stdin=subprocess.DEVNULL, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# -- habits ------------------------------------------------------------------------------------------------------------


def test_curl_s_letters_work_together(run, site):
    there = site(lambda head, n: answer(b"", "Location: /b", status="302 Found") if n % 2 else answer(b"there\n"))
    for letters in ("-fsSL", "-sL", "-sS", "-Ls"):
        assert run(letters, there.url) == (0, "there\n", "")
    assert run("-sSLo", "x", there.url)[0] == 0
    assert Path("x").read_bytes() == b"there\n"


def test_a_cookie_wall_is_passed_and_the_cookies_are_kept(run, site):
    def wall(head, number):
        return (
            answer(b"in\n") if b"seen=1" in head else answer(b"", "Set-Cookie: seen=1", "Location: /", status="302 F")
        )

    there = site(wall)
    assert run(there.url) == (0, "in\n", "")
    assert run("-c", "jar", there.url)[0] == 0
    assert "\tseen\t1\n" in Path("jar").read_text()
    assert run("-b", "jar", there.url) == (0, "in\n", "")
    assert len(there.heads) == 5, "with the jar the wall is open at once"
    assert run("-b", "seen=1; x=2", there.url)[0] == 0
    assert there.fields()["cookie"] == "seen=1; x=2"
    assert run("-c", "-", there.url)[1].startswith("in\n# Netscape HTTP Cookie File\n")
    assert run("-c", "no/such/jar", there.url)[::2] == (
        1,
        "fetch: cannot write no/such/jar: No such file or directory\n",
    )


def test_o_and_j_save_under_names_that_lead_nowhere_else(run, site, tmp_path):
    there = site(answer(b"data", 'Content-Disposition: attachment; filename="../../evil.txt"'))
    assert run("-O", there.url + "a/b.txt?x=/y") == (0, "", "")
    assert run("-OJ", there.url + "get") == (0, "", "")
    assert names(tmp_path) == ["b.txt", "evil.txt"]
    Path("evil.txt").write_bytes(b"mine")
    status, _, err = run("-OJ", there.url + "get")
    assert (status, "there already, and -J overwrites nothing" in err) == (1, True)
    assert Path("evil.txt").read_bytes() == b"mine"
    assert run("--remote-name-all", there.url + "c", there.url + "d", "--output-dir", "new", "--create-dirs")[0] == 0
    assert names(tmp_path / "new") == ["c", "d"]
    assert run("-o", "e", "-o", "f", there.url, there.url)[0] == 0
    assert run("-R", "-O", there.url + "g")[0] == 0


def test_a_link_of_the_server_s_choosing_is_not_followed_by_j(run, site, tmp_path):
    (tmp_path / "evil.txt").symlink_to(tmp_path / "nowhere")
    there = site(answer(b"data", "Content-Disposition: attachment; filename=evil.txt"))
    assert run("-OJ", there.url)[0] == 1
    assert names(tmp_path) == ["evil.txt"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("kind", ["link", "pipe"])
@pytest.mark.parametrize("options", [["-o", "f"], ["-C", "-o", "f"], ["-D", "f"], ["-c", "f"], ["-b", "f"]])
def test_what_a_neighbour_has_laid_in_a_directory_for_everybody_is_not_written_through(
    run, site, tmp_path, options, kind
):
    there = site(answer(b"data", "Set-Cookie: a=b"))
    (tmp_path / "precious").write_text("precious")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    if kind == "link":
        (shared / "f").symlink_to(tmp_path / "precious")
    else:
        os.mkfifo(shared / "f")
    os.chown(shared / "f", 65534, 65534, follow_symlinks=False)
    os.chdir(shared)
    status, _, err = run("-q", *options, there.url)
    assert (status, "another user's, in a directory for everybody" in err) == (1, True)
    assert (tmp_path / "precious").read_text() == "precious"


def test_k_takes_any_certificate_and_nothing_else_does(run, site):
    there = site(answer(b"x"), tls=server_context())
    status, _, err = run(there.url)
    assert (status, "certificate is not good" in err) == (1, True)
    assert run("-k", there.url) == (0, "x", "")
    local = there.url.replace("127.0.0.1", "localhost")
    assert run("--cacert", str(CERTIFICATES / "ca.pem"), "--tlsv1.2", local) == (0, "x", "")
    assert run("-k", "-E", str(CERTIFICATES / "client.pem"), there.url)[0] == 0


def test_v_tells_what_is_said_and_no_password(run, site):
    there = site(answer(b"x", "X-Evil: a\x1b]0;b\x9b"))
    status, out, err = run("-v", "-u", "ada:secret", there.url)
    assert (status, out) == (0, "x")
    assert "> GET / HTTP/1.1\n" in err
    assert "< HTTP/1.1 200 OK\n" in err
    assert "> Authorization: Basic (hidden)\n" in err
    assert not {"\x1b", "\x9b"} & set(err)
    assert there.fields()["authorization"] == "Basic YWRhOnNlY3JldA=="


def test_retry_waits_as_it_is_asked_to_and_shows_only_the_last_answer(run, site):
    there = site(lambda head, n: answer(b"ok\n") if n > 2 else answer(b"busy\n", "Retry-After: 0", status="503 Busy"))
    assert run("-s", "--retry", "3", "--retry-delay", "0", there.url) == (0, "ok\n", "")
    busy = site(answer(b"busy\n", status="503 Busy"))
    assert run("-s", "--retry", "1", "--retry-delay", "0", busy.url) == (0, "busy\n", "")
    assert len(busy.heads) == 2
    status, out, err = run("--retry", "1", "--retry-delay", "0", "-f", busy.url)
    assert (status, out, err.count("\n")) == (1, "", 2)
    assert ": 503 Busy: trying again in 0 s\n" in err
    assert run("--retry", "1", "--retry-connrefused", "--retry-delay", "0", "-s", "http://127.0.0.1:1/")[0] == 1


def test_a_retry_that_time_forbids_ends_with_the_answer(run, site):
    busy = site(answer(b"busy\n", "Retry-After: 60", status="503 Busy"))
    assert run("-s", "--retry", "2", "--retry-max-time", "5", busy.url) == (0, "busy\n", "")
    assert len(busy.heads) == 1


def test_the_head_of_a_failure_is_shown_and_dumped(run, site):
    there = site(answer(b"none\n", "WWW-Authenticate: Basic", status="401 No"))
    assert run("-f", "-D", "h", there.url)[:2] == (1, "")
    assert "WWW-Authenticate: Basic" in Path("h").read_text()
    assert "WWW-Authenticate: Basic" in run("-f", "-i", there.url)[1]
    status, out, _ = run("-f", "-I", "-X", "GET", there.url)
    assert (status, "WWW-Authenticate" in out, "none" in out) == (1, True, False)


def test_the_head_alone_of_a_server_that_refuses_head(run, site):
    there = site(lambda head, number: [answer(b"", length=9), b"body", None])
    status, out, err = run("-s", "-I", "-X", "GET", there.url)
    assert (status, err, "Content-Length: 9" in out, "body" in out) == (0, "", True, False)


def test_failures_name_what_may_be_done(run, site):
    def elsewhere(head, number):
        return answer(b"moved\n", f"Location: http://127.0.0.1:1/{number}", status="302 Found")

    there, secure = site(elsewhere), site(elsewhere, tls=server_context())
    status, out, err = run("--max-redirs", "0", there.url)
    assert (status, out) == (1, "")
    assert f"more than 0 redirects, the last from {there.url}; --max-redirs N follows more (" in err
    assert run("--no-redirect", "--max-redirs", "0", there.url) == (0, "moved\n", "")
    assert "--allow-downgrade" in run("-k", secure.url)[2]
    assert "--cacert FILE trusts who has signed it, and -k takes any" in run(secure.url)[2]
    assert "--proxy-cacert FILE" in run("-x", secure.url, "http://a/")[2]


def test_a_proxy_that_fails_is_named(run, site):
    assert ": the proxy http://127.0.0.1:1: cannot connect to" in run("-x", "127.0.0.1:1", "http://a.example/")[2]
    assert ": the proxy http://127.0.0.1:1: cannot connect to" in run("-x", "127.0.0.1:1", "https://a.example/")[2]
    ssh = site(b"SSH-2.0-hi\r\n")
    assert f"(through the proxy http://{ssh.host})" in run("-x", ssh.host, "http://a.example/")[2]
    good = site(answer(b"x"))
    err = run("-v", "-x", good.host, "http://a.example/")[2]
    assert f"* through the proxy http://{good.host}\n" in err


def test_retry_never_shows_twice_what_was_shown(run, site):
    there = site(lambda head, n: [answer(b"half", length=8), None])
    status, out, err = run("-s", "--retry", "2", "--retry-delay", "0", "-m", "0.3", there.url)
    assert (status, out, len(there.heads)) == (1, "half", 1)
    assert "not tried again, for a part is printed already" in err
    status, out, _ = run("-s", "-o", "f", "--retry", "2", "--retry-delay", "0", "-m", "0.3", there.url)
    assert (status, out, len(there.heads)) == (1, "", 4)


def test_with_a_jar_the_second_url_has_the_cookies_of_the_first(run, site):
    there = site(answer(b"", "Set-Cookie: a=1"))
    assert run("-c", "jar", there.url + "login", there.url + "page", "-s")[0] == 0
    assert [head.split()[1] for head in there.heads] == [b"/login", b"/page"]
    assert there.fields()["cookie"] == "a=1"
    Path("heads").write_text("Set-Cookie: a=1\n")
    assert "fetch: there is no cookie in heads" in run("-b", "heads", there.url)[2]


def test_the_time_of_the_first_byte(run, site):
    there = site(lambda head, number: [answer(b"", length=1), b"x"])
    first, whole = run("-o", "f", "-w", "%{time_starttransfer} %{time_total}", there.url)[1].split()
    assert 0 < float(first) <= float(whole)
    assert run("-q", "-w", "%{time_starttransfer}", "http://127.0.0.1:1/")[1] == "0.000000"


def test_the_method_that_was_asked_with_in_the_end(run, site):
    there = site(lambda head, n: answer(b"", "Location: /", status="303 See") if n == 1 else answer(b""))
    assert run("-d", "x", "-w", "%{method}", there.url) == (0, "GET", "")


def test_names_below_localhost_are_this_machine(run, site):
    there = site(answer(b"x"))
    port = there.host.rpartition(":")[2]
    assert run(f"http://bücher.localhost:{port}/") == (0, "x", "")
    assert there.fields()["host"] == f"xn--bcher-kva.localhost:{port}"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_replaced_stays_with_its_owner(run, site, tmp_path):
    target = tmp_path / "f"
    target.write_text("old")
    target.chmod(0o640)
    os.chown(target, 65534, 65533)
    assert run("-o", "f", site(answer(b"new")).url)[0] == 0
    found = target.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (65534, 65533, 0o640)
    assert target.read_text() == "new"


def test_data_forms_and_uploads(run, site):
    there = site(answer(b""))
    run("--json", '{"a":', "--json", "1}", there.url)
    assert there.heads[-1].endswith(b'\r\n\r\n{"a":1}')
    assert (there.fields()["content-type"], there.fields()["accept"]) == ("application/json", "application/json")
    run("-G", "-d", "q=a b", "--data-urlencode", "z=&", there.url + "?p")
    assert there.heads[-1].startswith(b"GET /?p&q=a%20b&z=%26 HTTP/1.1\r\n")
    Path("up.bin").write_bytes(b"\0\n\xff")
    run("-T", "up.bin", there.url)
    assert there.heads[-1].startswith(b"PUT /up.bin HTTP/1.1\r\n")
    assert there.heads[-1].endswith(b"\0\n\xff")
    run("--data-binary", "@up.bin", there.url)
    assert there.heads[-1].endswith(b"\r\n\r\n\0\n\xff")
    assert run("-I", there.url, "-X", "POST")[0] == 0


def test_an_upload_from_a_pipe_is_read_once(run, site):
    there = site(answer(b""))
    os.mkfifo("pipe")
    feeding = threading.Thread(target=Path("pipe").write_bytes, args=(b"piped",), daemon=True)
    feeding.start()
    assert run("-sT", "pipe", there.url) == (0, "", "")
    assert there.heads[-1].endswith(b"\r\nContent-Length: 5\r\n\r\npiped")
    feeding.join(PATIENCE)


def test_a_defect_of_ours_ends_the_program_instead_of_holding_it(run, site, monkeypatch):
    def broken(job, future):
        raise RuntimeError("a defect")

    monkeypatch.setattr(Job, "take_result", broken)
    there = site(answer(b""))
    signal.alarm(int(PATIENCE))
    try:
        with pytest.raises(RuntimeError, match="a defect"):
            run("-s", there.url)
    finally:
        signal.alarm(0)


def test_a_reader_of_stdout_may_take_its_time(start, site, monkeypatch):
    monkeypatch.setenv("REACTOR_WATCHDOG", "0.05")
    body = b"x" * 1_000_000  # more than a pipe holds
    fetching = start("-s", site(answer(body)).url)
    assert os.read(fetching.stdout.fileno(), 1) == b"x"
    time.sleep(0.3)  # what the watchdog would have told of
    out, err = fetching.communicate(timeout=PATIENCE)
    assert (len(out), err) == (len(body) - 1, b"")


@pytest.mark.parametrize("resume", [[], ["-C", "-"]])
def test_a_file_that_has_not_changed_stays(run, site, tmp_path, resume):
    """Whoever asks each night only for what is newer has the good copy still."""
    there = site(lambda head, number: b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n')
    target = tmp_path / "good"
    target.write_bytes(b"precious")
    assert run("-o", str(target), *resume, "-H", 'If-None-Match: "x"', there.url)[0] == 0
    assert target.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["good"]
    assert run("-o", str(tmp_path / "new"), *resume, there.url)[0] == 0
    assert os.listdir(tmp_path) == ["good"]


def test_a_head_costs_no_file(run, site, tmp_path):
    there = site(lambda head, number: b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
    target = tmp_path / "good"
    target.write_bytes(b"precious")
    status, out, _ = run("-I", "-o", str(target), there.url)
    assert (status, target.read_bytes()) == (0, b"precious")
    assert "Content-Length: 6" in out


def test_write_out_and_the_head_in_a_file(run, site):
    there = site(answer(b"body", "Content-Type: text/x", status="404 Not Found"))
    assert (
        run("-so", "/dev/null", "-w", "%{http_code} %{size_download} %{content_type}\\n", there.url)[1]
        == "404 4 text/x\n"
    )
    assert run("-sD", "-", "-o", "/dev/null", there.url)[1].startswith("HTTP/1.1 404 Not Found\r\n")
    assert run("-sD", "head", there.url)[1] == "body"
    assert Path("head").read_bytes().endswith(b"Content-Length: 4\r\n\r\n")
    assert run("-s", "-w", "%{http_code} %{exitcode}", "http://127.0.0.1:1/")[:2] == (1, "000 1")
    assert run("--fail-with-body", "-s", there.url)[:2] == (1, "body")


def test_a_format_in_a_file_and_one_that_is_no_text(start, run, site):
    there = site(answer(b""))
    Path("format").write_bytes(b"%{http_code}\r\n \xff\\n\n")
    for arguments in (["-w", "@format"], ["-w", os.fsdecode(b"%{http_code} \xff\\n")]):
        fetching = start("-so", "/dev/null", *arguments, there.url)
        assert fetching.communicate(timeout=PATIENCE) == (b"200 \xff\n", b"")
    assert run("-w", "@missing", there.url)[0] == 2


def test_cookies_on_stdout_are_as_they_were_or_it_has_failed(start, site, tmp_path):
    line = b"127.0.0.1\tFALSE\t/\tFALSE\t0\ta\t\xff\n"
    (tmp_path / "cookies").write_bytes(line)
    there = site(answer(b""))
    arguments = ("-so", "/dev/null", "-b", "cookies", "-c", "-", there.url)
    out, err = start(*arguments).communicate(timeout=PATIENCE)
    assert (out.splitlines(keepends=True)[-1], err) == (line, b"")
    assert b"\r\nCookie: a=\xff\r\n" in there.heads[-1]
    closed = start(*arguments, stdout=None, preexec_fn=lambda: os.close(1))
    assert b"standard output is closed" in closed.communicate(timeout=PATIENCE)[1]
    assert closed.returncode == 1


def test_the_heads_of_all_urls_are_in_one_file(run, site):
    there = site(answer(b"", "X: 1"))
    for _ in range(2):  # what an earlier run has left goes
        assert run("-sD", "heads", there.url, there.url + "b")[0] == 0
        assert Path("heads").read_bytes().count(b"X: 1\r\n") == 2
    if os.path.exists("/dev/full"):
        assert "cannot write /dev/full: " in run("-sD", "/dev/full", "-o", "body", there.url)[2]


def test_write_out_is_exact_in_a_pipe_and_clean_on_a_terminal(run, start, site):
    there = site(answer(b"", "Content-Type: a\x1b[2Jb"))
    arguments = ("-so", "/dev/null", "-w", "<%{content_type}>", there.url)
    assert run(*arguments)[1] == "<a\x1b[2Jb>"
    _, shown = on_a_terminal(start, *arguments)
    assert shown.startswith(b"<a")
    assert b"\x1b" not in shown


def test_a_page_of_an_error_in_a_file_is_hinted_at(run, site):
    there = site(answer(b"gone", status="404 Not Found"))
    status, _, err = run("-o", "z", there.url)
    assert (status, err.count("\n"), "-f would refuse it" in err) == (0, 1, True)
    assert run("-q", "-o", "z", there.url) == (0, "", "")


def test_a_family_of_addresses(run, site):
    there = site(answer(b"x"))
    assert run("-4", there.url) == (0, "x", "")
    status, _, err = run("-6", there.url)
    assert (status, "not an IPv6 address" in err) == (1, True)


def test_bytes_that_nobody_asked_to_be_packed_stay_packed(run, site):
    packed = gzip.compress(b"tar " * 100)
    there = site(answer(packed, "Content-Encoding: x-gzip"))
    run("-o", "p.tar.gz", there.url)
    assert Path("p.tar.gz").read_bytes() == packed
    run("-O", "-J", there.url + "q")
    assert Path("q").read_bytes() == packed
    run("-o", "p.tar", "--compressed", there.url)
    assert Path("p.tar").read_bytes() == b"tar " * 100
    odd = site(answer(b"intact", "Content-Encoding: aws-chunked"))
    assert run("-o", "odd", odd.url)[0] == 0
    assert Path("odd").read_bytes() == b"intact"
    assert run("-H", "Accept-Encoding: br", odd.url)[:2] == (0, "intact")
    status, _, err = run(odd.url)
    assert (status, "not known: 'aws-chunked'" in err) == (1, True)


def test_gbk_in_a_location_is_asked_for_byte_by_byte(run, site):
    there = site(lambda head, n: answer(b"ok") if n > 1 else answer(b"", "Location: /\xd6\xd0", status="302 Found"))
    assert run(there.url)[0] == 0
    assert there.heads[1].startswith(b"GET /%D6%D0 HTTP/1.1\r\n")


ALIKE = [
    ["-d", "a=1", "-d", "b=é"], ["--data-raw", "@x"], ["--data-binary", "@in"], ["--json", '{"a":1}'],
    ["-G", "-d", "q=a", "--data-urlencode", "z=&"],
    ["-u", "ada:se:cret"], ["-A", "me"],
    ["-A", ""], ["-e", "http://r/"], ["-b", "a=1; b=2"], ["-XDELETE"], ["-I"], ["-r", "0-3"], ["-T", "in"],
    ["-H", "X: y", "-H", "Accept:"], ["-H", "X;"], ["-H", "Host: elsewhere"], ["-d", ""], ["-X", "PUT", "-d", "x"],
    ["-sSL"], ["-fsSL"], ["--compressed", "-H", "Accept-Encoding: gzip"],
]  # fmt: skip
FIELDS = [
    "host",
    "user-agent",
    "accept",
    "content-type",
    "content-length",
    "cookie",
    "referer",
    "range",
    "authorization",
    "x",
]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("arguments", ALIKE, ids=" ".join)
def test_curl_asks_for_the_same(run, site, arguments):
    """Method, target, fields and body; each has its own name for itself."""
    there = site(answer(b"ok\n"))
    Path("in").write_bytes(b"from a file & more")
    url = there.url + "some/path?x"
    assert run(*arguments, url)[0] == 0
    command = ["curl", "-q", "-s", "--noproxy", "*", "-H", "Expect:", *arguments, url]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)
    ours, theirs = there.heads
    assert ours.split(b"\r\n")[0] == theirs.split(b"\r\n")[0]
    told = [{name: there.fields(number).get(name) for name in FIELDS} for number in (0, 1)]
    for fields in told:
        if fields["user-agent"] in ("reactor-fetch", *re.findall(r"curl/[\w.]+", theirs.decode("latin-1"))):
            del fields["user-agent"]
    assert told[0] == told[1]
    assert ours.partition(b"\r\n\r\n")[2] == theirs.partition(b"\r\n\r\n")[2]


# -- downloads ---------------------------------------------------------------------------------------------------------

DATA = bytes(range(256)) * 1024


def halves(head, number):
    """Half, and then nothing until the gate opens; the rest to who asks for it."""
    if found := re.search(rb"Range: bytes=(\d+)-", head):
        first = int(found[1])
        fields = (f"Content-Range: bytes {first}-{len(DATA) - 1}/{len(DATA)}", 'ETag: "1"')
        return answer(DATA[first:], *fields, status="206 Partial Content")
    half = len(DATA) // 2
    return [answer(DATA[:half], 'ETag: "1"', length=len(DATA)), None, DATA[half:]]


def size_of(folder):
    """Bytes of downloads; a note may come and go meanwhile."""
    return sum(path.lstat().st_size for path in folder.iterdir() if ".json" not in path.name)


def test_two_of_them_at_once_damage_nothing(start, site, tmp_path):
    there = site(halves)
    first = start("-q", "-C", "-o", "f", there.url)
    until(lambda: size_of(tmp_path) >= len(DATA) // 2 - 65536)
    second = start("-q", "-C", "-o", "f", there.url)
    out, err = second.communicate(timeout=PATIENCE)
    assert (second.returncode, out, err.count(b"\n")) == (1, b"", 1)
    assert b"another download of f is under way" in err
    there.gate.set()
    assert first.wait(PATIENCE) == 0
    assert (tmp_path / "f").read_bytes() == DATA
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("signum", [signal.SIGINT, *ENDING], ids=lambda signum: signal.Signals(signum).name)
def test_no_signal_leaves_anything_behind(start, site, tmp_path, signum):
    there = site(halves)
    process = start("-q", "-o", "f", there.url)
    until(lambda: size_of(tmp_path))
    (part,) = tmp_path.iterdir()
    assert stat.S_IMODE(part.stat().st_mode) == 0o600
    process.send_signal(signum)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err, names(tmp_path)) == (128 + signum, b"", [])


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR2])
def test_a_signal_that_comes_while_a_callback_runs_ends_it_as_well(run, site, tmp_path, monkeypatch, signum):
    """And not only that callback's connection."""
    there = site(halves)
    monkeypatch.setattr(Job, "on_data", lambda job, data: os.kill(os.getpid(), signum))
    assert run("-q", "-o", "f", there.url) == (128 + signum, "", "")
    assert names(tmp_path) == []


def test_a_signal_ends_it_while_nobody_reads_what_it_prints(start, site):
    there = site(answer(bytes(1 << 20)))
    process = start(there.url)
    until(lambda: there.heads)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 143


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP])
def test_what_is_kept_is_told_and_gone_on_with(start, site, tmp_path, signum):
    there = site(halves)
    process = start("-C", "-o", "f", there.url)
    until(lambda: size_of(tmp_path) >= 65536)
    process.send_signal(signum)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signum
    assert re.fullmatch(rb"\S.*http: kept \d+\.\d KiB in f\.part; the same command goes on\n", err)
    assert names(tmp_path) == ["f.part", "f.part.json"]
    assert start("-C", "-o", "f", there.url).wait(PATIENCE) == 0
    assert (tmp_path / "f").read_bytes() == DATA
    assert names(tmp_path) == ["f"]


def test_what_is_ignored_stays_ignored(start, site, tmp_path):
    """As under nohup."""
    there = site(halves)
    process = start("-q", "-o", "f", there.url, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    until(lambda: size_of(tmp_path))
    process.send_signal(signal.SIGHUP)
    there.gate.set()
    assert process.wait(PATIENCE) == 0
    assert (tmp_path / "f").read_bytes() == DATA


def test_what_a_neighbour_has_laid_there_is_not_touched(run, site, tmp_path):
    there = site(answer(b"GOOD", 'ETag: "1"'))
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "f.part").symlink_to("precious")
    (tmp_path / "f.part.json").symlink_to("config.json")
    assert run("-q", "-C", "-o", "f", there.url) == (0, "", "")
    assert (tmp_path / "precious").read_text() == "precious"
    assert ((tmp_path / "f").read_text(), (tmp_path / "f").is_symlink()) == ("GOOD", False)
    assert not (tmp_path / "config.json").exists()


# -- a terminal --------------------------------------------------------------------------------------------------------


def on_a_terminal(start, *arguments):
    """Gives the status, and what the terminal was given."""
    ours, theirs = pty.openpty()
    process = start(*arguments, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.05)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:
                break  # the other end is closed
    os.close(ours)
    return process.wait(PATIENCE), shown


def test_binary_is_not_poured_on_a_terminal(start, site, run):
    there = site(answer(b"\x89PNG\r\n\x1a\n\0\0", "Content-Type: image/png"))
    status, shown = on_a_terminal(start, there.url)
    assert status == 1
    assert b"PNG" not in shown
    assert b"-o FILE saves it" in shown
    assert b"PNG" in on_a_terminal(start, there.url, "-o", "-")[1]
    process = start(there.url)
    assert process.communicate(timeout=PATIENCE) == (b"\x89PNG\r\n\x1a\n\0\0", b"")


def test_a_terminal_is_not_told_what_to_do(start, site):
    there = site(answer(b"\x1b]0;pwned\x07\x1b[31mred\x1b[0m\n", "X: a\x1b]0;pwned\x07\x1b[2J"))
    for arguments in (["-I"], ["-i"], ["-v"], ["-D", "-"], ["-w", "%{url} %{content_type}"]):
        status, shown = on_a_terminal(start, there.url, *arguments)
        assert status == 0
        assert not re.search(rb"\x1b(?!\[\d*m|\[K)|\x07|\x9b", shown), shown
    process = start("-i", there.url)
    assert b"X: a\x1b]0;pwned\x07\x1b[2J\r\n" in process.communicate(timeout=PATIENCE)[0], "a pipe is exact"
