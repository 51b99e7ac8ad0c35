"""The chat's client at a terminal: what is typed, what the screen shows, and how it ends. Scripts: `test_chat.py`."""

from __future__ import annotations

import argparse
import doctest
import importlib
import io
import os
import random
import signal
import socket
import ssl
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from protocols.chat.client.command import (
    PERSON_GRACE,
    RECLAIM_EVERY,
    RECLAIMS,
    REPLAY_GAP,
    SCRIPT_GRACE,
    Client,
    explain,
)
from protocols.chat.client.editor import MAX_ESCAPE, MAX_HISTORY, MAX_TEXT, Event, LineEditor
from protocols.chat.client.ignored import LINE, MOST, Ignored
from protocols.chat.client.looks import Looks
from protocols.chat.client.screen import Screen
from protocols.chat.client.terminal import LOOK, Terminal
from protocols.text.sanitize import sanitize
from reactor import LineProtocol, ResolveError
from tests.kit.grid import Grid
from tests.kit.ports import HeldPort
from tests.kit.pseudo_terminal import PseudoTerminal
from tests.kit.theatre import Theatre

ROOT = Path(__file__).resolve().parents[2]
CERTIFICATES = ROOT / "tests" / "certificates"
DEADLINE = 60  # seconds
PIPE = subprocess.PIPE
LEFT, RIGHT, UP, DOWN = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"
PASTE, PASTED = "\x1b[200~", "\x1b[201~"


@pytest.mark.parametrize("module", ["cells", "editor", "looks", "past", "screen"])
def test_the_examples_in_the_docstrings(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"protocols.chat.client.{module}"))
    assert result.attempted
    assert not result.failed


# -- what is typed --------------------------------------------------------------------------------------------------


def typed(keys: str) -> LineEditor:
    editor = LineEditor()
    editor.feed(keys.encode())
    return editor


KEYS = [
    ("hello", "hello|"),
    ("你好" + LEFT, "你|好"),
    ("ab\x1bOD\x02", "|ab"),
    ("ab\x01x\x05y", "xaby|"),
    ("ab\x1b[Hx\x1b[Fy", "xaby|"),
    ("ab\x1b[1~x\x1b[4~y", "xaby|"),
    ("a" + LEFT * 3 + RIGHT * 5 + "b", "ab|"),
    ("abc\x7f\x08", "a|"),
    ("\x7f", "|"),
    ("abc\x01\x1b[3~\x04", "|c"),
    ("ne\u0301" + LEFT + "x", "nx|e\u0301"),  # a mark goes with what it stands on
    ("ne\u0301\x7f", "n|"),
    ("one two three\x17", "one two |"),
    ("see a/b-c \x17", "see |"),
    ("see a/b-c\x1b\x7f", "see a/b-|"),
    ("one two\x1bb\x1bb\x1bd\x05!", " two!|"),
    ("one two\x1b[1;5D\x1b[1;5D\x1b[1;5C", "one| two"),
    ("one two\x1bb\x0b\x01\x19", "two|one "),
    ("one two\x15\x19\x19", "one twoone two|"),
    ("one\x15\x15\x0b\x17\x19", "one|"),  # nothing cut does not forget what was
    ("a\x1b[15~\x1b[[A\x1bOP\x1b[1;2Pb", "ab|"),  # keys without a meaning here
    ("a\x1b\x1b[Db", "b|a"),
    ("a\x1b[\x01b", "b|a"),  # a sequence that is none
    ("a\x07\x00\x1fb\tc", "abc|"),
    (PASTE + "a\tb\rc\nd\x01\x1b[D\x03" + PASTED + "e", "a b\nc\nde|"),
]


@pytest.mark.parametrize(("keys", "expected"), KEYS)
def test_keys(keys: str, expected: str) -> None:
    editor = typed(keys)
    assert f"{editor.text[: editor.at]}|{editor.text[editor.at :]}" == expected


@pytest.mark.parametrize(("keys", "expected"), KEYS)
def test_keys_cut_anywhere(keys: str, expected: str) -> None:
    data = keys.encode()
    for size in range(1, 4):
        editor = LineEditor()
        for at in range(0, len(data), size):
            editor.feed(data[at : at + size])
        assert f"{editor.text[: editor.at]}|{editor.text[editor.at :]}" == expected


@pytest.mark.parametrize("key", ["\x1bb", "\x17", "\x1b\x7f"])
def test_a_word_is_found_behind_one_of_64_kib(key: str) -> None:
    editor = LineEditor()
    editor.feed(b"x" * (MAX_TEXT - 3) + b" yz" + key.encode())
    assert editor.at == MAX_TEXT - 2, "at once: this took minutes when each place was looked at for the end of a word"


def test_a_key_that_never_ends_is_no_key() -> None:
    editor = LineEditor()
    for byte in b"\x1b[" + b"1" * 1000:
        editor.feed(bytes([byte]))
        assert len(editor._rest) <= MAX_ESCAPE
    editor.feed(b"a\r")
    assert editor.feed(b"b\r") == ["b"]


def test_enter_gives_the_line_wherever_the_cursor_is() -> None:
    editor = LineEditor()
    assert editor.feed(f"one{LEFT}\rtwo\n\r  \r".encode()) == ["one", "two"]
    assert editor.text == ""


def test_a_paste_of_several_lines_waits_for_enter() -> None:
    editor = LineEditor()
    assert editor.feed(f"{PASTE}one\r\rtwo\r{PASTED}".encode()) == []
    assert editor.feed(b"\r") == ["one", "two"]


def test_a_pasted_tab_is_what_the_server_makes_of_one() -> None:
    editor = LineEditor()
    pasted = "if a:\n\tfor b in c:\n\t\tprint(b)\t# so"
    editor.feed(f"{PASTE}{pasted}{PASTED}".encode())
    assert editor.feed(b"\r") == ["if a:", "    for b in c:", "        print(b) # so"]
    assert [sanitize(line) for line in pasted.split("\n")] == ["if a:", "    for b in c:", "        print(b) # so"]


def test_ctrl_d_ends_only_an_empty_line() -> None:
    assert LineEditor().feed(b"a\x04\x7f\x04\x0c") == [Event.END, Event.CLEAR]


