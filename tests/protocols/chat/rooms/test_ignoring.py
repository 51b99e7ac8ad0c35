"""Who ignores somebody hears nothing of what that one says; everybody else hears everything."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.chat.rooms.ignoring import MOST
from protocols.chat.rooms.room import Member
from protocols.chat.rooms.state import dump, restore


@pytest.fixture
def people(chat: Any) -> Any:
    """Ada ignores Bob; Eve does not."""
    ada, bob, eve = chat.join("Ada"), chat.join("Bob"), chat.join("Eve")
    ada.says("/ignore bob")
    assert ada.lines == ["* Bob joined", "* Eve joined", "* you ignore Bob now; /unignore Bob ends it"]
    _ = bob.lines, eve.lines
    return ada, bob, eve


def test_what_is_said_is_hidden_from_who_does_not_want_it(people: Any) -> None:
    ada, bob, eve = people
    bob.says("hello", "/me waves")
    eve.says("hi Bob")
    ada.says("hi Eve")
    bob.says("bye")
    assert ada.lines == ["Eve: hi Bob"]
    assert bob.lines == ["Eve: hi Bob", "Ada: hi Eve"]
    assert eve.lines == ["Bob: hello", "~ Bob waves", "Ada: hi Eve", "Bob: bye"]


def test_a_private_message_is_not_sent_and_its_sender_is_told(people: Any) -> None:
    ada, bob, eve = people
    bob.says("/msg Ada psst")
    assert bob.lines == ["* not sent: Ada ignores you"]
    assert ada.lines == []
    ada.says("/msg Bob enough")
    assert bob.lines == ["[private from Ada] enough"]
    eve.says("/msg Ada psst")
    assert ada.lines == ["[private to Bob] enough", "[private from Eve] psst"]


def test_it_is_taken_back(people: Any) -> None:
    ada, bob, _ = people
    for word in ("/ignore Bob", "/unignore BOB"):
        ada.says(word)
        assert ada.lines == ["* you hear Bob again"]
        bob.says("here")
        assert ada.lines == ["Bob: here"]
        ada.says("/ignore Bob")
        _ = ada.lines
    ada.says("/ignore Bob", "/unignore Bob", "/unignore")
    assert ada.lines == [
        "* you hear Bob again", "* you do not ignore Bob", "* whom? /unignore NAME; /ignore lists them",
    ]  # fmt: skip


def test_the_list(chat: Any, people: Any) -> None:
    ada, _, eve = people
    eve.says("/ignore")
    assert eve.lines == ["* you ignore nobody; /ignore NAME begins it"]
    ada.says("/ignore The Weeknd, Eve")
    _ = ada.lines
    ada.says("/ignore")
    assert ada.lines == ["* you ignore Bob, The Weeknd, Eve"]
    weeknd = chat.join("The Weeknd")
    weeknd.says("hi", "/me waves")
    assert ada.lines == ["* The Weeknd joined"]


def test_it_goes_along_with_a_new_name(people: Any) -> None:
    ada, bob, eve = people
    bob.says("/nick Robert", "hi")
    assert ada.lines == ["* you ignore Robert now, who was Bob; /unignore Robert ends it", "* Bob is now Robert"]
    ada.says("/ignore")
    assert ada.lines == ["* you ignore Robert"]
    eve.says("/nick Bob", "hi")
    assert ada.lines == ["* Eve is now Bob", "Bob: hi"]


def test_it_waits_for_who_comes_again(chat: Any, people: Any) -> None:
    ada, bob, _ = people
    bob.says("/quit")
    again = chat.join("Bob")
    again.says("hi")
    assert ada.lines == ["* Bob left", "* Bob joined"]


def test_it_ends_with_who_has_wished_it(chat: Any, people: Any) -> None:
    ada, bob, _ = people
    ada.says("/quit")
    again = chat.join("Ada")
    bob.says("hi")
    assert again.lines == ["Bob: hi"]
    assert not bob.member.ignored_by
    assert not chat.hub.ignoring._by_name


def test_what_was_said_before_is_hidden_too(people: Any) -> None:
    ada, bob, eve = people
    bob.says("/join tea", "one", "/me nods")
    eve.says("/join tea", "two")
    ada.says("/join tea")
    assert [line for line in ada.lines if line.startswith("[")] == ["[2027-01-15 08:00] Eve: two"]
    ada.says("/history 5")
    assert ada.lines == ["[2027-01-15 08:00] Eve: two"]


def test_operators_are_heard(chat: Any, people: Any) -> None:
    ada, bob, eve = people
    eve.member.operator = "eve"
    ada.says("/ignore Eve", "/ignore Ada", "/ignore a:b")
    assert ada.lines == [
        "* not ignored: Eve is an operator", "* not ignored: that is you", "* not ignored: nobody is called a:b",
    ]  # fmt: skip
    bob.member.operator = "bob"
    bob.says("order", "/msg Ada please")
    chat.hub.say_as_operator("quiet")
    assert ada.lines == ["Bob: order", "[private from Bob] please", "From Server, Admin:quiet"]


def test_it_has_a_bound(people: Any) -> None:
    ada = people[0]
    ada.says("/ignore " + ",".join(f"x{number}" for number in range(MOST)))
    assert ada.lines[-1] == f"* not ignored: {MOST} names are enough; /unignore NAME makes room"
    assert len(ada.member.ignored) == MOST


def test_it_is_part_of_the_state(chat: Any, people: Any) -> None:
    ada, bob, eve = people
    for number, person in enumerate(people):
        person.member.origin = ("a", number)
    state = dump(chat.hub)
    made = {("a", number): person.member for number, person in enumerate(people)}
    restore(chat.hub, state, made.__getitem__)
    bob.says("hi")
    assert (ada.lines, eve.lines) == ([], ["Bob: hi"])
    strangers: dict[Any, Member] = {}
    heard: list[bytes] = []

    def make(origin: Any) -> Member:
        strangers[origin] = Member(heard.append, lambda: None, local=False)
        return strangers[origin]

    restore(chat.hub, state, make)
    assert dict(strangers["a", 0].ignored) == {"bob": "Bob"}
    assert strangers["a", 1].ignored_by == {strangers["a", 0]}
