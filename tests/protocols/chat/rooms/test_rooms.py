"""Rooms, topics, private messages, actions: what each of those who are there sees."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.chat.operators.console import as_shown
from protocols.chat.rooms.command_table import MAX_TOPIC
from protocols.chat.rooms.member_commands import ROOMS_MAX
from tests.protocols.chat.conftest import Person


def test_who_joins_a_room_leaves_the_other(trio: Any) -> None:
    ada, bob, guest = trio
    ada.says("/join tea")
    assert ada.lines == ["* you are in tea now", "* you are alone here"]
    assert bob.lines == guest.lines == ["* Ada left for tea"]
    bob.says("/join #Tea")
    assert bob.lines == ["* you are in tea now", "* here with you: Ada"]
    assert ada.lines == ["* Bob joined"]
    assert guest.lines == ["* Bob left for tea"]


def test_rooms_do_not_hear_each_other(trio: Any) -> None:
    ada, bob, guest = trio
    ada.says("/join tea", "in tea")
    bob.says("in the lobby")
    assert bob.lines == ["* Ada left for tea"]
    assert guest.lines == ["* Ada left for tea", "Bob: in the lobby"]
    assert ada.lines[2:] == []


def test_part_goes_back_to_the_lobby(trio: Any) -> None:
    ada, bob, _ = trio
    ada.says("/join tea", "/part")
    assert ada.lines[2:] == ["* you are in lobby now", "* here with you: Bob, guest-3"]
    assert bob.lines == ["* Ada left for tea", "* Ada joined"]
    ada.says("/part")
    assert ada.lines == ["* you are in lobby, where everybody begins; /quit leaves the chat"]


def test_what_was_said_in_the_same_tick_is_heard_before_moving_and_not_after(trio: Any) -> None:
    ada, bob, _ = trio
    ada.says("before")
    bob.says("/join tea")
    ada.says("after")
    assert bob.lines == ["Ada: before", "* you are in tea now", "* you are alone here"]


def test_joining_where_one_is_and_nowhere(trio: Any) -> None:
    ada, bob, _ = trio
    ada.says("/join LOBBY", "/join")
    assert ada.lines == [
        "* you are in lobby already",
        "* which one? /join ROOM; /rooms lists those that are there",
    ]
    assert bob.lines == []


@pytest.mark.parametrize("name", ["a:b", "Ѕerver", "x" * 33, "a\u202eb", "/x", "##x", "\u2028"])
def test_a_room_is_called_as_a_person_may_be(trio: Any, name: str) -> None:
    ada, bob, _ = trio
    ada.says(f"/join {name}")
    (line,) = ada.lines
    assert line.startswith(("* you stay where you are: ", "* which one?"))
    assert bob.lines == []


def test_rooms_are_listed_the_largest_first(chat: Any, trio: Any) -> None:
    trio[0].says("/join tea", "/topic green and black", "/rooms")
    assert trio[0].lines[-2:] == ["* lobby (2)", "* tea (1) green and black"]
    people = [chat.join() for _ in range(ROOMS_MAX)]
    for number, person in enumerate(people):
        person.says(f"/join r{number}")
    _ = trio[1].lines
    trio[1].says("/rooms")
    lines = trio[1].lines
    assert (len(lines), lines[-1]) == (ROOMS_MAX + 1, "* and 2 more")


def test_who_is_in_the_room_and_how_many_elsewhere(trio: Any) -> None:
    trio[0].says("/join tea")
    _ = trio[1].lines
    trio[1].says("/who")
    assert trio[1].lines == ["* 2 here: Bob, guest-3", "* 1 in other rooms; /rooms lists them"]


def test_leaving_the_chat_from_a_room(chat: Any, trio: Any) -> None:
    ada, bob, guest = trio
    ada.says("/join tea")
    bob.says("/join tea")
    _ = guest.lines, bob.lines
    ada.says("exit")
    assert bob.lines == ["* Ada left"]
    assert guest.lines == []
    bob.says("/nick Ada")
    assert bob.lines == ["* you are Ada now"]


def test_the_operator_and_the_console_are_in_all_rooms(chat: Any, trio: Any) -> None:
    shown: list[bytes] = []
    chat.hub.audience.append(lambda posted: shown.append(as_shown(posted)))
    trio[0].says("/join tea", "green?")
    assert shown == [b"* Ada left for tea\n", b"[tea] * Ada joined\n", b"[tea] Ada: green?\n"]
    chat.hub.say_as_operator("hi")
    assert [person.lines[-1] for person in trio] == ["From Server, Admin:hi"] * 3


# -- topics -----------------------------------------------------------------------------------------------------------


def test_a_topic(trio: Any) -> None:
    ada, bob, guest = trio
    ada.says("/topic")
    assert ada.lines == ["* lobby has no topic; /topic TEXT sets one"]
    ada.says("/topic a\x1b[2J\u202eb\u2028c\x85d")
    assert ada.lines == ["* the topic is: a[2Jbcd"]
    assert bob.lines == ["* Ada set the topic: a[2Jbcd"]
    guest.says("/topic")
    assert guest.lines[-1] == "* the topic is: a[2Jbcd"
    ada.says("/topic -")
    assert ada.lines == ["* lobby has no topic now"]
    assert bob.lines == ["* Ada took the topic away"]


def test_a_topic_is_shown_to_who_comes(trio: Any) -> None:
    trio[0].says("/join tea", "/topic green")
    trio[1].says("/join tea")
    assert trio[1].lines[-3:] == ["* you are in tea now", "* the topic is: green", "* here with you: Ada"]


def test_a_topic_is_short(trio: Any) -> None:
    ada, bob, _ = trio
    ada.says("/topic " + "x" * (MAX_TOPIC + 1))
    assert ada.lines == [f"* not set: a topic has at most {MAX_TOPIC} characters"]
    assert bob.lines == []
    ada.says("/topic " + "x" * MAX_TOPIC)
    assert bob.lines == ["* Ada set the topic: " + "x" * MAX_TOPIC]


def test_a_topic_of_nothing_visible_is_none(trio: Any) -> None:
    trio[0].says("/topic \u200b\x00")
    assert trio[0].lines == ["* lobby has no topic now"]


# -- private messages and actions -------------------------------------------------------------------------------------


def test_a_private_message_is_seen_by_two(trio: Any) -> None:
    ada, bob, guest = trio
    ada.says("/msg bob  hi \x1b[2J there")
    assert ada.lines == ["[private to Bob] hi [2J there"]
    assert bob.lines == ["[private from Ada] hi [2J there"]
    assert guest.lines == []


def test_a_private_message_goes_across_rooms_and_after_what_was_said(trio: Any) -> None:
    ada, bob, guest = trio
    bob.says("/join tea")
    guest.says("said")
    guest.says("/msg ada hi")
    guest.says("/msg Bob hi")
    assert ada.lines[-2:] == ["guest-3: said", "[private from guest-3] hi"]
    assert bob.lines[-1] == "[private from guest-3] hi"


def test_names_with_spaces_are_found_and_the_longest_counts(chat: Any, trio: Any) -> None:
    weeknd, the = chat.join("The Weeknd"), chat.join("The")
    _ = weeknd.lines
    trio[0].says("/msg the weeknd  hello you", "/msg the other one")
    assert weeknd.lines == ["[private from Ada] hello you"]
    assert the.lines == ["[private from Ada] other one"]


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("", "* not sent: /msg NAME TEXT"),
        ("Eve hello", "* not sent: nobody here is called Eve"),
        ("Bob", "* not sent: what should Bob be told?"),
        ("Bob \u200b", "* not sent: what should Bob be told?"),
        ("x" * 500 + " hello", "* not sent: nobody here is called " + "x" * 39 + "…"),
        ("a " * 500, "* not sent: nobody here is called a"),
    ],
)
def test_a_private_message_that_is_none(trio: Any, argument: str, word: str) -> None:
    trio[0].says(f"/msg {argument}")
    assert trio[0].lines == [word]
    assert trio[1].lines == []


def test_a_name_is_found_as_a_keyboard_writes_it(trio: Any) -> None:
    ada, bob, _ = trio
    ada.says("/nick Ada❤\ufe0f")
    bob.says("/msg ada❤\ufe0f hello")
    assert ada.lines == ["* you are Ada❤ now", "[private from Bob] hello"]


def test_one_may_talk_to_oneself(trio: Any) -> None:
    trio[0].says("/msg Ada note")
    assert trio[0].lines == ["[private from Ada] note"]


def test_an_action(trio: Any) -> None:
    ada, bob, _ = trio
    ada.says("/me waves \u202e!", "/me", "/me \u2028")
    assert bob.lines == ["~ Ada waves !"]
    assert ada.lines == ["* /me waves shows the others that you wave"] * 2


def test_who_acts_is_plain_where_a_name_has_a_blank(chat: Any, trio: Any) -> None:
    """`~ Ada has left the exam` is Ada's, and never that of somebody called `Ada has`."""
    ada, bob, guest = trio
    guest.says("/nick Ada has")
    _ = bob.lines
    guest.says("/me left the exam")
    ada.says("/me has left the exam")
    assert bob.lines == ["~ [Ada has] left the exam", "~ Ada has left the exam"]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/names", "* 3 here: Ada, Bob, guest-3"),
        ("/LIST", "* lobby (3)"),
        ("/w Bob psst", "[private to Bob] psst"),
        ("/tell Bob psst", "[private to Bob] psst"),
        ("/leave", "* you are in lobby, where everybody begins; /quit leaves the chat"),
        ("/whois Bob", "* Bob is in lobby"),
        ("/whois bob ", "* Bob is in lobby"),
        ("/whois Eve", "* nobody here is called Eve"),
        ("/whois", "* who? /whois NAME"),
        ("/bye", "* goodbye"),
    ],
)
def test_usual_words_of_other_chats_are_understood(trio: Any, typed: str, answer: str) -> None:
    ada, _, _ = trio
    ada.says(typed)
    assert ada.lines == [answer]


@pytest.mark.parametrize("name", ["~ Ada", "[private from Ada]", "[2026-11-22]", "~", "[x"])
def test_no_name_begins_like_an_action_or_a_private_message(trio: Any, name: str) -> None:
    trio[2].says(f"/nick {name}")
    assert "* you stay guest-3: a name does not begin with" in trio[2].lines[0]


def test_banned_names_are_refused(chat: Any, trio: Any) -> None:
    chat.hub.authority.is_banned = "Eve".__eq__
    trio[2].says("/nick Eve", "Eve::hi")
    assert [line.split(": ", 1)[1] for line in trio[2].lines] == ["that name is banned here"] * 2
    assert trio[1].lines == []


def test_who_whispers_before_it_is_announced_is_announced_first(chat: Any, trio: Any) -> None:
    quick = Person(chat)
    chat.hub.enter(quick.member)
    quick.says("/nick Eve", "/msg Ada psst")
    assert trio[0].lines == ["* Eve joined", "[private from Eve] psst"]
    assert trio[1].lines == ["* Eve joined"]