def test_a_line_that_is_full_rings() -> None:
    editor = LineEditor()
    assert editor.feed(b"x" * MAX_TEXT) == []
    assert editor.feed(b"yy") == [Event.FULL]
    assert editor.text == "x" * MAX_TEXT


def test_what_was_said_comes_back() -> None:
    editor = LineEditor()
    for line in ("one", "two", "two"):
        editor.remember(line)
    editor.feed(f"draft{UP}".encode())
    assert editor.text == "two"
    editor.feed(f"{UP}{UP}{UP}".encode())
    assert editor.text == "one"
    editor.feed(f"{DOWN}{DOWN}{DOWN}".encode())
    assert editor.text == "draft"
    assert editor.feed(f"{UP}{UP}!\r".encode()) == ["one!"]
    editor.feed(UP.encode())
    assert editor.text == "two"


def test_the_past_is_bounded() -> None:
    editor = LineEditor()
    for number in range(MAX_HISTORY + 7):
        editor.remember(str(number))
    editor.feed((UP * (MAX_HISTORY + 7)).encode())
    assert editor.text == "7"


def test_a_terminal_that_is_not_utf_8() -> None:
    editor = LineEditor("latin-1")
    editor.feed("né".encode("latin-1"))
    assert editor.text == "né"


# -- what the screen shows ------------------------------------------------------------------------------------------


class Desk:
    """An editor, a screen and a terminal, put together as `terminal.py` does it."""

    def __init__(self, columns: int) -> None:
        self.editor, self.screen, self.grid = LineEditor(), Screen(columns), Grid(columns)
        self._draw()

    def type(self, keys: str) -> None:
        for line in self.editor.feed(keys.encode()):
            if isinstance(line, str):
                self.editor.remember(line)
                self.hear(f"> {line}")
        self._draw()

    def hear(self, line: str) -> None:
        self.grid.feed(f"{self.screen.erase()}{line}\n")
        self._draw()

    def resize(self, columns: int) -> None:
        self.grid.resize(columns)
        self.grid.feed(self.screen.resize(columns))
        self._draw()

    def _draw(self) -> None:
        self.grid.feed(self.screen.draw(self.editor.text, self.editor.at))


def test_the_line_stands_intact_below_the_messages() -> None:
    desk = Desk(40)
    desk.type("half 你好" + LEFT)
    desk.hear("Ada: hello")
    desk.hear("小明: " + "很长" * 12)
    desk.type("X")
    assert desk.grid.text == ["Ada: hello", "小明: " + "很长" * 8 + "很", "长" + "很长" * 3, "> half 你X好"]
    assert desk.grid.before_cursor == "> half 你X"


def test_a_long_line_is_scrolled_and_never_wrapped() -> None:
    desk = Desk(20)
    desk.type("0123456789" * 3)
    assert desk.grid.text == ["< 890123456789"[:2] + "890123456789"[-12:]]
    desk.type("\x01")
    assert desk.grid.text == ["> 01234567890123456"]
    assert desk.grid.before_cursor == "> "


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_a_terminal_too_narrow_for_anything(columns: int) -> None:
    screen = Screen(columns)
    assert "\x1b8" in screen.draw("你好", 1)
    assert screen.resize(1)


def test_a_resize_takes_the_wrapped_row_away() -> None:
    desk = Desk(60)
    desk.hear("Ada: hello")
    desk.type("x" * 50)
    desk.resize(20)
    desk.resize(30)
    assert desk.grid.text == ["Ada: hello", "< " + "x" * 20]


def test_nobody_moves_the_cursor_from_a_paste() -> None:
    desk = Desk(40)
    desk.type(f"{PASTE}a\nb\u202ec\x9b2J{PASTED}")
    assert desk.grid.text == ["> a↵bc2J"]


def test_whatever_is_typed_and_heard_every_message_is_whole_and_the_line_is_last(pytestconfig: Any) -> None:
    keys = ["a", "你", "é", "e\u0301", " ", LEFT, RIGHT, UP, DOWN, "\x01", "\x05", "\x7f", "\x17", "\x19", "\r", "\x0b"]
    for seed in range(pytestconfig.getoption("seeds")):
        dice = random.Random(seed)
        desk, heard = Desk(dice.choice([12, 20, 33])), []
        hear = desk.hear
        desk.hear = lambda line, hear=hear, heard=heard: (heard.append(line), hear(line))  # type: ignore[method-assign]
        for number in range(150):
            if dice.random() < 0.2:
                desk.hear(f"{number}")
            else:
                desk.type("".join(dice.choices(keys, k=dice.randrange(1, 6))))
            shown = "".join(desk.grid.text[:-1]).replace(" ", "")
            assert shown == "".join(heard).replace(" ", ""), f"seed {seed}, step {number}"
            row = desk.grid.text[-1]
            assert row[:1] in "<>", f"seed {seed}, step {number}"
            assert desk.editor.text[: desk.editor.at].endswith(desk.grid.before_cursor[2:]), f"seed {seed}"


def plain(line: str) -> str:
    return Looks(True, lambda: "21:05").heard(line).replace("\x1b[2m21:05\x1b[0m ", "")


def test_looks() -> None:
    assert plain("* Ada joined") == "\x1b[2m* Ada joined\x1b[0m"
    assert plain("From Server, Admin:hello") == "\x1b[1mFrom Server, Admin:\x1b[0mhello"
    assert plain("[private from Ada] hi") == "\x1b[35m[private from Ada]\x1b[0m hi"
    assert plain("[2026-11-22 21:05] Ada: hi") == "\x1b[2m[2026-11-22 21:05] Ada: hi\x1b[0m"
    ada = plain("Ada: a: b")
    assert ada.endswith("mAda:\x1b[0m a: b")
    assert ada == plain("Ada: c").replace("c", "a: b")
    assert ada[:5] != plain("Grace: a: b")[:5]
    assert plain("no structure at all") == "no structure at all"
    assert Looks(False, lambda: "21:05").said("/oper secret word") == "21:05 > /oper ****"


# -- the two connections --------------------------------------------------------------------------------------------


