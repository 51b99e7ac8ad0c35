"""Echo, greeting and the ladder, from outside."""

from __future__ import annotations

import socket
import subprocess
from typing import Any


def test_echo(theatre: Any) -> None:
    server = theatre.serve("echo_server.py")
    peer = theatre.peer(server)
    peer.sends("你好")
    peer.gets("你好")
    peer.sends("x" * 1_000_000)
    peer.sock.shutdown(socket.SHUT_WR)
    assert len(peer.ends()) == 1_000_002
    server.clean_exit()


def test_a_reset_is_nobody_elses_business(theatre: Any) -> None:
    server = theatre.serve("echo_server.py")
    victim, other = theatre.peer(server), theatre.peer(server)
    victim.sends("x")
    victim.gets("x")
    victim.reset()
    other.sends("still here")
    other.gets("still here")
    server.clean_exit()


def test_greeting(theatre: Any) -> None:
    server = theatre.serve("greeting_server.py")
    ada, silent = theatre.peer(server), theatre.peer(server)
    ada.sends("Ada\n\nExit\n")
    assert ada.ends().startswith("Hello, Ada!\n")
    silent.gets("What is your name?")
    silent.sends("小明\n")
    silent.gets("Hello, 小明!\n")
    server.clean_exit()


def test_ladder_0_blocking(theatre: Any) -> None:
    one, many = (theatre.serve("ladder_0_blocking.py", *flags) for flags in ((), ("--threads",)))
    race = theatre.run("ladder_0_blocking.py", "--race")
    first, second = theatre.peer(many), theatre.peer(many)
    second.gets("numbers, please\n")
    first.sends("3\n")
    first.gets("in all 3\n")
    first, second = theatre.peer(one), theatre.peer(one)
    first.gets("numbers, please\n")
    assert second.text == ""  # connected, and nobody is there
    first.sock.close()
    second.gets("numbers, please\n")
    assert race.exits() == 0
    assert race.out.all().startswith("16000 times 1 was added, and the sum is ")


def test_ladder_1_a_timer(theatre: Any) -> None:
    program = theatre.run("ladder_1_timer.py")
    assert program.exits() == 0
    lines = program.out.all().splitlines()
    assert lines[0].startswith("tick at ")
    assert lines.count("half a second has passed") == 1
    assert len(lines) in (4, 5)  # a busy machine may skip a tick, and the series goes on in its grid
    assert program.err.all() == ""


def test_ladder_2_your_first_protocol(theatre: Any) -> None:
    server = theatre.serve("ladder_2_protocol.py")
    peer = theatre.peer(server)
    peer.sends("hello")
    peer.gets("say something\nHELLO")
    peer.sock.close()
    server.out.shows("somebody left in good order")
    server.clean_exit()


def test_ladder_3_lines(theatre: Any) -> None:
    server = theatre.serve("ladder_3_lines.py")
    peer = theatre.peer(server)
    for piece in ("1 2", " 3\n4", " 5\nx\n"):
        peer.sends(piece)
    peer.gets("6\n9\nnumbers, please\n")
    server.clean_exit()


def test_ladder_4_backpressure(theatre: Any) -> None:
    server = theatre.serve("ladder_4_backpressure.py")
    peer = theatre.peer(server)
    server.out.shows("pause at ")
    while len(peer.text) < 1_000_000:
        peer.gets("\n")
        peer.text += peer.sock.recv(65536).decode()
    numbers = [int(line) for line in peer.text.split("\n")[:-1]]
    assert numbers == list(range(len(numbers)))
    peer.sock.close()
    server.clean_exit()


def test_ladder_5_and_6_a_chat_and_its_client(theatre: Any) -> None:
    server = theatre.serve("ladder_5_chat.py")
    bob = theatre.peer(server)
    bob.sends("Bob\n")
    bob.gets("* Bob joined\n")
    ada = theatre.run("ladder_6_client.py", "--port", str(server.port), stdin=subprocess.PIPE)
    ada.out.shows("your name?\n")
    ada.types("Ada\nhello\n")
    bob.gets("* Ada joined\nAda: hello\n")
    bob.sends("hi\n")
    ada.out.shows("Bob: hi\n")
    ada.ends_input()
    bob.gets("* Ada left\n")
    assert ada.exits() == 0
    assert ada.err.all() == ""
    server.clean_exit()


def test_ladder_7_a_test(theatre: Any) -> None:
    program = theatre.run("ladder_7_test.py")
    assert program.exits() == 0
    assert (program.out.all(), program.err.all()) == ("two tests passed\n", "")
