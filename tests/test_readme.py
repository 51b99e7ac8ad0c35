"""Every program in a document of the project runs as it stands there, and every link leads somewhere."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from reactor.testing import MemoryReactor, Recorder
from tests.kit.documents import DOCUMENTS, ROOT, anchors, block, blocks, links, start
from tests.kit.tls import client_context

README, GUIDE = ROOT / "README.md", ROOT / "reactor" / "README.md"
DEADLINE = 60
SECONDS = 0.1  # of a program that nobody talks to, until it gets SIGTERM


def has_a_test_of_its_own(document):
    """Whether the test beside the code's tests runs its programs."""
    return (ROOT / "tests" / document.parent.relative_to(ROOT) / "test_readme.py").is_file() and document != README


PROGRAMS = [
    pytest.param(block, id=f"{document.relative_to(ROOT)}-{number}")
    for document in DOCUMENTS
    if not has_a_test_of_its_own(document)
    for number, block in enumerate(blocks(document))
    if block.driver is None
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_runs_as_it_stands_there(program, tmp_path):
    for other in blocks(program.document):
        if other.name is not None:
            (tmp_path / other.name).write_text(other.text, encoding="utf-8")
    name = program.name or "program.py"
    if name.startswith("test_"):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / name)]
        environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
        child = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    else:
        child = start(program.text, tmp_path, name, SECONDS)
    out, err = child.communicate(timeout=DEADLINE)
    assert (child.returncode, err) == (0, ""), out


def test_who_drives_a_program_is_there():
    for document in DOCUMENTS:
        for program in blocks(document):
            if program.driver is not None:
                source = (ROOT / program.driver).read_text(encoding="utf-8")
                assert document.name in source or "__doc__" in source


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document):
    for link in links(document):
        place, _, anchor = link.partition("#")
        target = (document.parent / place).resolve() if place else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


# -- what some of them are asked -----------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path):
    """Starts a server program; gives a connected socket."""
    children = []

    def serve(program, port, kind=socket.SOCK_STREAM):
        child = start(program, tmp_path)
        children.append(child)
        sock = socket.socket(socket.AF_INET, kind)
        sock.settimeout(DEADLINE)
        sock.connect(("127.0.0.1", real_port(tmp_path / "ports", port, child)))
        return sock, child

    yield serve
    for child in children:
        child.kill()
        child.communicate()