class Seen:
    """A seat without a person, and the terminal's transport."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.reading = True
        self.show = self.note = self.said = self.lines.append

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Heard(LineProtocol):
    """A server's end of a connection, and what it was told."""

    def __init__(self, ends: list[Heard]) -> None:
        self.lines: list[str] = []
        ends.append(self)

    def line_received(self, line: bytes) -> None:
        self.lines.append(line.decode())

    def eof_received(self) -> bool:
        return True  # does not end by itself


class Table:
    """A client in its seat and a server, on one stepped reactor."""

    def __init__(self, stage: Any, **options: Any) -> None:
        self.reactor = stage.reactor
        self.ends: list[Heard] = []
        self.listener = stage.serve(lambda: Heard(self.ends))
        given = {"name": "Ada", "tls": False, "cacert": None, "insecure": False, "reconnect": True, **options}
        options = {"host": "127.0.0.1", "port": self.listener.port, **given}
        self.client = Client(self.reactor, argparse.Namespace(**options), given.pop("modes", None))
        self.seen = Seen()
        self.client._open_seat = lambda: vars(self.client).update(seat=self.seen, terminal=self.seen)  # type: ignore
        self.client.begin()
        self.reactor.settle()

    def says(self, text: str) -> None:
        self.ends[-1].transport.write(text.encode())
        self.reactor.settle()

    def loses(self) -> None:
        self.ends[-1].transport.abort()
        self.reactor.settle()

    def meets_again(self) -> None:
        self.reactor.settle()
        while self.client.server is None:
            self.reactor.advance(0.25)


@pytest.fixture
def table(stage: Any) -> Table:
    return Table(stage)


def test_a_name_is_claimed_until_the_server_agrees(table: Table) -> None:
    table.says("* you are Ada now\n")
    table.loses()
    table.meets_again()
    assert table.ends[-1].lines == ["/nick Ada"]
    table.says("* you stay guest-2: the name is taken\n")
    table.reactor.advance(RECLAIM_EVERY * 2)
    assert table.ends[-1].lines == ["/nick Ada"] * 3
    table.says("* you are Ada now\n")
    table.reactor.advance(RECLAIM_EVERY * 2)
    assert table.ends[-1].lines == ["/nick Ada"] * 3


def test_the_name_and_the_room_of_last_are_taken_again(table: Table) -> None:
    for line in ("/join tea", "/nick Grace", "/join the garden"):
        table.client.typed(line)
    table.says("* you are in tea now\n* you are Grace now\n* you are in the garden now\n")
    table.loses()
    table.meets_again()
    assert table.ends[-1].lines == ["/nick Grace", "/join the garden"]


def test_what_is_invisible_before_a_command_changes_nothing(table: Table) -> None:
    table.client.typed("\ufeff/nick Grace")
    table.says("* you are Grace now\n")
    table.loses()
    table.meets_again()
    assert table.ends[0].lines[-1] == "/nick Grace"
    assert table.ends[-1].lines == ["/nick Grace"]


BOB = "* you ignore Bob now; /unignore Bob ends it"
EVE = "* you ignore Eve now, who is not here; /unignore Eve ends it"


def test_who_is_ignored_under_another_name_is_so_again(table: Table) -> None:
    table.says("hello\n")
    for name in ("bob", "eve"):
        table.client.typed(f"/ignore {name}")
    table.says(f"{BOB}\n{EVE}\n* you ignore Robert now, who was Bob; /unignore Robert ends it\n")
    table.says("* you ignore Mallory now, who was Trent; /unignore Mallory ends it\n")  # of whom we know nothing
    table.loses()
    table.meets_again()
    assert table.ends[-1].lines[1:] == ["/ignore Eve, Robert"]
    table.client.typed("/unignore robert")
    table.says("* you hear Robert again\n")
    table.loses()
    table.meets_again()
    assert table.ends[-1].lines[1:] == ["/ignore Eve"]


@pytest.mark.parametrize(
    "line",
    [
        "* you ignore Bob set the topic: A now, who was Bob; /unignore Bob set the topic: A ends it",
        "Eve: * you ignore Eve now, who was Bob; /unignore Eve ends it",
        "* you ignore Eve now, who was Bob; /unignore Mallory ends it",
    ],
)
def test_nobody_takes_another_name_by_what_people_choose(table: Table, line: str) -> None:
    table.client.typed("/ignore bob")
    table.says(f"{BOB}\n{line}\n")
    table.loses()
    table.meets_again()
    assert table.ends[-1].lines[1:] == ["/ignore Bob"]


def test_a_history_that_is_asked_for_is_shown_after_a_reconnect(table: Table) -> None:
    past = "[2026-11-22 21:05] Bob: hi\n[2026-11-22 21:06] Bob: where are you?\n"
    table.says("Bob: hi\nBob: where are you?\n")
    table.loses()
    table.meets_again()
    table.says(past)
    table.reactor.advance(REPLAY_GAP * 2)
    shown = len(table.seen.lines)
    table.client.typed("/history 2")
    table.says(past)
    table.reactor.advance(REPLAY_GAP * 2)
    assert table.seen.lines[shown:] == past.splitlines()


@pytest.mark.parametrize(
    ("typed", "heard", "again"),
    [
        (["/ignore bob"], [BOB], ["/ignore Bob"]),
        (["/Ignore bob, eve"], [BOB, EVE], ["/ignore Bob, Eve"]),
        (["/ignore bob", "/ignore Bob"], [BOB, "* you hear Bob again"], []),
        (["/ignore bob", "/ignore eve", "/unignore BOB"], [BOB, EVE, "* you hear Bob again"], ["/ignore Eve"]),
        (["/ignore Teacher"], ["* not ignored: Teacher is an operator"], []),
        ([], [BOB], []),
        (["/ignore eve"], [BOB], []),
        (["/ignore bob"], [f"{BOB} joined", f"Mallory: {BOB}"], []),
        (["/ignore bob"], [BOB, "* you hear Bob again"], ["/ignore Bob"]),
    ],
)
def test_whom_one_ignores_is_said_again(table: Table, typed: list[str], heard: list[str], again: list[str]) -> None:
    """Only what one has asked for oneself, and what the server has answered to just that."""
    for line in ["/join tea", *typed]:
        table.client.typed(line)
    table.says("".join(f"{line}\n" for line in ["* you are in tea now", *heard]))
    for _ in range(2):
        table.loses()
        table.meets_again()
        assert table.ends[-1].lines == ["/nick Ada", *again, "/join tea"]


