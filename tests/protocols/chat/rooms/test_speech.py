"""What a message means: text, commands, and the two forms of the tutorials' clients."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.chat.rooms.authority import Authority
from protocols.chat.rooms.command_table import WHO_LINE, WHO_MAX
from protocols.chat.rooms.member_commands import COMMANDS


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("hello", "hello"),
        ("  hello  ", "  hello"),
        ("//who is who", "/who is who"),
        ("a\x1b[2Jb\u202ec\u2028d\x85e", "a[2Jbcde"),
        ("From Server, Admin:send me your password", "From Server, Admin:send me your password"),
        ("* Bob left", "* Bob left"),
        ("exit now", "exit now"),
        ("👋🏽", "👋🏽"),
    ],
)
def test_text_is_said_under_the_senders_name(trio: Any, message: str, line: str) -> None:
    ada, bob, _ = trio
    ada.says(message)
    assert bob.lines == [f"Ada: {line}"]
    assert ada.lines == []


@pytest.mark.parametrize("message", ["", "   ", "\x00\u200b", "\u2028"])
def test_nothing_is_not_said(trio: Any, message: str) -> None:
    trio[0].says(message)
    assert trio[0].lines == trio[1].lines == []


# -- commands -----------------------------------------------------------------------------------------------------


def test_help_is_the_table(trio: Any) -> None:
    trio[0].says("/help")
    lines = trio[0].lines
    possible = [word for word in COMMANDS if word != "/oper"]
    assert len(lines) == len(possible) + 1
    for word, line in zip(possible, lines, strict=False):
        assert line.startswith(f"* {word}")
        assert COMMANDS[word].help in line
    assert trio[1].lines == []


def test_help_lists_what_is_possible(chat: Any, trio: Any) -> None:
    class Passwords(Authority):
        has_passwords = True

    chat.hub.authority = Passwords()
    trio[0].says("/help")
    assert len(trio[0].lines) == len(COMMANDS) + 1


def test_who(trio: Any) -> None:
    trio[1].says("/who")
    assert trio[1].lines == ["* 3 here: Ada, Bob, guest-3"]
    assert trio[0].lines == []


def test_who_in_a_crowd(chat: Any) -> None:
    people = [chat.join() for _ in range(WHO_MAX + 1)]
    _ = people[0].lines
    people[0].says("/WHO")
    lines = people[0].lines
    assert lines[0].startswith(f"* {WHO_MAX + 1} here: guest-1, guest-2, ")
    assert lines[-1] == "* and 1 more"
    assert len(lines) == WHO_MAX / WHO_LINE + 1


def test_nick(trio: Any) -> None:
    trio[2].says("/nick  小明 ")
    assert trio[2].lines == ["* you are 小明 now"]
    assert trio[0].lines == ["* guest-3 is now 小明"]
    trio[2].says("/nick 小明")
    assert trio[2].lines == ["* you are 小明 already"]
    assert trio[0].lines == []


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ("", "what do you want to be called? /nick NAME"),
        ("x" * 33, "1 to 32 characters"),
        ("bob", "bob is taken; bob2 is free"),
        ("Admin", "reserved"),
        ("Аdmin", "reserved"),
        ("a:b", "no ':'"),
        ("a\u200bb", "invisible"),
        ("/x", "does not begin"),
    ],
)
def test_a_refused_nick(trio: Any, argument: str, why: str) -> None:
    trio[0].says(f"/nick {argument}")
    (line,) = trio[0].lines
    assert line.startswith("* you stay Ada: ")
    assert why in line
    assert trio[1].lines == []


@pytest.mark.parametrize("word", ["/quit", "/QUIT now", "exit", " EXIT ", "Ada::exit", "From Client, Ada: exit"])
def test_leaving(trio: Any, word: str) -> None:
    ada, bob, _ = trio
    ada.says(word)
    assert ada.lines == ["* goodbye"]
    assert not ada.open
    assert bob.lines == ["* Ada left"]
    assert bob.open


@pytest.mark.parametrize("message", ["/nope", "/", "/ who", "/n\u200bick x", "/" + "x" * 2000])
def test_an_unknown_command_is_an_error_to_its_sender_only(trio: Any, message: str) -> None:
    trio[0].says(message)
    (line,) = trio[0].lines
    assert line.startswith("* there is no /")
    assert len(line) < 150
    assert trio[1].lines == []


# -- NAME::text -----------------------------------------------------------------------------------------------------


def test_a_guest_claims_a_name_and_speaks(trio: Any) -> None:
    trio[2].says("小明::你好", "小明::再见")
    assert trio[2].lines == ["* you are 小明 now"]
    assert trio[0].lines == ["* guest-3 is now 小明", "小明: 你好", "小明: 再见"]


def test_the_first_double_colon_splits(trio: Any) -> None:
    trio[0].says("Ada::std::vector")
    assert trio[1].lines == ["Ada: std::vector"]


def test_a_guest_leaves_with_its_name_before_the_word(trio: Any) -> None:
    trio[2].says("小明::exit")
    assert trio[2].lines == ["* goodbye"]


@pytest.mark.parametrize(
    "text",
    ["Eve::hi", "use std::sort here", "fe80::1", "std::exit", "Bob::hi", "a :: b", " Ada::hi", "Ada ::hi", "::", "x::"],
)
def test_whoever_has_a_name_is_not_renamed_by_speaking(trio: Any, text: str) -> None:
    trio[0].says(text)
    assert trio[1].lines == [f"Ada: {text}"]
    assert trio[0].lines == []


@pytest.mark.parametrize("written", ["Ada", "ADA", "Ａｄａ"])
def test_from_its_own_name_it_says_the_text(trio: Any, written: str) -> None:
    trio[0].says(f"{written}::    if i:")
    assert trio[1].lines == ["Ada:     if i:"]


@pytest.mark.parametrize("chosen", ["/nick Eve", "Eve::hello", "From Client, Eve: hello"])
def test_a_name_chosen_in_any_way_is_kept(trio: Any, chosen: str) -> None:
    trio[2].says(chosen)
    _ = trio[0].lines
    trio[2].says("Mallory::hi")
    assert trio[0].lines == ["Eve: Mallory::hi"]


@pytest.mark.parametrize(
    "text",
    [
        "use std::sort here", "fe80::1", "fe80::1 is up", "fd12::a", "ff02::2", "2001::5",
        "2001:db8::1", "::1", "[a]::b", "a,b::c", " Eve::hi",
        "Eve ::hi", "x" * 33 + "::hi", "a\u202eb::hi", "(std)::move",
    ],
)  # fmt: skip
def test_what_no_tutorial_s_client_would_send_is_said_as_it_stands(trio: Any, text: str) -> None:
    trio[2].says(text)
    assert trio[0].lines == [f"guest-3: {text}".replace("\u202e", "")]
    assert trio[2].lines == []


@pytest.mark.parametrize("name", ["The Weeknd", "小明", "std", "Ada Lovelace", "fe80x", "R2D2"])
def test_a_guest_s_first_message_may_claim_it(trio: Any, name: str) -> None:
    trio[2].says(f"{name}::hi")
    assert trio[0].lines == [f"* guest-3 is now {name}", f"{name}: hi"]


def test_a_name_that_could_be_hexadecimal(trio: Any) -> None:
    trio[2].says("Ada2::a")
    assert trio[0].lines == ["* guest-3 is now Ada2", "Ada2: a"]


def test_a_guest_that_speaks_plainly_speaks_of_code(trio: Any) -> None:
    trio[2].says("hello", "std::sort it", "Eve::hi")
    assert trio[0].lines == ["guest-3: hello", "guest-3: std::sort it", "* guest-3 is now Eve", "Eve: hi"]


@pytest.mark.parametrize("text", ["    if i:", "\tif i:", "  x  =  1", "//  x", "　全角"])
def test_indentation_is_kept(trio: Any, text: str) -> None:
    trio[0].says(text + "  ")
    assert trio[1].lines == [f"Ada: {text}".replace("\t", "    ").replace("//", "/")]


def test_commands_are_known_behind_blanks(trio: Any) -> None:
    trio[0].says("   /who  ")
    assert trio[0].lines == ["* 3 here: Ada, Bob, guest-3"]


def test_an_indented_private_line(trio: Any) -> None:
    trio[0].says("/msg Bob     return 1", "/msg Bob  a slip")
    assert trio[1].lines == ["[private from Ada]     return 1", "[private from Ada] a slip"]


@pytest.mark.parametrize("name", ["Bob", "bob", "ＢＯＢ", "Admin", "Воb"])
def test_a_refused_claim_says_nothing(trio: Any, name: str) -> None:
    trio[2].says(f"{name}::hi")
    (line,) = trio[2].lines
    assert line.startswith("* not said, you stay guest-3: ")
    assert trio[0].lines == trio[1].lines == []


def test_a_claim_without_text_names_and_says_nothing(trio: Any) -> None:
    trio[2].says("Eve::")
    assert trio[0].lines == ["* guest-3 is now Eve"]


def test_two_claims_of_one_name_in_one_tick(chat: Any, trio: Any) -> None:
    other = chat.join()
    _ = trio[0].lines
    trio[2].says("Eve::first")
    other.says("Eve::second")
    assert trio[0].lines == ["* guest-3 is now Eve", "Eve: first"]
    assert "Eve is taken; Eve2 is free" in other.lines[-1]


# -- From LABEL, NAME: text -----------------------------------------------------------------------------------------


def test_the_first_introduction_names_a_guest(trio: Any) -> None:
    trio[2].says("From Client, Scott: Hi!", "From Client, Scott:Nice to meet you!!!", "plain")
    assert trio[2].lines == [], "this client takes every line for an answer"
    assert trio[0].lines == ["* guest-3 is now Scott", "Scott: Hi!", "Scott: Nice to meet you!!!", "Scott: plain"]


def test_a_name_with_a_space_and_a_label_with_a_number(trio: Any) -> None:
    trio[2].says("From Client 2, The Weeknd: Hi!")
    assert trio[0].lines == ["* guest-3 is now The Weeknd", "The Weeknd: Hi!"]


@pytest.mark.parametrize("name", ["Ada", "Admin", "Ѕerver"])
def test_a_refused_introduction_leaves_the_guest_name_and_speaks(trio: Any, name: str) -> None:
    trio[2].says(f"From Client, {name}: Hi!", f"From Client, {name}:again")
    assert len(trio[2].lines) == 1, "told once"
    assert trio[0].lines == ["guest-3: Hi!", "guest-3: again"]


def test_a_later_introduction_does_not_rename(trio: Any) -> None:
    trio[2].says("From Client, Scott: Hi!", "From Client, Eve: I am Eve")
    assert trio[0].lines[-1] == "Scott: From Client, Eve: I am Eve"


def test_a_named_person_is_not_renamed_by_an_introduction(trio: Any) -> None:
    trio[0].says("From Client, Eve: hi", "From Server, Admin: hi", "From Anywhere, ada: hi")
    assert trio[1].lines == ["Ada: From Client, Eve: hi", "Ada: From Server, Admin: hi", "Ada: hi"]


def test_the_prefix_stays_hidden_after_nick(trio: Any) -> None:
    trio[2].says("From Client, Scott: Hi!", "/nick Scottie", "From Client, Scott: still me")
    assert trio[0].lines[-1] == "Scottie: still me"


def test_ones_own_name_however_written_is_ones_prefix(trio: Any) -> None:
    _, bob, guest = trio
    guest.says("/nick The Weeknd", "From Client, the  WEEKND: hello")
    assert bob.lines[1:] == ["The Weeknd: hello"]


def test_an_introduction_without_text_only_names(trio: Any) -> None:
    trio[2].says("From Client, Scott:")
    assert trio[0].lines == ["* guest-3 is now Scott"]


# -- nothing can be forged ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        "From Server, Admin:pay me", "\u200bFrom Server, Admin:pay me", "hi\rFrom Server, Admin:pay me",
        "hi\nFrom Server, Admin:pay me", "hi\u2028From Server, Admin:pay me", "hi\x85* Bob left", "\x1b[1G* Bob left",
        "/nick From Server, Admin", "/nick *", "From Server::Admin: hi", "*::x left", "* Bob::left", "Admin::hi",
        "From Server, Admin::hi", "/nick\u2028* Bob left", "//\r* Bob left",
    ],
)  # fmt: skip
def test_no_line_begins_like_the_servers(trio: Any, message: str) -> None:
    trio[2].says(message)
    for line in trio[0].lines:
        assert line.startswith(("guest-3: ", "* guest-3 is now "))
        assert line.isprintable()
