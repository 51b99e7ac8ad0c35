"""What an operator sees of a running example, from outside."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGUSR1")


def url(server: Any) -> str:
    server.out.shows("/metrics\n")
    found = re.search(r"^metrics on (\S+)$", server.out.text, re.MULTILINE)
    assert found
    return found[1]


def test_metrics_and_the_dump_of_a_server_that_is_in_use(theatre: Any) -> None:
    server = theatre.serve("echo_server.py", "--metrics", "0")
    peer = theatre.peer(server)
    peer.sends("hello")
    peer.gets("hello")
    with urllib.request.urlopen(url(server), timeout=20) as answer:
        text = answer.read().decode()
    assert "\nreactor_received_bytes_total " in text
    assert "\nreactor_accepted_total 1\n" in text
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(url(server) + "x", timeout=20)
    server.process.send_signal(signal.SIGUSR1)
    server.err.shows("\n---\n")
    host, port = peer.sock.getsockname()
    assert re.search(rf"  {host}:{port} +OPEN +in=READING .* in 5 B +out 5 B +buffer 0 B +Echo\n", server.err.text)
    assert server.leaves() == 0


@pytest.mark.parametrize("name", ["chat_server.py", "greeting_server.py", "udp_echo.py"])
def test_the_others_have_them_too(theatre: Any, name: str) -> None:
    server = theatre.serve(name, "--metrics", "0")
    with urllib.request.urlopen(url(server), timeout=20) as answer:
        assert answer.status == 200
    server.process.send_signal(signal.SIGUSR1)
    server.err.shows("\n---\n")
    assert server.leaves() == 0


def test_a_metrics_port_in_use_is_one_line(theatre: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = theatre.serve("echo_server.py", "--metrics", str(other.getsockname()[1]))
        assert server.exits() == 1
        assert server.err.all().count("\n") == 1


def test_bad_ports_and_workers_are_usage_errors(theatre: Any) -> None:
    for arguments in (["--metrics", "http"], ["--metrics", "70000"]):
        server = theatre.serve("echo_server.py", *arguments)
        assert server.exits() == 2
        assert server.err.all().count("\n") == 1


def test_the_dump_of_workers_is_that_of_each(theatre: Any) -> None:
    server = theatre.serve("echo_server.py", "--workers", "2")
    peer = theatre.peer(server)
    peer.sends("x")
    peer.gets("x")
    os.kill(server.process.pid, signal.SIGUSR1)
    server.err.wait(lambda text: text.count("\n---\n") == 2, "a dump of each worker")
    assert server.err.text.count("connections: 1\n") == 1
    assert server.leaves() == 0
