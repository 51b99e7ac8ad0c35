"""Coming, going, names, the operator."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.chat.operators.console import as_shown
from protocols.chat.rooms.names import BadName
from protocols.chat.rooms.room import Member


def test_guests_are_numbered_past_names_that_are_taken(chat: Any) -> None:
    assert chat.join("guest-3").member.name == "guest-3"
    assert chat.join().member.name == "guest-2"
    assert chat.join().member.name == "guest-4"


def test_a_join_is_announced_once_and_not_to_the_one_who_joins(chat: Any) -> None:
    first, second = chat.join(), chat.join()
    assert first.lines == ["* guest-2 joined"]
    chat.hub.announce(second.member)
    assert first.lines == second.lines == []


def test_who_names_itself_before_it_is_announced_joins_under_that_name(chat: Any) -> None:
    first = chat.join()
    newcomer = Member(lambda _: None, lambda: None)
    chat.hub.enter(newcomer)
    chat.hub.rename(newcomer, "Scott")
    chat.hub.say(newcomer, "Hi!")
    assert first.lines == ["* Scott joined", "Scott: Hi!"]


def test_who_was_never_announced_leaves_in_silence(chat: Any) -> None:
    first = chat.join()
    stranger = Member(lambda _: None, lambda: None)
    chat.hub.enter(stranger)
    chat.hub.leave(stranger)
    chat.hub.announce(stranger)
    assert first.lines == []


def test_a_leave_is_announced_once_and_frees_the_name(chat: Any, trio: Any) -> None:
    ada, bob, guest = trio
    chat.hub.leave(ada.member)
    chat.hub.leave(ada.member)
    assert bob.lines == ["* Ada left"]
    chat.hub.rename(guest.member, "ADA")
    assert bob.lines == ["* guest-3 is now ADA"]


def test_a_rename_is_announced_to_the_others(chat: Any, trio: Any) -> None:
    ada, bob, _ = trio
    assert chat.hub.rename(ada.member, "Ada Lovelace")
    assert ada.lines == []
    assert bob.lines == ["* Ada is now Ada Lovelace"]


def test_a_taken_name_is_refused_with_a_suggestion(chat: Any, trio: Any) -> None:
    with pytest.raises(BadName, match=r"ADA is taken; ADA2 is free"):
        chat.hub.rename(trio[1].member, "ADA")
    assert trio[0].lines == trio[1].lines == []
    assert trio[1].member.name == "Bob"


def test_one_may_change_the_case_of_ones_own_name(chat: Any, trio: Any) -> None:
    chat.hub.rename(trio[0].member, "ADA")
    assert trio[1].lines == ["* Ada is now ADA"]
    assert not chat.hub.rename(trio[0].member, "ADA"), "no news"
    assert trio[1].lines == []


def test_the_operator_is_heard_by_all(chat: Any, trio: Any) -> None:
    chat.hub.say_as_operator("Hi Scott!")
    assert [person.lines for person in trio] == [["From Server, Admin:Hi Scott!"]] * 3


def test_the_console_is_shown_who_said_what(chat: Any, trio: Any) -> None:
    shown: list[bytes] = []
    chat.hub.audience.append(lambda posted: shown.append(as_shown(posted)))
    trio[0].says("hello", "/nick Ada2", "/who")
    chat.hub.leave(trio[1].member)
    assert shown == [b"Ada: hello\n", b"* Ada is now Ada2\n", b"* Bob left\n"]


def test_at_the_end_each_gets_one_farewell_and_no_leaves(chat: Any, trio: Any) -> None:
    trio[0].says("last words")
    for person in trio:
        chat.hub.farewell(person.member)
        chat.hub.leave(person.member)
    bye = "* the server is shutting down, goodbye"
    assert [person.lines for person in trio] == [[bye], ["Ada: last words", bye], ["Ada: last words", bye]]
