"""Echo, greeting and the ladder, from outside."""

from __future__ import annotations

import socket
import struct
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
    victim.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    victim.sock.close()
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


def test_ladder_1_a_timer(theatre: Any) -> None:
    program = theatre.run("ladder_1_timer.py")
    assert program.exits() == 0
    lines = program.out.all().splitlines()
    assert lines.index("half a second has passed") in (2, 3)
    assert lines[0].startswith("tick at 0.2")
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
