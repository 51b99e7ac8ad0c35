"""What every server's command line does, good and bad."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SERVERS = [path.name for pattern in ("*_server.py", "ladder_[2345]*.py") for path in sorted(EXAMPLES.glob(pattern))]
PROGRAMS = [*SERVERS, "bot_client.py", "chat_client.py", "udp_echo.py"]


def test_every_server_says_where_it_listens_and_leaves_on_a_signal(theatre: Any) -> None:
    """Each on one of the two signals: they are one function's for all, and `test_ipv6` and `test_udp` use the other."""
    for number, server in enumerate([theatre.serve(name) for name in SERVERS]):
        theatre.peer(server).sock.close()
        assert server.out.text == f"listening on 127.0.0.1:{server.port}\n"
        server.clean_exit((signal.SIGINT, signal.SIGTERM)[number % 2])


def test_a_port_in_use_is_one_line(invoke: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for name in SERVERS:
            status, out, err = invoke(name, "--port", str(port))
            assert (status, out, err.count("\n")) == (1, "", 1), name
            assert str(port) in err


BAD_ARGUMENTS = (["--port", "http"], ["--port", "70000"], ["--port"], ["--nope"], ["left over"])
BAD_FOR_THE_CHAT = (
    *(["--flood-rate", rate] for rate in ("-1", "nan", "inf", "fast")),
    *([option, "-1"] for option in ("--flood-burst", "--max-clients", "--max-per-ip")),
    ["--log-level", "loud"],
    ["--host", ""],
    ["--web-origin", "https://chat.example"],
    ["--web", "0", "--web-host", ""],
)


def bad_command_lines() -> Iterator[list[str]]:
    for number, name in enumerate(PROGRAMS):
        yield [name, *BAD_ARGUMENTS[number % len(BAD_ARGUMENTS)]]
    for name in ("http_server.py", "websocket_echo_server.py", "echo_server.py", "bot_server.py", "udp_echo.py"):
        yield [name, "--log-level", "loud"]
    for bad in BAD_ARGUMENTS + BAD_FOR_THE_CHAT:
        yield ["chat_server.py", *bad]


def test_a_usage_error_is_one_line(invoke: Any) -> None:
    for command_line in bad_command_lines():
        status, out, err = invoke(*command_line)
        assert (status, out, err.count("\n")) == (2, "", 1), command_line


def test_a_usage_error_of_a_process(theatre: Any) -> None:
    program = theatre.run("chat_server.py", "--nope")
    assert program.exits() == 2
    assert program.out.all() == ""
    assert program.err.all().count("\n") == 1


def test_help(invoke: Any) -> None:
    for name in PROGRAMS:
        status, out, err = invoke(name, "--help")
        assert (status, err) == (0, "")
        assert "--port" in out


def test_an_unknown_host_is_one_line(invoke: Any) -> None:
    status, out, err = invoke("echo_server.py", "--port", "0", "--host", "no.such.host.invalid")
    assert (status, out, err.count("\n")) == (1, "", 1)


def test_ipv6(theatre: Any) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    server = theatre.serve("echo_server.py", "--host", "::1")
    with socket.create_connection(("::1", server.port)) as sock:
        sock.sendall(b"hi")
        assert sock.recv(10) == b"hi"
    assert server.out.text.startswith("listening on [::1]:")
    server.clean_exit()