def test_a_long_list_of_ignored_people_is_several_lines_and_no_more_than_a_hundred() -> None:
    ignored = Ignored()
    for number in range(300):
        name = f"{number:03} {'é' * 28}"
        ignored.asked(f"/ignore {name}")
        ignored.heard(f"* you ignore {name} now; /unignore {name} ends it")
    lines = ignored.again()
    assert all(len(line.encode()) <= LINE for line in lines)
    assert sum(len(line.split(",")) for line in lines) == MOST
    assert len(lines) == 7
    ignored.asked("/ignore " + ",".join(f"x{number}" for number in range(10_000)))
    assert len(ignored._asked) == 2 * MOST


def test_what_ignored_people_said_is_not_replayed_on_the_way_back(table: Table) -> None:
    table.says("* welcome, guest-1: x\nEve: hi\n")
    table.client.typed("/ignore Bob")
    table.says(f"{BOB}\n")
    table.loses()
    table.meets_again()
    count = len(table.seen.lines)
    table.says("* welcome, guest-2: x\n" + stamped("Eve: hi", "Bob: boo", "~ Bob waves", "Eve: new"))
    table.reactor.advance(REPLAY_GAP)
    assert table.seen.lines[count:] == ["* welcome, guest-2: x", "[2026-11-22 21:03] Eve: new"]


def stamped(*lines: str) -> str:
    return "".join(f"[2026-11-22 21:0{minute}] {line}\n" for minute, line in enumerate(lines))


def test_what_stands_on_the_screen_is_not_replayed_again(table: Table) -> None:
    table.says("* welcome, guest-1: type to talk\n" + stamped("Bob: before", "guest-1: mine of long ago"))
    table.says("* you are Ada now\nBob: hi\n[private from Bob] psst\n~ Bob waves\n")
    table.client.typed("hello Bob")
    count = len(table.seen.lines)
    table.loses()
    table.meets_again()
    past = (
        "Bob: before",
        "guest-1: mine of long ago",
        "Bob: hi",
        "~ Bob waves",
        "Ada: hello Bob",
        "Bob: are you there?",
    )
    table.says("* welcome, guest-2: type to talk\n" + stamped(*past))
    table.reactor.advance(REPLAY_GAP)
    table.says("* you are Ada now\nBob: there you are\n")
    again = table.seen.lines[count:]
    assert [line for line in again if "-- " not in line and "connect" not in line and "trying" not in line] == [
        "* welcome, guest-2: type to talk", "[2026-11-22 21:05] Bob: are you there?", "* you are Ada now",
        "Bob: there you are",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        ["Bob: hi", "From Server, Admin:[private] are you there?", "Eve: yes"],
        ["Bob: hi", "[private from Bob] psst", "* Kim joined", "Eve: yes"],
        ["Bob: hi", "From Server, Admin:[private] are you there?"],
    ],
)
def test_what_is_in_no_history_doubles_nothing(table: Table, lines: list[str]) -> None:
    table.says("* welcome, guest-1: x\n" + stamped("Kim: before") + "".join(f"{line}\n" for line in lines))
    table.loses()
    table.meets_again()
    count = len(table.seen.lines)
    kept = ["Kim: before", *(line for line in lines if line.startswith(("Bob", "Eve")))]
    table.says("* welcome, guest-2: x\n" + stamped(*kept, "Bob: new"))
    table.reactor.advance(REPLAY_GAP)
    assert [line.partition("] ")[2] for line in table.seen.lines[count:]] == ["", "Bob: new"]


def test_who_was_heard_before_being_ignored_doubles_nothing(table: Table) -> None:
    table.says("* welcome, guest-1: x\nEve: hi\nBob: boo\nEve: stop it\n")
    table.client.typed("/ignore Bob")
    table.says(f"{BOB}\nEve: thanks\n")
    table.loses()
    table.meets_again()
    count = len(table.seen.lines)
    table.says("* welcome, guest-2: x\n" + stamped("Eve: hi", "Bob: boo", "Eve: stop it", "Eve: thanks", "Eve: new"))
    table.reactor.advance(REPLAY_GAP)
    assert table.seen.lines[count:] == ["* welcome, guest-2: x", "[2026-11-22 21:04] Eve: new"]


def test_on_the_way_back_the_lobby_s_past_is_not_shown(table: Table) -> None:
    table.client.typed("/join tea")
    table.says("* welcome, guest-1: x\n" + stamped("Bob: of the lobby") + "* you are Ada now\n* you are in tea now\n")
    table.says(stamped("Eve: of the tea") + "Eve: hi\n")
    table.loses()
    table.meets_again()
    count = len(table.seen.lines)
    table.says("* welcome, guest-2: x\n" + stamped("Bob: of the lobby", "Bob: more"))
    table.reactor.advance(REPLAY_GAP)
    table.says("* you are Ada now\n* you are in tea now\n" + stamped("Eve: of the tea", "Eve: hi", "Eve: new"))
    table.reactor.advance(REPLAY_GAP)
    assert table.seen.lines[count:] == [
        "* welcome, guest-2: x", "* you are Ada now", "* you are in tea now", "[2026-11-22 21:02] Eve: new",
    ]  # fmt: skip


def test_what_is_asked_for_is_shown_again(table: Table) -> None:
    table.says("* welcome, guest-1: x\n" + stamped("Bob: a", "Bob: b") + "Bob: c\n")
    count = len(table.seen.lines)
    table.client.typed("/history")
    table.says(stamped("Bob: a", "Bob: b", "Bob: c"))
    assert len(table.seen.lines) == count + 3
    table.loses()
    table.meets_again()
    table.says("* welcome, guest-2: x\n" + stamped("Bob: a", "Bob: b", "Bob: c"))
    table.reactor.advance(REPLAY_GAP)
    assert sum("Bob: c" in line for line in table.seen.lines) == 2


