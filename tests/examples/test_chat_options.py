"""The chat server's options as an operator uses them."""

from __future__ import annotations

import signal
import ssl
from pathlib import Path
from typing import Any

import pytest

CERTIFICATES = Path(__file__).resolve().parents[1] / "certificates"


def test_motd_history_and_a_hangup(theatre: Any, tmp_path: Path) -> None:
    motd = tmp_path / "motd"
    motd.write_text("be kind\n")
    server = theatre.serve("chat_server.py", "--motd", str(motd), "--history", "1")
    ada = theatre.peer(server)
    ada.gets("* be kind\n")
    ada.sends("one\ntwo\n/who\n")
    ada.gets("1 here")
    motd.write_text("be very kind\n")
    server.process.send_signal(signal.SIGHUP)
    server.err.shows("event=reload")
    bob = theatre.peer(server)
    bob.gets("guest-1: two\n")
    assert "* be very kind\n" in bob.text
    assert "one" not in bob.text
    motd.unlink()
    server.process.send_signal(signal.SIGHUP)
    server.err.shows("not reloaded: ")
    eve = theatre.peer(server)
    eve.gets("* be very kind\n")
    server.process.send_signal(signal.SIGINT)
    assert server.exits() == 0


def test_tls(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", "--tls-cert", str(CERTIFICATES / "localhost.pem"))
    context = ssl.create_default_context(cafile=str(CERTIFICATES / "ca.pem"))
    ada = theatre.peer(server)
    ada.sock = context.wrap_socket(ada.sock, server_hostname="localhost")
    ada.gets("* welcome, guest-1")
    ada.sends("exit\n")
    assert ada.ends().endswith("* goodbye\n")
    server.clean_exit()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--tls-key", "x"], "--tls-key needs --tls-cert"),
        (["--tls-cert", "/no/such"], "/no/such: No such file or directory"),
        (["--tls-cert", str(CERTIFICATES / "ca.pem")], "ca.pem: no certificate and key in PEM form"),
        (["--motd", "/no/such"], "/no/such: No such file or directory"),
        (["--history", "-1"], "must not be negative"),
        (["--idle-timeout", "nan"], "must be a number from 0 up"),
    ],
)
def test_what_is_wrong_is_one_line(theatre: Any, options: list[str], complaint: str) -> None:
    server = theatre.run("chat_server.py", *options)
    assert server.exits() == 2
    said = server.err.all()
    assert said.count("\n") == 1
    assert complaint in said
