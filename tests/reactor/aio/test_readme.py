"""The programs of reactor/aio/README.md run as they stand there; those that need what is not installed are left out."""

from __future__ import annotations

import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from protocols.http.server import Server
from protocols.websocket import WebSocket
from reactor import Reactor
from tests.kit.documents import ROOT, block, blocks

README = ROOT / "reactor" / "aio" / "README.md"
DEADLINE = 60  # seconds
FOREIGN = ("uvicorn", "fastapi", "aiohttp", "websockets", "redis")


def dial(port, child=None):
    """A connection, as soon as somebody listens."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), DEADLINE)
        except ConnectionRefusedError:
            assert child is None or child.poll() is None, "the program ended at once"
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def start():
    """Starts the program that has these words in it, its ports changed; skips where it needs what is not here."""
    children = []

    def start(words, **ports):
        program = block(README, words)
        for name in FOREIGN:
            if re.search(rf"^(import|from) .*\b{name}\b", program, re.MULTILINE) and not importlib.util.find_spec(name):
                pytest.skip(f"{name} is not installed")
        for old, new in ports.items():
            assert old[1:] in program
            program = program.replace(old[1:], str(new))
        command = [sys.executable, "-c", program]
        environment = {"PYTHONPATH": str(ROOT)}
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        children.append(child)
        return child

    yield start
    for child in children:
        child.terminate()
        child.communicate(timeout=DEADLINE)


@pytest.mark.parametrize(
    ("words", "said"),
    [("async def shout", b"b'ONE\\nTWO\\n'\n"), ("functools.partial", b"0\n")],
    ids=["shout", "bounds"],
)
def test_a_program_ends_and_says_what_it_should(start, words, said):
    child = start(words)
    out, _ = child.communicate(timeout=DEADLINE)
    assert (child.returncode, out) == (0, said)


@pytest.mark.parametrize(
    ("words", "path", "answer"),
    [
        ("hello from uvicorn", "/", b"hello from uvicorn"),
        ("FastAPI()", "/square/12", b'{"square":144}'),
        ("hello from aiohttp", "/", b"hello from aiohttp"),
    ],
)
def test_a_server_of_others_answers(start, port, words, path, answer):
    child = start(words, _8000=port)
    dial(port, child).close()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=DEADLINE) as response:
        assert response.read() == answer


def test_a_bot_talks_to_a_room(start):
    class Echo(WebSocket):
        def text_received(self, text):
            self.send(text)

    with Reactor() as reactor:
        site = Server(reactor)
        site.route("GET", "/", Echo)
        listener = site.listen("127.0.0.1", 0)
        child = start("the room says", _8000=listener.port)
        ended = reactor.run_in_thread(child.communicate, None, DEADLINE)
        out, _ = reactor.run_until(ended, timeout=DEADLINE)
    assert out == b"the room says hello\n"


def test_a_protocol_asks_a_database(start, port, ports, tmp_path):
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server")
    database = ports()
    command = ["redis-server", "--port", str(database), "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        dial(database).close()
        child = start("class Counter", _6379=database, _9000=port)
        with dial(port, child) as client, client.makefile("rb") as answers:
            client.sendall(b"ada\nbob\nada\n")
            assert [answers.readline() for _ in range(3)] == [b"1\n", b"1\n", b"2\n"]
    finally:
        server.terminate()
        server.wait(DEADLINE)


STUB = """
import asyncio


class Redis:
    def __init__(self, **options):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        pass

    async def incr(self, name):
        if name == b"down":
            raise ConnectionError("there is no database")
        if name == b"slow":
            print("waits", flush=True)
            try:
                await asyncio.sleep(3600)
            finally:
                print("waits no more", flush=True)
        return 7
"""


def test_a_database_that_fails_ends_the_connection_and_a_signal_drains(port, tmp_path):
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "__init__.py").touch()
    (tmp_path / "redis" / "asyncio.py").write_text(STUB)
    program = block(README, "class Counter").replace("9000", str(port))
    pipe = subprocess.PIPE
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    child = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, stdout=pipe, stderr=pipe)
    try:
        with dial(port, child) as client, client.makefile("rb") as answers:
            client.sendall(b"ada\ndown\n")
            assert answers.read() == b"7\n"
        with dial(port, child) as client:
            client.sendall(b"slow\n")
            assert child.stdout.readline() == b"waits\n"
            child.terminate()  # it is drained: the connection ends, and what was asked for it
            assert client.recv(100) == b""
        out, err = child.communicate(timeout=DEADLINE)
    finally:
        child.kill()
        child.wait(DEADLINE)
    assert (child.returncode, out) == (0, b"waits no more\n")
    assert b"b'down' was not counted" in err
    assert err.endswith(b"ConnectionError: there is no database\n")


def test_the_greeting_runs_on_asyncios_own_loop(start, port):
    child = start("Greeting(verbs(loop))", _9999=port)
    with dial(port, child) as client, client.makefile("rb") as answers:
        client.sendall(b"Ada\n")
        assert answers.readline() == b"Hello, Ada!\n"


def test_every_program_of_the_document_is_here():
    source = (ROOT / "tests/reactor/aio/test_readme.py").read_text(encoding="utf-8")
    wanted = re.findall(r'start\("([^"]+)"|\("([\w .()]+)", (?:b"|"/)', source)
    words = [first or second for first, second in wanted]
    for program in blocks(README):
        assert any(each in program.text for each in words), program.text
