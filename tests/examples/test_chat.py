"""The chat server and its clients as people use them: nc, our own client, the operator at the console."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PIPE = subprocess.PIPE
DEADLINE = 60  # seconds


def test_three_people_with_nc(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", "--console")
    ada, bob = theatre.peer(server), theatre.peer(server)
    ada.gets("* welcome, guest-1")
    ada.sends("/nick Ada\n")
    ada.gets("you are Ada now\n")
    bob.sends("hello, who is here?\r\n")
    ada.gets("* guest-2 joined\n")
    ada.gets("guest-2: hello, who is here?\n")
    ada.sends("👋 me\n")
    bob.gets("Ada: 👋 me\n")
    server.out.shows("Ada: 👋 me\n")
    bob.sends("exit\n")
    assert bob.ends().endswith("* goodbye\n")
    ada.gets("* guest-2 left\n")
    server.clean_exit()
    assert ada.ends().endswith("* the server is shutting down, goodbye\n")


def test_the_operator_is_heard_and_sees(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", stdin=PIPE)
    scott = theatre.peer(server)
    scott.sends("From Client, Scott: Hi!\n")
    server.out.shows("* Scott joined\nScott: Hi!\n")
    server.types("Hi Scott!\n\n/who\n/nope\n//shrug\nlast\x1b[1m")
    scott.gets("From Server, Admin:Hi Scott!\nFrom Server, Admin:/shrug\n")
    server.out.shows("* 1 here: Scott\n")
    server.out.shows("* there is no /nope here")
    server.ends_input()
    scott.gets("From Server, Admin:last[1m\n")
    scott.sends("still there?\n")
    server.out.shows("Scott: still there?\n")
    server.clean_exit()


def test_without_a_console_nothing_is_read_or_shown(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", "--no-console", stdin=PIPE)
    server.types("not said\n")
    ada, bob = theatre.peer(server), theatre.peer(server)
    ada.sends("hello\n")
    bob.gets("guest-1: hello\n")
    assert "not said" not in bob.text
    server.clean_exit(signal.SIGTERM)
    assert server.out.all() == f"listening on 127.0.0.1:{server.port}\n"


@pytest.mark.parametrize("kind", ["< /dev/null", "<&-", "< /etc/hostname", "< script"])
def test_stdin_of_every_kind(theatre: Any, kind: str, tmp_path: Path) -> None:
    if kind == "< script":
        script = tmp_path / "script"
        script.write_text("not said\n")
        kind = f"< {script}"
    server = theatre.serve("chat_server.py", "--console", redirected=kind)
    ada, bob = theatre.peer(server), theatre.peer(server)
    ada.gets("* welcome")
    bob.gets("* welcome")
    ada.sends("hello\n")
    bob.gets("hello\n")
    server.out.shows("guest-1: hello\n")
    server.clean_exit()
    assert "From Server, Admin" not in bob.ends().split("* the server")[0]


@pytest.mark.parametrize("kind", ["< /dev/null", "<&-"])
def test_nobody_s_words_are_written_where_no_operator_can_be(theatre: Any, kind: str) -> None:
    server = theatre.serve("chat_server.py", redirected=kind)
    ada, bob = theatre.peer(server), theatre.peer(server)
    ada.sends("/nick Ada\nhello\n")
    bob.gets("Ada: hello\n")
    assert server.leaves() == 0
    assert server.out.all() == f"listening on 127.0.0.1:{server.port}\n"
    assert "hello" not in server.err.all()


@pytest.mark.parametrize("kind", [">&-", "> /dev/full"])
def test_stdout_that_takes_nothing(theatre: Any, kind: str, port: int) -> None:
    server = theatre.run("chat_server.py", "--port", str(port), redirected=kind)
    with connect(port) as ada:
        ada.sendall(b"hello\n/who\n")
        assert "* 1 here: guest-1" in received(ada, b"here: guest-1\n")
        server.process.send_signal(signal.SIGINT)
        assert "goodbye" in received(ada, b"goodbye\n")
    assert server.exits() == 0
    assert "Traceback" not in server.err.all()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_client_whose_output_takes_nothing_has_failed(theatre: Any) -> None:
    server = theatre.serve("chat_server.py")
    client = theatre.run("chat_client.py", "--port", str(server.port), stdin=PIPE, redirected="> /dev/full")
    assert client.exits() == 1
    assert client.err.all().count("\n") == 1
    assert "No space left on device" in client.err.all()


def test_stdout_that_breaks(theatre: Any) -> None:
    reader, writer = os.pipe()
    server = theatre.serve("chat_server.py", stdin=PIPE, stdout=writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as out:
        port = int(out.readline().split(b":")[-1])
    with connect(port) as ada, connect(port) as bob:
        for number in range(10):
            ada.sendall(b"hello %d\n" % number)
            assert "hello" in received(bob, b"hello %d\n" % number)
    assert server.leaves(signal.SIGINT) == 0
    assert "Traceback" not in server.err.all()


def connect(port: int) -> socket.socket:
    """Wait for a server that cannot say where it listens."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.02)


def received(sock: socket.socket, end: bytes) -> str:
    """Everything up to `end`."""
    data = b""
    while end not in data:
        piece = sock.recv(65536)
        assert piece, f"ended before {end!r}: {data!r}"
        data += piece
    return data.decode()