@pytest.mark.parametrize(
    "line",
    [
        "* you are in a is now b now", "* you are is now Eve now", "* you are Eve now", "* you are in the cellar now",
        "* you stay Eve set the topic: boo", "* welcome, Eve: type to talk", "Eve: * you are Eve now",
    ],
)  # fmt: skip
def test_nothing_that_people_choose_is_taken_for_the_servers_word(table: Table, line: str) -> None:
    table.client.typed("/join tea")
    table.says(f"* welcome, guest-7: type to talk\n* you are Ada now\n* you are in tea now\n{line}\n")
    table.loses()
    table.meets_again()
    assert table.ends[-1].lines == ["/nick Ada", "/join tea"]


@pytest.mark.parametrize(
    "line",
    [
        "* Eve set the topic: see you tomorrow, goodbye",
        "* goodbye joined",
        "* x, goodbye",
        "Eve: goodbye",
        "* goodbyes",
    ],
)
def test_a_topic_is_no_goodbye(table: Table, line: str) -> None:
    table.says(f"hello\n{line}\n")
    table.loses()
    table.reactor.advance(1)
    assert len(table.ends) == 2


def test_no_name_is_claimed_after_the_end_of_the_input(table: Table) -> None:
    table.says("hello\n")
    table.loses()
    table.meets_again()
    table.client.input_ended()
    table.reactor.advance(RECLAIM_EVERY * 2)
    assert table.ends[-1].lines == ["/nick Ada"]


def test_a_name_that_stays_taken_is_given_up(table: Table) -> None:
    table.says("hello\n")
    table.loses()
    table.reactor.advance(60)
    table.reactor.advance(RECLAIM_EVERY * RECLAIMS * 2)
    assert len(table.ends[-1].lines) == RECLAIMS + 1


@pytest.mark.parametrize(
    "goodbye", ["* goodbye", "* goodbye: you are banned", "* the server is shutting down, goodbye"]
)
def test_a_server_that_says_goodbye_is_not_called_again(stage: Any, goodbye: str) -> None:
    table = Table(stage, modes="a terminal's")
    table.says(f"hello\n{goodbye}\n")
    table.loses()
    table.reactor.advance(300)
    assert len(table.ends) == 1
    assert table.client.status == 0
    assert table.seen.lines[-1] == goodbye, "which says it all"


def test_one_of_several_servers_that_ends_is_called_again(stage: Any) -> None:
    """A rolling restart: the same address serves again in a moment, and the others are still there."""
    table = Table(stage, modes="a terminal's")
    table.says("hello\n* the chat goes on without this server: connect again\n")
    table.says("* the server is shutting down, goodbye\n")
    table.ends[-1].transport.close()
    table.reactor.settle()
    table.meets_again()
    assert table.ends[-1].lines == ["/nick Ada"]
    assert table.seen.lines[-3:] == ["the connection is lost", "trying again, Ctrl-C leaves", "connected again"]


def test_who_types_ctrl_d_is_told_goodbye_where_the_server_has_no_word(stage: Any) -> None:
    table = Table(stage, modes="a terminal's")
    table.says("hello\n")
    table.client.input_ended()
    table.ends[-1].transport.close()
    table.reactor.settle()
    assert table.seen.lines[-1] == "goodbye"
    assert table.client.status == 0


def test_a_paste_goes_out_at_the_pace_at_which_the_server_hears_it(stage: Any) -> None:
    table = Table(stage, modes="a terminal's", name=None)
    table.says("hello\n")
    lines = [f"line {number}" for number in range(200)]
    shown = [line for line in lines if table.client.typed(line)]
    table.reactor.settle()
    assert table.ends[0].lines == shown == lines[:8]
    assert table.seen.lines[-1] == "192 lines wait, 2 a second are sent; exit leaves without the rest"
    table.reactor.advance(10)
    assert 26 <= len(table.ends[0].lines) <= 28
    assert table.seen.lines[-1] == table.ends[0].lines[-1], "what is shown as said is sent"
    table.reactor.advance(100)
    assert table.ends[0].lines == lines
    table.reactor.advance(10)
    assert table.client.typed("one more")


@pytest.mark.parametrize("end", ["exit", "Ctrl-D", "Ctrl-C", "loss"])
def test_of_a_paste_that_is_not_all_sent_the_person_is_told(stage: Any, end: str) -> None:
    table = Table(stage, modes="a terminal's", name=None)
    table.says("hello\n")
    for number in range(10):
        table.client.typed(f"line {number}")
    table.reactor.settle()
    if end == "exit":
        assert table.client.typed("exit")
    elif end == "Ctrl-D":
        table.client.input_ended()
    elif end == "Ctrl-C":
        table.reactor.drain()
    else:
        table.loses()
    table.reactor.settle()
    assert "not sent: 2 lines that waited" in table.seen.lines
    assert table.ends[0].lines[:8] == [f"line {number}" for number in range(8)]


@pytest.mark.parametrize(
    ("last", "status"),
    [
        ("* goodbye: that was too much at once, and the rest is not said", 1),
        ("* goodbye: you were kicked", 1),
        ("* goodbye", 0),
        ("Ada: hello", 0),
    ],
)
def test_a_script_whose_lines_were_not_all_said_fails(stage: Any, last: str, status: int) -> None:
    table = Table(stage, reconnect=False)
    table.client.typed("hello")
    table.client.input_ended()
    table.says(f"{last}\n")
    table.ends[-1].transport.close()
    table.reactor.settle()
    assert table.client.status == status


@pytest.mark.parametrize("said", ["Ada: * goodbye", "* Ada set the topic: goodbye all", "* goodbye\n* no"])
def test_a_goodbye_of_somebody_else_is_none(table: Table, said: str) -> None:
    table.says(f"{said}\n")
    table.loses()
    table.reactor.advance(60)
    assert len(table.ends) == 2


def test_a_server_that_has_said_nothing_is_no_chat(table: Table) -> None:
    table.loses()
    table.reactor.advance(300)
    assert len(table.ends) == 1