def real_port(path, port, child):
    """Where the program listens, which calls it `port`."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if path.exists() and (found := re.search(rf"^{port} (\d+)$", path.read_text(), re.MULTILINE)):
            return int(found[1])
        assert child.poll() is None, "the server ended at once"
        time.sleep(0.02)
    raise AssertionError(f"nobody listens on {port}")


def ends(child):
    child.terminate()
    assert child.wait(DEADLINE) == 0


def test_the_ten_line_server(served):
    program = block(GUIDE, "class Echo(Protocol)")
    assert len([line for line in program.splitlines() if line]) <= 10
    sock, child = served(program, 9000)
    with sock:
        sock.sendall(b"hello")
        assert sock.recv(100) == b"hello"
    ends(child)


def test_the_tiny_chat(served):
    program = block(README, "class Member")
    assert len([line for line in program.splitlines() if line]) <= 40
    sock, child = served(program, 2400)
    with sock, sock.makefile("rb") as lines:
        sock.sendall(b"Ada\nhello\n")
        assert [next(lines) for _ in range(3)] == [b"your name?\n", b"* Ada joined\n", b"Ada: hello\n"]
    ends(child)


def test_what_all_connections_share(served):
    sock, child = served(block(GUIDE, "class Score"), 9001)
    with sock, sock.makefile("rb") as lines:
        sock.sendall(b"Ada\nAda\n")
        assert [next(lines), next(lines)] == [b"Ada has 1\n", b"Ada has 2\n"]
    ends(child)


def test_the_server_with_limits(served):
    sock, child = served(block(GUIDE, "class Adder"), 9002)
    with sock, sock.makefile("rb") as replies:
        sock.sendall(b"1 2 3\r\nthree\n")
        assert [next(replies), next(replies)] == [b"6\n", b"numbers, please\n"]
    ends(child)


def test_what_blocks(served):
    sock, child = served(block(GUIDE, "class Slow"), 9008)
    with sock:
        sock.sendall(b"x\n")
        assert sock.recv(100) == b"done\n"
    ends(child)


def test_n_bytes_next(served):
    sock, child = served(block(ROOT / "reactor" / "PORTING.md", "class Body"), 9011)
    with sock, sock.makefile("rb") as lines:
        sock.sendall(b"PUT 5\nab\nde")
        sock.sendall(b"WHAT\n\nPUT 0\nPUT 1\nxPUT 0\n")
        said = [b"STORED 5\n", b"what?\n", b"what?\n", b"STORED 0\n", b"STORED 1\n", b"STORED 0\n"]
        assert [next(lines) for _ in said] == said
    ends(child)


def test_n_bytes_next_tells_the_command_of_a_peer_that_vanishes_in_the_middle():
    text = block(ROOT / "reactor" / "PORTING.md", "class Body")
    there = {}
    exec(text.partition("with Reactor()")[0], there)
    heard, command = [], there["Command"]
    for name in ("pause_writing", "resume_writing"):
        setattr(command, name, lambda self, name=name: heard.append(name))
    with MemoryReactor() as reactor:
        listener = reactor.listen_tcp(command, "127.0.0.1", 9011)
        client, _ = reactor.run_until(reactor.connect_tcp(Recorder, "127.0.0.1", 9011))
        client.write(b"PUT 10\nxx")
        reactor.settle()
        (here,) = there["connected"]
        client.pause_reading()
        here.transport.write(bytes(1 << 20))
        reactor.settle()
        client.resume_reading()
        reactor.settle()
        assert heard == ["pause_writing", "resume_writing"]
        assert len(here.transport.get_protocol().data) == 2  # it is in the middle still
        client.abort()
        reactor.settle()
        assert not there["connected"]
        assert not listener.connections


@pytest.mark.parametrize("size", [b"-1", b"1048577", b"five", b"", b"1 2", b"9" * 5000])
def test_n_bytes_next_refuses_what_is_no_size(served, size):
    sock, child = served(block(ROOT / "reactor" / "PORTING.md", "class Body"), 9011)
    with sock, sock.makefile("rb") as lines:
        sock.sendall(b"PUT %s\n" % size)
        assert lines.read() == b"0 to 1048576 bytes\n"
    ends(child)
    assert child.stderr.read() == ""


def test_tls(tmp_path):
    child = start(block(GUIDE, "class Greeter"), tmp_path)
    assert child.communicate(timeout=DEADLINE) == ("TLSv1.3 hello Ada\n\n", "")
    assert child.returncode == 0


def test_starttls(served):
    sock, child = served(block(GUIDE, "class Mail"), 9006)
    with sock:
        sock.sendall(b"EHLO\nSTARTTLS\n")
        with sock.makefile("rb") as lines:
            assert [next(lines), next(lines)] == [b"250 you said EHLO\n", b"220 go ahead\n"]
        with client_context().wrap_socket(sock, server_hostname="localhost") as encrypted:
            encrypted.sendall(b"MAIL\n")
            assert encrypted.recv(100) == b"250 you said MAIL\n"
    ends(child)


def test_a_download(served):
    sock, _ = served(block(GUIDE, "class Download"), 9003)
    with sock, sock.makefile("rb") as received:
        assert received.read() == README.read_bytes()


def test_datagrams(served):
    sock, child = served(block(GUIDE, "class UdpEcho"), 9004, kind=socket.SOCK_DGRAM)
    with sock:
        sock.send(b"hello")
        assert sock.recv(100) == b"hello"
    ends(child)


def test_a_feed_that_comes_and_goes(tmp_path, monkeypatch):
    path = tmp_path / "feed.sock"
    program = block(GUIDE, "class Feed").replace("Feed)", "Feed, initial_delay=0.01)")
    child = start(program.replace('"feed.sock"', f'"{path}"'), tmp_path)
    try:
        for line in (b"first\n", b"second\n"):
            with socket.socket(socket.AF_UNIX) as server:
                server.settimeout(DEADLINE)
                path.unlink(missing_ok=True)
                server.bind(str(path))
                server.listen()
                sock, _ = server.accept()
                with sock:
                    sock.sendall(line)
                    assert child.stdout.readline() == line.decode()
        ends(child)
    finally:
        child.kill()
        child.communicate()


def test_several_processes(served):
    sock, child = served(block(GUIDE, "Supervisor"), 9005)
    with sock:
        sock.sendall(b"hello")
        assert sock.recv(100) == b"hello"
    ends(child)


def test_figures_of_one_s_own(served):
    sock, child = served(block(ROOT / "reactor" / "OPERATIONS.md", "region"), 9100)
    with sock, sock.makefile("rb") as answer:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
        text = answer.read().decode()
    assert '\ngame_players{game="chess"} 0\n' in text
    assert '\nreactor_accepted_total{region="north"} 0\n' in text
    assert '\nreactor_connections{region="north",state="open"} 1\n' in text
    ends(child)


def test_figures_of_each_worker(theatre):
    program = block(ROOT / "reactor" / "OPERATIONS.md", "def measure")
    server = theatre.script(program, "--workers", "2", "--metrics", "0")
    server.out.wait(lambda text: text.count("metrics on http://") == 2 and "listening" in text, "both workers")
    peer = theatre.peer(server)
    peer.sends("x\n")
    peer.gets("x\n")
    players = {}
    for url in re.findall(r"^metrics on (\S+)$", server.out.text, re.MULTILINE):
        with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
            ((worker, count),) = re.findall(
                r'^chess_players{worker="(\d)"} (\d)$', answer.read().decode(), re.MULTILINE
            )
            players[worker] = count
    assert sorted(players) == ["0", "1"]
    assert sorted(players.values()) == ["0", "1"]
    assert server.leaves() == 0


def test_a_certificate_to_try_tls_with(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl")
    text = (ROOT / "reactor" / "OPERATIONS.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"```sh\n(openssl req .*?)```", text, re.DOTALL)
    make, _, rest = commands.replace("\\\n", "").partition("\n")
    serve, ask = rest.splitlines()
    subprocess.run(make.split(), cwd=tmp_path, capture_output=True, check=True, timeout=DEADLINE)
    serve = serve.replace("python3", sys.executable).replace("examples", f"{ROOT}/examples").replace("9000", "0")
    with subprocess.Popen(serve.split(), cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = re.fullmatch(r"listening on \S+:(\d+)\n", server.stdout.readline())[1]
            pipe = subprocess.PIPE
            command = ask.partition("#")[0].replace("9000", port).split()
            with subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe) as asking:
                asking.stdin.write(b"QUIT\n")
                asking.stdin.flush()
                assert asking.stdout.readline() == b"QUIT\n"
                asking.kill()
        finally:
            server.terminate()


@pytest.fixture
def site(tmp_path):
    """A web server with two files; its port."""
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"content of {name}")
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *arguments):
        pass


def test_fetching(site):
    program = block(ROOT / "protocols" / "http" / "README.md", "client.fetch(f").replace(
        "127.0.0.1:8000", f"127.0.0.1:{site}"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    assert done.stdout.splitlines() == [f"200 http://127.0.0.1:{site}/{name} content of {name}" for name in ("a", "b")]


def test_a_page_that_shows_the_time(served):
    sock, child = served(block(ROOT / "protocols" / "http" / "README.md", "EventStream(request)"), 8000)
    with sock, sock.makefile("rb") as received:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\nGET /events HTTP/1.1\r\nHost: here\r\n\r\n")
        lines = iter(received.readline, b"")
        assert any(line.startswith(b'<p id="now">') for line in lines)
        assert any(re.fullmatch(rb"data: \d\d:\d\d:\d\d\n", line) for line in lines)
    ends(child)


# -- the README itself -------------------------------------------------------------------------------------------------


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_every_figure_of_the_comparison_was_measured():
    """README's figures are taken from RESULTS.md, which no hand has written."""
    text = README.read_text(encoding="utf-8")
    chart = text[text.index("processor time for a message") :]
    results = (ROOT / "bench" / "RESULTS.md").read_text(encoding="utf-8")
    known = {cell.strip() for line in results.splitlines() for cell in line.split("|")}
    figures = re.findall(r"█ ([\d.,]+)", chart)
    assert len(figures) == 4
    assert [figure for figure in figures if figure not in known] == []


def test_the_bars_are_as_long_as_their_figures():
    bars = re.findall(r"(█+) ([\d.]+)", README.read_text(encoding="utf-8"))
    for (one, small), (other, large) in (bars[:2], bars[2:]):
        assert len(one) / len(other) == pytest.approx(float(small) / float(large), abs=0.03)


def test_the_commands_that_it_names_are_there():
    text = README.read_text(encoding="utf-8")
    scripts = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name in re.findall(r"`(reactor-[a-z-]+)`", text):
        assert re.search(rf"^{name} = ", scripts, re.MULTILINE), name
    for name in re.findall(r"\bexamples/\w+\.py|\bbench/\w+\.py", text):
        assert Path(ROOT, name).is_file()


# -- SECURITY.md -------------------------------------------------------------------------------------------------------


def test_each_promise_names_a_test_that_is_there():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    named = [re.fullmatch(r"\| .+ \| `(test_\w+)` \|", row) for row in rows]
    assert len(rows) > 20
    assert all(named), rows
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert [found[1] for found in named if f"def {found[1]}(" not in sources] == []
