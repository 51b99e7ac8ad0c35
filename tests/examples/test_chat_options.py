"""The chat server's options as an operator uses them."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
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
    assert server.leaves(signal.SIGINT) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's file")
@pytest.mark.parametrize(
    "option", ["--motd", "--tls-cert", "--tls-key", "--cluster-password-file", "--cluster-ca", "--oper-file"]
)
def test_what_a_neighbour_may_have_put_there_is_not_trusted(theatre: Any, tmp_path: Path, option: str) -> None:
    directory = tmp_path / "everybodys"
    directory.mkdir()
    directory.chmod(0o1777)
    file = directory / "file"
    file.write_text("x\n")
    os.chown(file, 1, 1)
    more = ["--cluster", "rediss://127.0.0.1:1"] if "cluster" in option else []
    server = theatre.run("chat_server.py", "--port", "0", option, str(file), *more)
    assert server.exits() == 2
    assert "it is another user's, in a directory for everybody" in server.err.all()


def test_tls(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", "--tls-cert", str(CERTIFICATES / "localhost.pem"))
    context = ssl.create_default_context(cafile=str(CERTIFICATES / "ca.pem"))
    ada = theatre.peer(server)
    ada.sock = context.wrap_socket(ada.sock, server_hostname="localhost")
    ada.gets("* welcome, guest-1")
    ada.sends("exit\n")
    assert ada.ends().endswith("* goodbye\n")
    server.clean_exit()


def until_kept(database: str, lines: int) -> None:
    """Wait until so many lines are on the disk, which they are within a second."""
    deadline = time.monotonic() + 20
    count = 0
    while count < lines:
        assert time.monotonic() < deadline, f"{count} of {lines} lines are kept"
        with contextlib.closing(sqlite3.connect(database)) as db, contextlib.suppress(sqlite3.OperationalError):
            (count,) = db.execute("SELECT count(*) FROM line").fetchone()


def test_history_survives_a_kill(theatre: Any, tmp_path: Path) -> None:
    database = str(tmp_path / "chat.db")
    server = theatre.serve("chat_server.py", "--history-db", database)
    ada = theatre.peer(server)
    ada.sends("/nick Ada\nin the lobby\n/join tea\nin the tea room\n/who\n")
    ada.gets("* 1 here")
    until_kept(database, 2)
    server.process.kill()
    server.exits()
    server = theatre.serve("chat_server.py", "--history-db", database)
    bob = theatre.peer(server)
    bob.gets("] Ada: in the lobby\n")
    bob.sends("/join tea\n")
    bob.gets("] Ada: in the tea room\n")
    server.clean_exit()


@pytest.mark.parametrize("data", [b"no database" * 100, b"SQLite format 3\0" + b"x" * 5000])
def test_a_history_that_cannot_be_kept_is_one_warning(theatre: Any, tmp_path: Path, data: bytes) -> None:
    database = tmp_path / "chat.db"
    database.write_bytes(data)
    server = theatre.serve("chat_server.py", "--history-db", str(database), "--log-level", "warning")
    ada, bob = theatre.peer(server), theatre.peer(server)
    bob.gets("* welcome")
    ada.sends("hello\n")
    bob.gets("guest-1: hello\n")
    assert server.leaves(signal.SIGINT) == 0
    complaint = server.err.all()
    assert complaint.count("\n") == complaint.count(str(database)) == 1
    assert database.read_bytes() == data


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--tls-key", "x"], "--tls-key needs --tls-cert"),
        (["--tls-cert", "/no/such"], "/no/such: No such file or directory"),
        (["--tls-cert", str(CERTIFICATES / "ca.pem")], "ca.pem: give --tls-key"),
        (["--motd", "/no/such"], "/no/such: No such file or directory"),
        (["--history", "-1"], "must not be negative"),
        (["--idle-timeout", "nan"], "must be a number from 0 up"),
    ],
)
def test_what_is_wrong_is_one_line(invoke: Any, options: list[str], complaint: str) -> None:
    status, _, said = invoke("chat_server.py", *options)
    assert (status, said.count("\n")) == (2, 1)
    assert complaint in said
