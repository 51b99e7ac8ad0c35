"""In a crowd comings and goings are told together."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.chat.operators.console import as_shown
from protocols.chat.rooms.news import BURST, CROWD, SHOWN


@pytest.fixture
def crowd(chat: Any) -> list[Any]:
    """One more than gets a line for each who comes and goes, all told."""
    people = [chat.join(f"p{number}") for number in range(CROWD + 1)]
    chat.news()
    for person in people:
        _ = person.lines
    return people


def test_up_to_the_crowd_each_gets_a_line(chat: Any) -> None:
    people = [chat.join() for _ in range(CROWD - 1)]
    _ = people[0].lines
    chat.join("Last")
    assert people[0].lines == ["* Last joined"]
    chat.join("First of a crowd")
    assert people[0].lines == []
    chat.news()
    assert people[0].lines == ["* joined: First of a crowd"]


def test_comings_and_goings_are_one_line_each(chat: Any, crowd: list[Any]) -> None:
    for number in range(SHOWN + 5):
        chat.join(f"new{number}")
    crowd[1].says("exit")
    crowd[2].says("/join tea")
    crowd[3].says("/nick renamed")
    crowd[4].says("hello")
    assert crowd[0].lines == ["p4: hello"], "what is said does not wait"
    chat.news()
    shown = ", ".join(f"new{number}" for number in range(SHOWN))
    assert crowd[0].lines == ["* left: p1, p2", "* renamed: p3 is now renamed", f"* joined: {shown} and 5 more"]
    chat.news()
    assert crowd[0].lines == []


def test_who_comes_and_goes_in_between_is_not_worth_a_word(chat: Any, crowd: list[Any]) -> None:
    short = chat.join("Short")
    short.says("/nick Shorter", "exit")
    back = crowd[1]
    back.says("/nick x", "/nick p1")
    gone = crowd[2]
    gone.says("/nick y", "exit")
    chat.news()
    assert crowd[0].lines == ["* left: p2"]


def test_who_goes_and_comes_in_between_is_not_worth_a_word(chat: Any, crowd: list[Any]) -> None:
    crowd[1].says("/join tea", "/part")
    crowd[2].says("/join tea", "/nick Teetotaller", "/part")
    crowd[3].says("/join tea", "/part", "/join tea")
    chat.news()
    assert crowd[0].lines == ["* left: p3", "* renamed: p2 is now Teetotaller"]


def test_a_name_is_free_before_another_has_it(chat: Any, crowd: list[Any]) -> None:
    crowd[1].says("exit")
    chat.join("p1")
    crowd[2].says("/nick q2")
    chat.join("p2")
    chat.news()
    assert crowd[0].lines == ["* left: p1", "* renamed: p2 is now q2", "* joined: p1, p2"]


def test_a_crowd_that_dwindles_is_told_in_order(chat: Any, crowd: list[Any]) -> None:
    last = chat.join("Last")
    for person in crowd[1:5]:
        person.says("exit")
    last.says("exit")
    assert crowd[0].lines == []
    chat.news()
    assert crowd[0].lines == ["* left: p1, p2, p3, p4"]
    crowd[5].says("exit")
    assert crowd[0].lines == ["* p5 left"]


def test_the_console_is_told_the_same(chat: Any, crowd: list[Any]) -> None:
    shown: list[bytes] = []
    chat.hub.audience.append(lambda posted: shown.append(as_shown(posted)))
    chat.join("New")
    chat.news()
    assert shown == [b"* joined: New\n"]


def test_a_join_storm_costs_each_member_few_writes(chat: Any, crowd: list[Any]) -> None:
    before = crowd[0].writes
    for number in range(300):
        chat.join(f"new{number}")
    chat.news()
    chat.tick()
    assert crowd[0].writes - before <= 2


def test_a_class_that_comes_at_the_bell_is_few_lines(chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = chat.join("Teacher")
    monkeypatch.setattr(chat, "calm", lambda: None)
    for number in range(24):
        chat.join(f"s{number}")
    chat.news()
    at_once = [f"* s{number} joined" for number in range(BURST)]
    together = ", ".join(f"s{number}" for number in range(BURST, BURST + SHOWN))
    assert teacher.lines == [*at_once, f"* joined: {together} and {24 - BURST - SHOWN} more"]
    chat.news()
    chat.join("Late")
    assert teacher.lines == ["* Late joined"]


def test_who_speaks_has_joined_before(chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = chat.join("Teacher")
    monkeypatch.setattr(chat, "calm", lambda: None)
    people = [chat.join(f"s{number}") for number in range(BURST + 2)]
    _ = teacher.lines
    people[-1].says("hello")
    assert teacher.lines == ["* joined: s8, s9", "s9: hello"]
    chat.news()
    assert teacher.lines == []
