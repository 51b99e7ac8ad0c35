"""The operator of the real program: at its console, from afar, by its files and signals."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

PIPE = subprocess.PIPE


def test_the_operator_kicks_bans_and_ends_it_all(theatre: Any, tmp_path: Path) -> None:
    server = theatre.serve("chat_server.py", "--bans", str(tmp_path / "bans"), stdin=PIPE)
    ada, mallory = theatre.peer(server), theatre.peer(server)
    mallory.sends("/nick Mal Ory\n")
    server.out.shows("Mal Ory")
    server.types("/to mal ory stop it\n/ban mal ory 5\n")
    assert mallory.ends().endswith(
        "From Server, Admin:[private] stop it\n* goodbye: you are banned here for 5 minutes\n"
    )
    ada.gets("* Mal Ory was banned\n")
    server.out.shows("* Mal Ory, 127.0.0.1 may not come in for 5 minutes; 1 went\n")
    assert theatre.peer(server).ends() == "* goodbye: you are banned here for 5 minutes\n"
    server.types("/bans\n/unban 127.0.0.1\n")
    server.out.shows("* Mal Ory, 127.0.0.1 may come in again\n")
    theatre.peer(server).gets("* welcome")
    server.types("/stats\n/ban Eve\n/shutdown\n")
    assert ada.ends().endswith("* the server is shutting down, goodbye\n")
    assert server.exits() == 0
    assert "refused 1" in server.out.all()
    assert (tmp_path / "bans").read_text().endswith("\nEve\n"), "the last ban is kept however soon the end comes"
    assert "Traceback" not in server.err.all()


def test_an_operator_from_afar(theatre: Any, tmp_path: Path) -> None:
    opers = tmp_path / "opers"
    maker = theatre.run("chat_server.py", "--oper-file", str(opers), "--new-oper", "ada", stdin=PIPE)
    maker.types("correct horse\n")
    assert maker.exits() == 0
    assert maker.out.all() == f"{opers} has a password for ada now\n"
    server = theatre.serve("chat_server.py", "--oper-file", str(opers), stdin=PIPE)
    ada, bob = theatre.peer(server), theatre.peer(server)
    ada.sends("/nick Ada\n/oper correct horse\n/say hello\n")
    bob.gets("From Server, Admin:hello\n")
    bob.sends("/oper guess\n")
    bob.gets("* that is not the password; 2 more tries\n")
    ada.sends("/shutdown\n")
    assert bob.ends().endswith("goodbye\n")
    assert server.exits() == 0
    assert "horse" not in server.out.all() + server.err.all()
    assert "by=ada did=shutdown" in server.err.text


def test_sighup_rereads_the_bans(theatre: Any, tmp_path: Path) -> None:
    bans = tmp_path / "bans"
    server = theatre.serve("chat_server.py", "--bans", str(bans))
    theatre.peer(server).gets("* welcome")
    bans.write_text("# everybody here\n127.0.0.0/8\n")
    server.process.send_signal(signal.SIGHUP)
    server.err.shows("reread, 1 hold\n")
    assert theatre.peer(server).ends() == "* goodbye: you are banned here\n"


def test_the_server_ends_when_the_window_of_its_console_is_closed(theatre: Any) -> None:
    ours, theirs = pty.openpty()
    server = theatre.serve("chat_server.py", stdin=theirs)
    ada = theatre.peer(server)
    ada.gets("* welcome")
    server.process.send_signal(signal.SIGHUP)
    server.err.shows("event=reload\n")
    os.close(theirs)
    os.close(ours)
    server.process.send_signal(signal.SIGHUP)  # as the kernel does for the leader of a session
    assert ada.ends().endswith("goodbye\n")
    assert server.exits() == 0


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), ("", "there is no password in it"), ("ada:secret\n", "line 1: it is no $scrypt$")],
)
def test_a_file_of_passwords_that_will_not_do_is_one_line(
    invoke: Any, tmp_path: Path, content: str | None, why: str
) -> None:
    opers = tmp_path / "opers"
    if content is not None:
        opers.write_text(content)
    status, _, said = invoke("chat_server.py", "--port", "0", "--oper-file", str(opers))
    assert (status, said.count("\n")) == (2, 1)
    assert why in said
    assert str(opers) in said
    assert "secret" not in said


def test_making_a_password_fails_in_one_line(theatre: Any, tmp_path: Path) -> None:
    for arguments, status in ((("--new-oper", "ada"), 2), (("--new-oper", "ada", "--oper-file", str(tmp_path)), 1)):
        maker = theatre.run("chat_server.py", *arguments)
        assert maker.exits() == status
        assert maker.err.all().count("\n") == 1