@pytest.mark.parametrize("modes", ["a terminal's", None])
@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize(("tls", "hint"), [(True, ""), (False, "; if it serves TLS, say --tls")])
def test_a_server_that_ends_without_a_word_has_heard_nothing(
    stage: Any, modes: Any, ended: bool, tls: bool, hint: str
) -> None:
    table = Table(stage, modes=modes)
    table.client.options.tls = tls
    if ended:
        table.client.input_ended()
    table.ends[-1].transport.close()
    table.reactor.settle()
    assert [line.split(" ", 1)[1] for line in table.seen.lines] == [f"has closed the connection without a word{hint}"]
    assert table.client.status == 1


def test_trouble_is_told_once(table: Table) -> None:
    table.says("hello\n")
    port = table.listener.port
    table.listener.close()
    table.loses()
    with HeldPort(port):  # nobody else is to listen there
        for _ in range(50):
            table.reactor.advance(10)
    refused = [line for line in table.seen.lines if "refused" in line]
    assert len(refused) == 1
    assert len(table.seen.lines) == 4, table.seen.lines


def test_each_loss_is_told(table: Table) -> None:
    for _ in range(2):
        table.says("hello\n")
        table.loses()
        table.meets_again()
    once = ["hello", "the connection is lost", "trying again, Ctrl-C leaves", "connected again"]
    assert table.seen.lines == once * 2


def test_a_name_that_nobody_has_is_told_without_numbers() -> None:
    options = argparse.Namespace(host="nosuch.invalid", port=2401)
    error = ResolveError(-2, "cannot resolve 'nosuch.invalid': Name or service not known")
    assert explain(error, options) == "cannot resolve 'nosuch.invalid': Name or service not known"
    assert explain(ValueError("so"), options) == "so"


