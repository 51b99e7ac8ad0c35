"""The operator's console at a terminal: its row stays whole, the log stands above it, and losing it costs nothing."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.pseudo_terminal import DEADLINE, PseudoTerminal

ROOT = Path(__file__).parents[2]
COLUMNS = 70


class Keyboard(PseudoTerminal):
    """The server at a pseudo-terminal, and what its screen shows."""

    def __init__(self, *arguments: str) -> None:
        super().__init__(COLUMNS)
        streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), self.theirs)
        command = [sys.executable, str(ROOT / "examples" / "chat_server.py"), "--port", "0", *arguments]
        self.process = subprocess.Popen(command, **streams, process_group=0)

    def begins(self) -> None:
        self.port = int(self.until(lambda: re.search(r"listening on .*:(\d+)\n", self.text))[1])
        self.shows(">")  # before, the terminal itself would take Ctrl-D

    def shows(self, *rows: str) -> None:
        """The screen ends with these."""
        self.until(lambda: self.rows[-len(rows) :] == list(rows))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        super().close()


@pytest.fixture
def sit(theatre: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("TERM", "xterm")
    keyboards: list[Keyboard] = []

    def sit(*arguments: str) -> Keyboard:
        keyboards.append(Keyboard(*arguments))
        keyboards[-1].begins()
        return keyboards[-1]

    yield sit
    theatre.close()
    for keyboard in keyboards:
        keyboard.close()


def test_what_others_say_does_not_tear_the_line(theatre: Any, sit: Any) -> None:
    console = sit()
    console.types("/kick Bo")
    console.shows("> /kick Bo")
    bob = theatre.peer(console)
    bob.sends("/nick Bob\nhi\n")
    console.shows("* Bob joined", "Bob: hi", "> /kick Bo")
    console.types("b\r")
    assert bob.ends().endswith("* goodbye: you were kicked\n")
    console.shows("> /kick Bob", "* Bob was kicked", "* Bob is gone; /ban keeps somebody out", ">")


def test_the_row_for_typing_is_below_the_lines_that_tell_the_places(sit: Any) -> None:
    console = sit("--web", "0", "--metrics", "0")
    console.shows(">")
    places = [row for row in console.rows if "http://" in row or "listening on" in row]
    assert len(places) == 3, console.rows
    assert not any(row.startswith("> ") for row in places)


def test_a_log_line_stands_above_the_row(theatre: Any, sit: Any) -> None:
    console = sit("--log-level", "info")
    console.types("half")
    console.shows("> half")
    theatre.peer(console).sends("SSH-2.0-x\r\n")
    console.until(lambda: "it sent an SSH greeting" in " ".join(console.rows))
    console.until(lambda: console.rows[-1] == "> half")
    assert not any("half" in row for row in console.rows[:-1])


def test_after_ctrl_d_what_is_said_is_still_shown(theatre: Any, sit: Any) -> None:
    console = sit()
    console.types("hello\r\x04")
    word = "* nothing more is taken here; what is said is still shown, and Ctrl-C ends the server\n"
    console.until(lambda: word in console.text)
    ada = theatre.peer(console)
    ada.sends("/nick Ada\nhi\n")
    console.until(lambda: "Ada: hi\n" in console.text)
    assert not console.rows[-1].startswith(">")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_terminal_is_given_back(sit: Any, number: int) -> None:
    console = sit()
    console.shows(">")
    assert termios.tcgetattr(console.theirs) != console.before
    console.process.send_signal(number)
    assert console.process.wait(DEADLINE) == 0
    assert termios.tcgetattr(console.theirs) == console.before


def test_a_console_whose_output_is_lost_is_still_obeyed(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", stdin=subprocess.PIPE)
    bob = theatre.peer(server)
    server.process.stdout.close()
    bob.sends("/nick Bob\n")
    server.out.thread.join(DEADLINE)  # it was still in a read, which keeps the pipe open
    bob.sends("hi\n")
    server.err.shows("standard output is lost")
    server.types("still there?\n/kick Bob\n")
    assert bob.ends().endswith("From Server, Admin:still there?\n* goodbye: you were kicked\n")
    server.process.send_signal(signal.SIGTERM)
    assert server.exits() == 0
    assert server.err.all().count("standard output is lost") == 1
