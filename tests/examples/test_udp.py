"""The UDP echo, both sides, from outside."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest

DEADLINE = 60  # seconds; as in conftest.py


@pytest.fixture
def plain() -> Iterator[socket.socket]:
    """A raw UDP socket on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(DEADLINE)
        yield sock


def at(sock: socket.socket) -> str:
    return "{}:{}".format(*sock.getsockname())


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_the_server_echoes_and_leaves_on_a_signal(theatre: Any, plain: socket.socket, signum: int) -> None:
    server = theatre.serve("udp_echo.py")
    for data in (b"hello", b"", b"\0" * 60_000):
        plain.sendto(data, ("127.0.0.1", server.port))
        assert plain.recv(65536) == data
    assert server.out.text == f"listening on 127.0.0.1:{server.port}\n"
    server.clean_exit(signum)


def test_the_client_asks_and_says_how_long_it_took(theatre: Any) -> None:
    server = theatre.serve("udp_echo.py")
    client = theatre.run("udp_echo.py", "--send", "你好", "--to", f"127.0.0.1:{server.port}", "--count", "2")
    assert client.exits() == 0
    lines = client.out.all().splitlines()
    assert [re.sub(r"\d+\.\d\d", "T", line) for line in lines] == [
        f"answer 1 from 127.0.0.1:{server.port}: 你好 (T ms)",
        f"answer 2 from 127.0.0.1:{server.port}: 你好 (T ms)",
        "2 of 2 answered, round trip T to T ms, T on average",
    ]
    assert client.err.all() == ""
    server.clean_exit()


def test_the_client_asks_again_and_counts_no_answer_to_anything_else(theatre: Any, plain: socket.socket) -> None:
    client = theatre.run("udp_echo.py", "--send", "hello", "--to", at(plain), "--timeout", "0.3")
    first, asking = plain.recvfrom(100)
    second, _ = plain.recvfrom(100)
    assert (first, second) == (b"1 hello", b"2 hello")
    plain.sendto(b"something else", asking)
    plain.sendto(second, asking)
    assert client.exits() == 0
    assert client.out.all().count("answer") == 2  # one, and the sum
    assert client.err.all() == ""


def test_no_question_is_done_at_once(theatre: Any, plain: socket.socket) -> None:
    client = theatre.run("udp_echo.py", "--send", "hello", "--to", at(plain), "--count", "0")
    assert client.exits() == 0
    assert client.out.all() == client.err.all() == ""


def test_an_interrupted_client_says_what_it_has(theatre: Any, plain: socket.socket) -> None:
    client = theatre.run("udp_echo.py", "--send", "hello", "--to", at(plain), "--count", "2", "--timeout", "60")
    plain.sendto(*plain.recvfrom(100))
    client.out.shows("answer 1")
    client.process.send_signal(signal.SIGINT)
    assert client.exits() == 1
    assert "1 of 2 answered" in client.out.all()


def test_silence_is_one_line_and_a_status(theatre: Any, plain: socket.socket) -> None:
    client = theatre.run("udp_echo.py", "--send", "hello", "--to", at(plain), "--timeout", "0.1")
    assert client.exits() == 1
    assert client.out.all() == ""
    assert client.err.all() == "question 1: no answer to 3 tries within 0.1 s each\n"


def test_a_refusal_is_said(theatre: Any, refused_udp: tuple[str, int]) -> None:
    nobody = "{}:{}".format(*refused_udp)
    client = theatre.run("udp_echo.py", "--send", "hello", "--to", nobody, "--timeout", "0.1")
    assert client.exits() == 1
    lines = client.err.all().splitlines()
    assert lines[0] == "question 1: Connection refused"
    assert lines[-1].startswith("question 1: no answer")


def test_what_is_wrong_is_one_line(invoke: Any, plain: socket.socket) -> None:
    wrong = [
        (2, "--send", "x", "--to", "nowhere"),
        (2, "--send", "x", "--to", "127.0.0.1:0"),
        (2, "--send", "x", "--timeout", "0"),
        (2, "--to", "127.0.0.1:9000"),
        (1, "--send", "x", "--to", "no.such.host.invalid:9"),
        (1, "--port", str(plain.getsockname()[1])),
        (1, "--host", "no.such.host.invalid"),
    ]
    for wanted, *arguments in wrong:
        status, out, err = invoke("udp_echo.py", *arguments)
        assert (status, out, err.count("\n")) == (wanted, "", 1), arguments