@pytest.mark.loud
def test_a_bug_of_ours_ends_the_program(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table.says("hello\n")
    monkeypatch.setattr(table.reactor, "connect_tcp", "no function")
    table.loses()
    table.reactor.advance(60)
    assert table.client.status == 1


@pytest.mark.parametrize(("modes", "grace"), [("a terminal's", PERSON_GRACE), (None, SCRIPT_GRACE)])
def test_a_server_that_does_not_end_is_left(stage: Any, modes: Any, grace: float) -> None:
    table = Table(stage, modes=modes)
    table.client.typed("hello")
    table.client.input_ended()
    table.reactor.advance(grace - 0.1)
    assert table.client.server is not None
    assert table.ends[0].lines == ["/nick Ada", "hello"]
    table.reactor.advance(0.2)
    assert table.client.server is None
    assert table.client.status == 1
    assert table.seen.lines == [f"the server has not ended within {grace:g} s"]


def test_a_server_that_is_left_has_no_time_to_drain(stage: Any) -> None:
    deaf = stage.own(socket.create_server(("127.0.0.1", 0)))  # the kernel connects; nobody reads
    table = Table(stage, port=deaf.getsockname()[1], modes="a terminal's")
    stage.clog(table.client.server)
    table.client.input_ended()
    table.reactor.advance(PERSON_GRACE + 0.1)
    assert table.client.server is None, "a drain alone would wait for it to read"


def test_a_terminal_that_is_lost_ends_the_connection(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    monkeypatch.setattr(table.reactor, "drain", lambda: None)
    modes: Any = None
    server: Any = table.client.server
    terminal = Terminal(table.reactor, table.client, modes, Looks(False))
    terminal.connection_lost(OSError("Input/output error"))
    assert server.is_closing()
    assert (table.client.leaving, table.client.status) == (True, 1)


def test_a_paste_that_is_cut_is_told_once(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    modes: Any = SimpleNamespace(enter=lambda: None, leave=lambda: None)
    terminal = Terminal(table.reactor, table.client, modes, Looks(False))
    written: list[bytes] = []
    terminal.transport = SimpleNamespace(write=written.append)  # type: ignore[assignment]
    for _ in range(2):
        written.clear()
        terminal.data_received(PASTE.encode() + b"x" * (MAX_TEXT + 3) + PASTED.encode())
        assert b"".join(written).count(b"a line takes 65,536 characters: what is behind them is left out") == 1
        terminal.data_received(b"\r")


def test_answers_that_are_cut_are_told(table: Table) -> None:
    table.client.typed("exit")
    table.client.input_ended()
    table.loses()
    assert table.client.status == 1
    assert table.seen.lines[0].startswith("the server is gone: ")


def test_what_cannot_be_shown_is_not_read(table: Table) -> None:
    table.client.output_stalls(True)
    table.says("one\n")
    assert table.seen.lines == []
    table.client.output_stalls(False)
    table.reactor.settle()
    assert table.seen.lines == ["one"]


def test_nor_from_the_next_connection(table: Table) -> None:
    table.says("one\n")
    table.loses()
    table.client.output_stalls(True)
    table.meets_again()
    table.says("two\n")
    assert table.seen.lines[-1] == "connected again"
    table.client.output_stalls(False)
    table.reactor.settle()
    assert table.seen.lines[-1] == "two"


def test_typing_goes_on_where_the_server_that_did_not_read_is_lost(table: Table) -> None:
    table.says("one\n")
    table.ends[0].transport.pause_reading()
    while table.seen.reading:
        table.client.typed("x" * 60_000)
        table.reactor.settle()
    table.loses()
    assert table.seen.reading


def test_typing_waits_for_a_server_that_does_not_read(table: Table) -> None:
    table.ends[0].transport.pause_reading()
    while table.seen.reading:
        table.client.typed("x" * 60_000)
        table.reactor.settle()
    table.ends[0].transport.resume_reading()
    table.reactor.settle()
    assert table.seen.reading


# -- the program at a terminal --------------------------------------------------------------------------------------


class Seat(PseudoTerminal):
    """The client at a pseudo-terminal, what its screen shows, and the terminal's modes before and after."""

    def __init__(self, theatre: Any, port: int, *arguments: str, columns: int = 60) -> None:
        super().__init__(columns)
        command = ["--port", str(port), *arguments]
        # A group of its own, as a shell gives a job: in an orphaned one, which a CI runner's may be, nothing can stop.
        streams: dict[str, Any] = {"stdin": self.theirs, "stdout": self.theirs}
        self.program = theatre.run("chat_client.py", *command, **streams, process_group=0)

    def shows(self, *rows: str) -> None:
        """The screen ends with `rows`; times are left out."""
        self.until(lambda: self._without_times()[-len(rows) :] == list(rows))

    def _without_times(self) -> list[str]:
        return [row[6:] if row[2:3] == ":" else row for row in self.rows]

    def exits(self) -> int:
        status: int = self.program.exits()
        assert termios.tcgetattr(self.theirs) == self.before
        self.gets(b"\x1b[?2004l")
        return status

    def gets(self, data: bytes) -> None:
        """Somewhere in what was written is `data`."""
        self.until(lambda: data in self.data)


@pytest.fixture
def sit(theatre: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    seats: list[Seat] = []

    def sit(server: Any, *arguments: str, **options: Any) -> Seat:
        port = server if isinstance(server, int) else server.port
        seats.append(Seat(theatre, port, *arguments, **options))
        return seats[-1]

    yield sit
    theatre.close()
    for seat in seats:
        seat.close()


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One server for the scenes in which it is only there: they look at no more than their own line and status."""
    theatre = Theatre(tmp_path_factory.mktemp("chat"))
    yield theatre.serve("chat_server.py", "--max-per-ip", "0")
    theatre.close()


def test_typing_goes_on_while_others_speak(theatre: Any, sit: Any) -> None:
    server = theatre.serve("chat_server.py")
    ada = sit(server, "--name", "Ada")
    ada.shows("* you are Ada now", ">")
    bob = theatre.peer(server)
    bob.sends("/nick Bob\n")
    ada.types("helo 世界" + LEFT * 4)
    ada.shows("> helo 世界")
    bob.sends("one\ntwo\n")
    ada.shows("Bob: one", "Bob: two", "> helo 世界")
    ada.types("l\r")
    ada.shows("> hello 世界", ">")
    bob.gets("Ada: hello 世界\n")
    ada.types(f"{PASTE}a\rb{PASTED}")
    ada.shows("> a↵b")
    ada.types("\r/oper secret\r")
    bob.gets("Ada: a\nAda: b\n")
    ada.types(UP)
    ada.shows("> b")
    ada.types("\x15\x04")
    assert ada.exits() == 0
    assert "secret" not in "".join(row for row in ada.rows if row[2:3] == ":")
    assert b"\x1b[1m> hello" in ada.data


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(chat: Any, sit: Any, signum: int) -> None:
    ada = sit(chat)
    ada.shows(">")
    ada.types("half")
    ada.shows("> half")
    ada.program.process.send_signal(signum)
    assert ada.exits() == 0
    ada.shows("-- not sent: half", "")
    assert ada.program.err.all() == ""


def test_a_goodbye_is_the_end(theatre: Any, sit: Any) -> None:
    server = theatre.serve("chat_server.py")
    ada = sit(server)
    ada.shows(">")
    server.process.send_signal(signal.SIGTERM)
    assert ada.exits() == 0
    ada.shows("* the server is shutting down, goodbye", "")


def test_a_lost_connection_is_made_again_under_the_same_name(sit: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        ada = sit(listener.getsockname()[1], "--name", "Ada")
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(DEADLINE)
            assert peer.makefile("rb").readline() == b"/nick Ada\n"
            peer.sendall(b"* you are Ada now\n")
            ada.types("/join tea\r/nick Grace\r")
            lines = peer.makefile("rb")
            assert [lines.readline(), lines.readline()] == [b"/join tea\n", b"/nick Grace\n"]
            peer.sendall(b"* you are in tea now\n* you are Grace now\n")
            ada.shows("* you are Grace now", ">")
            ada.types("half")
            ada.shows("> half")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            lines.close()
        peer, _ = listener.accept()
        with peer, peer.makefile("rb") as lines:
            assert [lines.readline(), lines.readline()] == [b"/nick Grace\n", b"/join tea\n"]
            ada.shows("-- trying again, Ctrl-C leaves", "-- connected again", "> half")
            ada.types("\r")
            assert lines.readline() == b"half\n"
            peer.sendall(b"* goodbye: kicked\n")
        assert ada.exits() == 0


def test_what_is_typed_without_a_connection_is_not_lost_in_silence(sit: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        ada = sit(listener.getsockname()[1])
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"hello\n")
            ada.shows("hello", ">")
    ada.shows(f"-- cannot connect to 127.0.0.1:{ada_port(ada)}: Connection refus", "ed", ">")
    ada.types("anybody?\r")
    ada.shows("-- not sent, there is no connection: anybody?", ">")
    ada.types("\x04")
    assert ada.exits() == 0


def ada_port(seat: Seat) -> int:
    command: list[str] = seat.program.process.args
    return int(command[command.index("--port") + 1])


def test_no_reconnect(sit: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        ada = sit(listener.getsockname()[1], "--no-reconnect")
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"hello\n")
        assert ada.exits() == 0
        ada.shows("hello", "-- the server has closed the connection", "")


def test_a_resize_draws_the_line_again(chat: Any, sit: Any) -> None:
    ada = sit(chat)
    ada.shows(">")
    ada.types("x" * 50)
    ada.shows("> " + "x" * 50)
    ada.resize(30)
    ada.program.process.send_signal(signal.SIGWINCH)  # the kernel sends it to a controlling terminal's programs
    ada.gets(b"< " + b"x" * 20 + b"\x1b7\x1b[K\x1b8")


def test_stopped_and_continued(chat: Any, sit: Any) -> None:
    ada = sit(chat)
    ada.shows(">")
    ada.types("half")
    ada.shows("> half")
    ada.program.process.send_signal(signal.SIGTSTP)
    _, status = os.waitpid(ada.program.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert termios.tcgetattr(ada.theirs) == ada.before
    ada.shows("")
    ada.program.process.send_signal(signal.SIGCONT)
    ada.shows("> half")
    ada.types("\x15\x04")
    assert ada.exits() == 0


def test_modes_that_were_changed_meanwhile(chat: Any, sit: Any) -> None:
    ada = sit(chat)
    ada.shows(">")
    modes = termios.tcgetattr(ada.theirs)
    ada.program.process.send_signal(signal.SIGSTOP)
    os.waitpid(ada.program.process.pid, os.WUNTRACED)
    termios.tcsetattr(ada.theirs, termios.TCSANOW, ada.before)  # as a shell does it
    ada.program.process.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + DEADLINE
    while termios.tcgetattr(ada.theirs) != modes:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    ada.types("\x04")
    assert ada.exits() == 0


def test_no_row_is_drawn_while_stopping(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    grid = Grid(60)
    terminal: Any = Terminal(stage.reactor, None, None, Looks(False, lambda: "21:05"))  # type: ignore[arg-type]
    terminal.transport = type("", (), {"write": lambda _, data: grid.feed(data.decode())})()
    terminal.data_received(b"half")
    assert grid.text == ["> half"]
    terminal._suspend()
    terminal.show("Ada: hello")
    stage.reactor.settle()
    assert grid.text == ["21:05 Ada: hello", ""]


def test_a_server_that_is_put_into_the_foreground_has_its_row_again(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    grid = Grid(60)
    modes: Any = type(
        "", (), {"foreground": False, "in_foreground": lambda self: self.foreground, "enter": lambda _: None}
    )()
    terminal: Any = Terminal(stage.reactor, None, modes, Looks(False, lambda: "21:05"), of_server=True)  # type: ignore[arg-type]
    terminal.transport = type("", (), {"write": lambda _, data: grid.feed(data.decode())})()
    terminal.data_received(b"half")
    terminal._suspending = True
    terminal._write(terminal._screen.erase())
    terminal._resume()  # SIGCONT, by `bg`
    terminal.show("Bob: hi")
    stage.reactor.advance(5)
    assert grid.text == ["21:05 Bob: hi", ""]
    modes.foreground = True  # `fg`, of which no signal tells
    stage.reactor.advance(LOOK)
    assert grid.text == ["21:05 Bob: hi", "> half"]


def test_a_dumb_terminal_gets_lines_and_nothing_else(theatre: Any, sit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    ada = sit(theatre.serve("chat_server.py"))
    ada.shows("* welcome, guest-1: type to talk, /nick NAME, /help for more", ", exit to leave", "")
    ada.types("exit\n")
    assert ada.program.exits() == 0
    assert b"\x1b" not in ada.data


def test_no_color(theatre: Any, sit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    ada = sit(theatre.serve("chat_server.py"))
    ada.shows("r more, exit to leave", ">")
    assert b"m" not in {part[-1:] for part in ada.data.split(b"\x1b[")[1:]}
    ada.types("\x04")
    assert ada.exits() == 0


# -- as a tool ------------------------------------------------------------------------------------------------------


def test_a_reader_that_goes_is_no_traceback(theatre: Any) -> None:
    server = theatre.serve("chat_server.py")
    reader, writer = os.pipe()
    client = theatre.run("chat_client.py", "--port", str(server.port), stdin=PIPE, stdout=writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as out:
        assert b"welcome" in out.readline()
    client.types("/who\n/who\n")
    assert client.exits() == 1
    assert client.err.all() == ""


def test_what_the_terminal_cannot_show(theatre: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = theatre.serve("chat_server.py")
    client = theatre.run(
        "chat_client.py", "--port", str(server.port), stdin=PIPE, environment={"PYTHONIOENCODING": "latin-1"}
    )
    client.out.shows("* welcome")
    peer = theatre.peer(server)
    peer.sends("/nick 小明\nné\n")
    client.out.wait(lambda _: "??: né\n".encode("latin-1") in client.out.data, "the line")


# -- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure() -> Iterator[Any]:
    """`secure(NAME)` serves one client with the certificate NAME, echoes one line and says goodbye; gives the port."""
    threads: list[threading.Thread] = []

    def secure(name: str) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / f"{name}.pem")
        listener = socket.create_server(("127.0.0.1", 0))
        threads.append(threading.Thread(target=_serve_one, args=(listener, context)))
        threads[-1].start()
        port: int = listener.getsockname()[1]
        return port

    yield secure
    for thread in threads:
        thread.join(DEADLINE)


def _serve_one(listener: socket.socket, context: ssl.SSLContext) -> None:
    with listener:
        listener.settimeout(DEADLINE)
        sock, _ = listener.accept()
    sock.settimeout(DEADLINE)
    with sock:
        try:
            with context.wrap_socket(sock, server_side=True) as tls:
                tls.sendall(b"heard " + tls.recv(100))
                tls.unwrap()
        except OSError:
            pass  # the client did not like the certificate


def test_tls(theatre: Any, secure: Any) -> None:
    def client(name: str, *arguments: str) -> Any:
        port = ["--port", str(secure(name)), "--host", "localhost", "--tls"]
        program = theatre.run("chat_client.py", *port, *arguments, stdin=PIPE)
        program.types("hello\n")
        return program

    root = ("--cacert", str(CERTIFICATES / "ca.pem"))
    trusted, foreign, expired = client("localhost", *root), client("selfsigned"), client("expired", *root)
    elsewhere, pinned = (
        client("elsewhere", *root),
        client("selfsigned", "--cacert", str(CERTIFICATES / "selfsigned.pem")),
    )
    careless = client("elsewhere", "--insecure")
    for good in (trusted, pinned, careless):
        assert good.exits() == 0, good.err.all()
        assert good.out.all() == "heard hello\n"
    assert "nobody knows for whom" in careless.err.all()
    for bad, why in ((foreign, "self-signed"), (expired, "expired"), (elsewhere, "'localhost'")):
        assert bad.exits() == 1
        assert bad.err.all().count("\n") == 1
        assert "chat_client.py: the certificate of localhost is not to be trusted: " in bad.err.all()
        assert why in bad.err.all()


def test_tls_mistakes_are_one_line_each(theatre: Any, chat: Any) -> None:
    port = ["--port", str(chat.port)]
    mistakes = [
        (1, "does not seem to speak TLS", theatre.run("chat_client.py", *port, "--tls", stdin=PIPE)),
        (
            1,
            "/no/such/file: No such file",
            theatre.run("chat_client.py", *port, "--tls", "--cacert", "/no/such/file", stdin=PIPE),
        ),
        (2, "are for --tls", theatre.run("chat_client.py", *port, "--insecure", stdin=PIPE)),
    ]
    for status, words, program in mistakes:
        assert program.exits() == status
        assert program.err.all().count("\n") == 1
        assert words in program.err.all()