# -- a terminal -----------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a pseudo-terminal: ours, and the one a program is given."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def test_the_operator_at_a_terminal(theatre: Any, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    server = theatre.serve("chat_server.py", stdin=theirs)
    ada = theatre.peer(server)
    ada.gets("* welcome")
    os.write(ours, "你好\n".encode())
    ada.gets("From Server, Admin:你好\n")
    os.write(ours, b"\x04")  # Ctrl-D
    ada.sends("hello\n")
    server.out.shows("guest-1: hello\n")
    server.clean_exit()


# -- our own client -------------------------------------------------------------------------------------------------


def chat_client(theatre: Any, server: Any, *arguments: str, **options: Any) -> Any:
    return theatre.run("chat_client.py", "--port", str(server.port), *arguments, **{"stdin": PIPE, **options})


def test_two_clients_talk(theatre: Any) -> None:
    server = theatre.serve("chat_server.py")
    ada = chat_client(theatre, server, "--name", "Ada")
    ada.out.shows("* you are Ada now\n")
    bob = chat_client(theatre, server, "--name", "小明")
    ada.out.shows("* 小明 joined\n")
    ada.types("hello\n")
    bob.out.shows("Ada: hello\n")
    bob.types("你好\n")
    ada.out.shows("小明: 你好\n")
    bob.types("exit\n")
    assert bob.exits() == 0
    assert bob.out.all().endswith("* goodbye\n")
    ada.out.shows("* 小明 left\n")
    server.clean_exit()
    assert ada.exits() == 0
    assert ada.out.all().endswith("* the server is shutting down, goodbye\n")
    assert ada.err.all() == "the server has closed the connection\n"


def test_a_script_sends_its_unfinished_last_line_and_hears_the_answers(theatre: Any) -> None:
    server = theatre.serve("chat_server.py")
    ada = theatre.peer(server)
    ada.gets("* welcome")
    script = chat_client(theatre, server, "--name", "Script")
    script.types("one\n/who\nlast")
    script.ends_input()
    assert script.exits() == 0
    assert script.out.all().endswith("* 2 here: guest-1, Script\n")
    assert script.err.all() == ""
    ada.gets("Script: one\nScript: last\n* Script left\n")


@pytest.mark.parametrize("redirected", ["< /dev/null", "<&-"])
def test_a_client_without_input_leaves(theatre: Any, redirected: str) -> None:
    server = theatre.serve("chat_server.py")
    client = chat_client(theatre, server, redirected=redirected)
    assert client.exits() == 0
    assert client.err.all() == ""


def test_a_client_at_a_terminal(theatre: Any, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    server = theatre.serve("chat_server.py")
    ada = theatre.peer(server)
    client = chat_client(theatre, server, stdin=theirs)
    client.out.shows("* welcome")
    os.write(ours, b"hello\n")
    ada.gets("guest-2: hello\n")
    os.write(ours, b"\x04")
    assert client.exits() == 0


def test_ctrl_c_leaves_the_client(theatre: Any) -> None:
    server = theatre.serve("chat_server.py")
    client = chat_client(theatre, server)
    client.out.shows("* welcome")
    client.clean_exit()


def test_nobody_listens(theatre: Any, port: int) -> None:
    client = theatre.run("chat_client.py", "--port", str(port), stdin=PIPE)
    assert client.exits() == 1
    assert client.err.all().count("\n") == 1


def test_the_server_is_killed(theatre: Any) -> None:
    server = theatre.serve("chat_server.py")
    client = chat_client(theatre, server)
    client.out.shows("* welcome")
    server.process.kill()
    client.exits()
    assert client.err.all().startswith("the server ")


def test_a_hostile_server_cannot_touch_the_terminal(theatre: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hostile:
        client = theatre.run("chat_client.py", "--port", str(hostile.getsockname()[1]), stdin=PIPE)
        sock, _ = hostile.accept()
        with sock:
            sock.sendall("\x1b[2J\u202eboo\n".encode() + b"\xff\n")
        assert client.exits() == 0
    assert client.out.all() == "[2Jboo\n\ufffd\n"


def test_a_killed_client_frees_its_name(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", "--console")
    ada = chat_client(theatre, server, "--name", "Ada")
    server.out.shows("* Ada joined\n")
    ada.process.kill()
    peer = theatre.peer(server)
    server.out.shows("* Ada left\n")
    peer.sends("/nick Ada\n")
    peer.gets("you are Ada now\n")


# -- strangers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00"])
def test_a_stranger_is_closed_with_one_log_line(theatre: Any, opening: bytes) -> None:
    server = theatre.serve("chat_server.py")
    stranger = theatre.peer(server)
    stranger.sends(opening)
    stranger.ends()
    stranger.sock.close()
    assert server.leaves(signal.SIGINT) == 0
    assert server.err.all().count("\n") == 1
    assert server.out.all() == f"listening on 127.0.0.1:{server.port}\n"


def test_too_many_from_one_address_if_loopback_counts(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", "--max-per-ip", "1")
    first, second = theatre.peer(server), theatre.peer(server)
    first.gets("* welcome")
    assert second.ends() == "* goodbye: too many connections from your address\n"
