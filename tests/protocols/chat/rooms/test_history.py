"""What is kept of what was said, and how it is shown again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from protocols.chat.rooms.history import LINES, MAX_BYTES, History
from protocols.chat.rooms.hub import EMPTY_ROOMS, TOPICS, Hub
from protocols.chat.storage.archive import FORGOTTEN, TOPIC
from protocols.chat.storage.keep import keep_history


class Shelf:
    """A store that keeps its lines where a test sees them."""

    def __init__(self, kept: list[tuple[str, float, bytes]]) -> None:
        self._kept = kept

    def load(self) -> dict[str, list[tuple[float, bytes]]]:
        return {}

    def add(self, room: str, when: float, line: bytes) -> None:
        self._kept.append((room, when, line))

    def topics(self) -> dict[str, str]:
        return {"lobby": "tea", "garden": "roses"}

    def set_topic(self, room: str, topic: str) -> None:
        self._kept.append((room, TOPIC, topic.encode()))

    def forget(self, room: str) -> None:
        self._kept.append((room, FORGOTTEN, b""))


STAMP = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d\] ")


def bare(lines: list[str]) -> list[str]:
    """Replayed lines without their stamps, which each of them must have."""
    assert all(STAMP.match(line) for line in lines), lines
    return [STAMP.sub("", line, count=1) for line in lines]


def test_the_last_lines_are_kept() -> None:
    history = History(3)
    for number in range(5):
        history.add(0.0, b"%d\n" % number)
    assert bare(history.replay().decode().splitlines()) == ["2", "3", "4"]
    assert bare(history.last(1).decode().splitlines()) == ["4"]
    assert history.last(0) == b""
    assert bare(history.last(99).decode().splitlines()) == ["2", "3", "4"]


def test_long_lines_are_fewer() -> None:
    history = History()
    for number in range(40):
        history.add(0.0, b"%02d%s\n" % (number, b"x" * 2000))
    kept = history.replay().decode().splitlines()
    assert len(kept) == MAX_BYTES // 2003
    assert "39x" in kept[-1]


def test_zero_keeps_none() -> None:
    history = History(0)
    history.add(0.0, b"x\n")
    assert (len(history), history.replay()) == (0, b"")


def test_a_replay_is_made_once_for_all_who_come() -> None:
    history = History()
    history.add(0.0, b"x\n")
    assert history.replay() is history.replay()
    history.add(0.0, b"y\n")
    assert bare(history.replay().decode().splitlines()) == ["x", "y"]


# -- in the chat ------------------------------------------------------------------------------------------------------


def test_history_counts_what_was_said_and_nothing_else(chat: Any, trio: Any) -> None:
    ada, bob, _ = trio
    ada.says("hello", "/me waves", "/msg Bob secret", "/nope", "/nick Ada2", "/topic tea")
    bob.says("exit")
    chat.hub.say_as_operator("order!")
    ada.says("/history")
    assert bare(ada.lines[-3:]) == ["Ada: hello", "~ Ada waves", "From Server, Admin:order!"]
    ada.says("/history 1")
    assert bare(ada.lines) == ["From Server, Admin:order!"]


@pytest.mark.parametrize("number", ["0", "-1", "x", "１", "1 2", "9" * 5000])
def test_how_many_lines_is_a_number(trio: Any, number: str) -> None:
    trio[0].says("hello", f"/history {number}")
    assert trio[0].lines == ["* how many lines? /history 10"]


def test_a_history_of_nothing(trio: Any) -> None:
    trio[0].says("/history")
    assert trio[0].lines == ["* nothing was said in lobby yet"]


def test_each_room_has_its_own_and_joining_shows_it(trio: Any) -> None:
    ada, bob, guest = trio
    ada.says("in the lobby", "/join tea")
    bob.says("/join tea")
    ada.says("in the tea room")
    _ = bob.lines
    guest.says("/join TEA")
    lines = guest.lines
    assert bare(lines[-1:]) == ["Ada: in the tea room"]
    guest.says("/part")
    assert bare(guest.lines[-1:]) == ["Ada: in the lobby"]


def test_an_empty_room_is_forgotten_with_its_history_and_topic(chat: Any, trio: Any) -> None:
    ada = trio[0]
    ada.says("/join tea", "/topic green", "hello?", "/part", "/rooms")
    assert ada.lines[-1] == "* lobby (3)"
    ada.says("/join tea")
    assert ada.lines == ["* you are in tea now", "* you are alone here"]


def test_with_a_store_all_that_is_said_is_given_to_it_and_rooms_come_back(chat: Any, trio: Any) -> None:
    kept: list[tuple[str, float, bytes]] = []
    keep_history(chat.hub, Shelf(kept))
    ada = trio[0]
    ada.says("hello", "/msg Bob secret", "/join Tea", "green?", "/part")
    assert kept == [("lobby", chat.now, b"Ada: hello\n"), ("tea", chat.now, b"Ada: green?\n")]
    _ = ada.lines
    ada.says("/join TEA")
    assert bare(ada.lines[-1:]) == ["Ada: green?"]


def test_whoever_opens_many_rooms_has_its_own_forgotten(chat: Any, trio: Any) -> None:
    kept: list[tuple[str, float, bytes]] = []
    keep_history(chat.hub, Shelf(kept))
    ada, eve, _ = trio
    ada.member.address, eve.member.address = "192.0.2.2", "192.0.2.9"
    ada.says("/join homework", "the deadline is friday", "/part")
    eve.says("/join homework", "/part")
    for number in range(EMPTY_ROOMS * 2):
        eve.says(f"/join r{number}", "x")
    eve.says("/part")
    assert {room for room, when, _ in kept if when == FORGOTTEN} == {f"r{n}" for n in range(EMPTY_ROOMS + 1)}
    _ = ada.lines
    ada.says("/join homework")
    assert bare(ada.lines[-1:]) == ["Ada: the deadline is friday"]
    assert len(chat.hub._owners) <= EMPTY_ROOMS + 2


def test_with_a_store_topics_outlive_the_server(chat: Any, trio: Any) -> None:
    kept: list[tuple[str, float, bytes]] = []
    keep_history(chat.hub, Shelf(kept))
    ada = trio[0]
    ada.says("/topic", "/join garden", "/topic", "/topic thorns", "/topic -")
    assert ada.lines == [
        "* the topic is: tea", "* you are in garden now", "* the topic is: roses", "* you are alone here",
        "* the topic is: roses", "* the topic is: thorns", "* garden has no topic now",
    ]  # fmt: skip
    assert kept == [("garden", TOPIC, b"thorns"), ("garden", TOPIC, b"")]


@pytest.mark.parametrize("keeps", [True, False])
def test_an_empty_room_has_its_topic_again_where_a_restart_brings_it_back(chat: Any, keeps: bool) -> None:
    chat.hub.keeps_rooms = keeps
    ada = chat.join("Ada")
    ada.says("/join garden", "/topic roses", "/part", "/join garden", "/topic -", "/part")
    assert ada.lines.count("* the topic is: roses") == 1 + keeps
    ada.says("/join garden", "/part")
    assert not any("topic" in line for line in ada.lines), "it was taken away"
    assert len(chat.hub.topics) == 0


def test_topics_of_empty_rooms_are_bounded(chat: Any) -> None:
    chat.hub.keeps_rooms = True
    ada = chat.join("Ada")
    for number in range(TOPICS + 1):
        ada.says(f"/join r{number}", f"/topic about {number}")
    ada.says("/part")
    assert len(chat.hub.topics) == TOPICS
    _ = ada.lines
    ada.says("/join r0", "/join r1")
    assert ada.lines == [
        "* you are in r0 now", "* you are alone here",
        "* you are in r1 now", "* the topic is: about 1", "* you are alone here",
    ]  # fmt: skip


def test_what_was_said_before_this_server_began_is_shown(chat: Any) -> None:
    chat.hub.keeps_rooms = True
    chat.hub.remember("lobby", [(0.0, b"Ada: hello\n")])
    chat.hub.remember("tea", [(0.0, b"Ada: green?\n")])
    ada = chat.join("Ada")
    ada.says("/history")
    assert bare(ada.lines) == ["Ada: hello"]
    ada.says("/join tea")
    assert bare(ada.lines[-1:]) == ["Ada: green?"]


def test_histories_of_empty_rooms_are_bounded(chat: Any) -> None:
    chat.hub.keeps_rooms = True
    ada = chat.join("Ada")
    for number in range(EMPTY_ROOMS + 1):
        ada.says(f"/join r{number}", f"in {number}")
    ada.says("/part")
    _ = ada.lines
    ada.says("/join r0")
    assert ada.lines == ["* you are in r0 now", "* you are alone here"]
    ada.says("/join r1")
    assert bare(ada.lines[-1:]) == ["Ada: in 1"]


def test_the_history_that_goes_is_that_of_the_room_that_was_left_first(chat: Any) -> None:
    chat.hub.keeps_rooms = True
    ada = chat.join("Ada")
    for number in range(EMPTY_ROOMS):
        ada.says(f"/join r{number}", f"in {number}")
    ada.says("/join r0", "/join r100", "in 100", "/part")
    _ = ada.lines
    ada.says("/join r0")
    assert bare(ada.lines[-1:]) == ["Ada: in 0"], "it was looked into since"
    ada.says("/join r1")
    assert ada.lines == ["* you are in r1 now", "* you are alone here"]


def test_fifty_lines_by_default() -> None:
    assert LINES == 50


def test_rooms_keep_as_many_lines_as_the_operator_says() -> None:
    hub = Hub(lambda call: None, lines=2)
    assert hub.lobby.history.lines == 2
