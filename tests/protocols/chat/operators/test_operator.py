"""The operator: each command from both seats, what is typed wrong, bans, and the end of the server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocols.chat import LIMITS, TIMEOUTS, Chat, Settings, set_up_operators
from protocols.chat.operators import operator_commands as operator
from protocols.chat.operators.bans import Bans
from protocols.chat.operators.console import as_shown
from protocols.chat.operators.passwords import make
from protocols.chat.operators.powers import Caller, Powers
from protocols.chat.rooms.hub import Posted
from protocols.chat.session import INTRODUCTION

PASSWORD = "correct horse"


class Play:
    """A chat with a powers on a scene; at the console sits the test."""

    def __init__(self, scene: Any, **options: Any) -> None:
        self.scene = scene
        self.started = scene.reactor.time()
        self.chat = Chat(scene.reactor, Settings(flood_rate=0), wall=lambda: 0.0)
        self.powers: Powers = set_up_operators(self.chat, clock=self.now, **options)
        self.shown: list[str] = []
        self.public = b""
        self.chat.hub.audience.append(self._see)
        scene.serve(self.chat.session, limits=LIMITS, timeouts=TIMEOUTS)

    def now(self) -> float:
        return float(self.scene.reactor.time() - self.started)

    def _see(self, posted: Posted) -> None:
        if posted.echo:
            self.public += as_shown(posted)

    def join(self, name: str) -> Any:
        peer = self.scene.peer()
        peer.send(f"/nick {name}\n")
        peer.gets(f"* you are {name} now\n")
        self.scene.advance(INTRODUCTION)
        return peer

    def address(self, name: str, address: str) -> None:
        """As if it came from there."""
        self.chat.hub.get(name).address = address  # type: ignore[union-attr]

    def types(self, text: str) -> list[str]:
        """At the console; gives what is answered."""
        self.shown.clear()
        operator.hear(self.powers, Caller("console", lambda *notices: self.shown.extend(notices)), text)
        self.scene.settle()
        return list(self.shown)

    def asks(self, peer: Any, text: str) -> list[str]:
        """A member types; gives what it is told."""
        self.scene.settle()
        before = len(peer.lines)
        peer.send(f"{text}\n")
        self.scene.settle()
        return list(peer.lines[before:])


@pytest.fixture
def play(scene: Any) -> Play:
    return Play(scene)


@pytest.fixture
def guarded(scene: Any, tmp_path: Path) -> Play:
    """With passwords, and a file of bans."""
    path = tmp_path / "opers"
    path.write_text(f"ada:{make(PASSWORD, 4)}\n")
    path.chmod(0o600)
    return Play(scene, passwords=str(path), bans=str(tmp_path / "bans"))


def promoted(play: Play, name: str = "Ada") -> Any:
    peer = play.join(name)
    peer.send(f"/oper {PASSWORD}\n")
    peer.gets("* you are an operator now; /help lists what you can do\n")
    return peer


Ask = Callable[[str], list[str]]


@pytest.fixture(params=["console", "member"])
def seats(request: Any, guarded: Play) -> tuple[Play, Ask]:
    """The same command from both seats; a member is told it as notices."""
    if request.param == "console":
        return guarded, guarded.types
    ada = promoted(guarded)

    def ask(text: str) -> list[str]:
        return [line.removeprefix("* ") for line in guarded.asks(ada, text)]

    return guarded, ask


# -- talking ----------------------------------------------------------------------------------------------------------


def test_what_is_said_reaches_every_room(seats: tuple[Play, Ask]) -> None:
    play, ask = seats
    bob, eve = play.join("Bob"), play.join("Eve")
    eve.send("/join cave\n")
    play.scene.settle()
    ask("/say hello \x1b[1meverybody")
    for peer in (bob, eve):
        assert peer.lines[-1] == "From Server, Admin:hello [1meverybody"


def test_the_console_sees_what_other_operators_say_to_all(guarded: Play) -> None:
    ada = promoted(guarded)
    ada.send("/say hi\n")
    ada.gets("From Server, Admin:hi\n")
    assert guarded.public.endswith(b"From Server, Admin:hi\n")
    guarded.types("hello")
    assert guarded.public.endswith(b"Admin:hi\n"), "its own words it has typed itself"


@pytest.mark.parametrize(
    ("typed", "heard"), [("hi", "hi"), ("//hi", "/hi"), ("  hi  ", "  hi"), ("/SAY hi", "hi"), ("a::b", "a::b")]
)
def test_what_the_console_types_is_said(play: Play, typed: str, heard: str) -> None:
    bob = play.join("Bob")
    assert play.types(typed) == []
    assert bob.lines[-1] == f"From Server, Admin:{heard}"


@pytest.mark.parametrize("typed", ["", "   ", "/say", "\u202e"])
def test_nothing_is_not_said(play: Play, typed: str) -> None:
    bob = play.join("Bob")
    before = len(bob.lines)
    play.types(typed)
    assert len(bob.lines) == before


def test_one_alone_is_told_in_a_line_that_only_the_operator_can_send(seats: tuple[Play, Ask]) -> None:
    play, ask = seats
    bob, weeknd = play.join("Bob"), play.join("The Weeknd")
    assert ask("/to the weeknd  psst, you") == ["told The Weeknd alone: psst, you"]
    assert weeknd.lines[-1] == "From Server, Admin:[private] psst, you"
    assert "psst" not in bob.text
    assert b"psst" not in play.public
    assert bob.text.count("From Server") == 0


def test_the_topic(seats: tuple[Play, Ask]) -> None:
    play, ask = seats
    eve = play.join("Eve")
    eve.send("/join The Cave\n")
    eve.gets("* you are in The Cave now\n")
    ask("/topic #the cave  dark \u202ethings")
    eve.gets("* Admin set the topic: dark things\n")
    assert ask("/topic #The Cave") == ["the topic of The Cave is: dark things"]
    ask("/topic #The Cave -")
    eve.gets("* Admin took the topic away\n")
    assert ask("/topic #nowhere hi")[0].startswith("there is no room nowhere hi;")
    assert ask(f"/topic #lobby {'x' * 201}") == ["not set: a topic has at most 200 characters"]


def test_the_consoles_topic_is_the_lobbys(play: Play) -> None:
    bob = play.join("Bob")
    assert play.types("/topic") == ["lobby has no topic"]
    assert play.types("/topic be kind") == []
    assert bob.lines[-1] == "* Admin set the topic: be kind"
    assert play.types("/topic") == ["the topic of lobby is: be kind"]


def test_an_operators_own_room_has_its_topic_as_from_everybody(guarded: Play) -> None:
    ada, bob = promoted(guarded), guarded.join("Bob")
    assert guarded.asks(ada, "/topic be kind") == ["* the topic is: be kind"]
    assert bob.lines[-1] == "* Ada set the topic: be kind"


# -- who --------------------------------------------------------------------------------------------------------------


def test_who_is_where_from_where_and_how_long_silent(play: Play) -> None:
    assert play.types("/who") == ["nobody is here"]
    play.join("Ada")
    eve = play.join("Eve")
    eve.send("/join cave\n")
    play.address("Ada", "2001:db8::1")
    play.scene.advance(90)
    eve.send("hi\n")
    play.scene.settle()
    assert play.types("/who") == [
        "2 here: Ada, Eve",
        "Ada: in lobby, from 2001:db8::1, idle 2 minutes",
        "Eve: in cave, from 127.0.0.1, idle 1 second",
    ]
    assert play.types("/who EV")[1:] == ["Eve: in cave, from 127.0.0.1, idle 1 second"]
    assert play.types("/who 2001:db8")[0] == "1 here: Ada"
    assert play.types("/who mallory") == ["nobody here has mallory in the name or the address"]


def test_who_is_a_list_that_ends(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator, "WHO_MAX", 2)
    for name in ("Ada", "Bob", "Eve"):
        play.join(name)
    assert len(play.types("/who")) == 4
    assert play.shown[-1] == "and 1 more; /who TEXT shows those with TEXT in their name or address"


def test_guests_see_no_addresses(play: Play) -> None:
    ada = play.join("Ada")
    assert play.asks(ada, "/who") == ["* 1 here: Ada"]


# -- kick -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "told", "announced"),
    [
        ("", "* goodbye: you were kicked", "* Mal Ory was kicked"),
        (" spam \x07and eggs", "* goodbye: you were kicked: spam and eggs", "* Mal Ory was kicked: spam and eggs"),
    ],
)
def test_who_is_kicked_is_told_why_and_so_is_the_room(
    seats: tuple[Play, Ask], reason: str, told: str, announced: str
) -> None:
    play, ask = seats
    bob, mallory = play.join("Bob"), play.join("Mal Ory")
    assert "Mal Ory is gone; /ban keeps somebody out" in ask(f"/kick mal ory{reason}")
    mallory.ends()
    assert mallory.lines[-1] == told
    assert bob.lines[-1] == announced
    assert play.asks(bob, "/nick Mal Ory")[-1] == "* you are Mal Ory now"
    mallory.close()
    play.scene.until(lambda: play.chat.ends == {"kicked": 1})


def test_the_longest_name_is_meant(play: Play) -> None:
    agent, agent99 = play.join("Agent"), play.join("Agent 99")
    play.types("/kick agent 99 bottles")
    assert agent99.lines[-1] == "* goodbye: you were kicked: bottles"
    play.types("/ban Agent 99")
    assert agent.lines[-1] == "* goodbye: you are banned here for 99 minutes"


def test_somebody_not_announced_yet_can_be_kicked(play: Play) -> None:
    quick = play.scene.peer()
    play.scene.settle()
    bob = play.join("Bob")
    play.types("/kick guest-1")
    quick.ends()
    assert bob.lines[-1].startswith("* guest-1 was kicked") or "guest-1" not in bob.text


def test_operators_are_out_of_each_others_reach_but_not_of_the_consoles(guarded: Play) -> None:
    ada, bob = promoted(guarded), promoted(guarded, "Bob")
    refused = "not kicked: Bob is an operator, and only the console may do that"
    assert guarded.asks(ada, "/kick Bob") == [f"* {refused}"]
    guarded.types("/kick Bob")
    bob.ends()
    assert bob.lines[-1] == "* goodbye: you were kicked"


# -- ban --------------------------------------------------------------------------------------------------------------


def test_who_is_banned_by_name_is_kept_out_by_name_and_address(seats: tuple[Play, Ask]) -> None:
    play, ask = seats
    if ask != play.types:
        play.address("Ada", "192.0.2.1")
    bob, mallory = play.join("Bob"), play.join("Mallory")
    play.address("Bob", "192.0.2.2")
    assert ask("/ban MALLORY 30")[-1] == "Mallory, 127.0.0.1 may not come in for 30 minutes; 1 went"
    mallory.ends()
    assert mallory.lines[-1] == "* goodbye: you are banned here for 30 minutes"
    assert bob.lines[-1] == "* Mallory was banned"
    again = play.scene.peer()
    again.ends()
    assert again.lines == ["* goodbye: you are banned here for 30 minutes"]
    assert play.asks(bob, "/nick mallory") == ["* you stay Bob: that name is banned here"]
    play.scene.advance(29 * 60 + 59)
    assert play.asks(bob, "/nick mallory") == ["* you stay Bob: that name is banned here"]
    play.scene.advance(1.01)
    play.join("Mallory")


@pytest.mark.parametrize("undone", ["mallory", "127.0.0.1", "::ffff:127.0.0.1"])
def test_either_undoes_it(seats: tuple[Play, Ask], undone: str) -> None:
    play, ask = seats
    if ask != play.types:
        play.address("Ada", "192.0.2.1")
    play.join("Mallory")
    ask("/ban Mallory")
    assert ask("/bans") == ["Mallory, 127.0.0.1"]
    assert ask(f"/unban {undone}") == ["Mallory, 127.0.0.1 may come in again"]
    assert ask("/bans") == ["nobody is banned"]
    play.join("Mallory")


def test_an_address_is_banned_with_all_who_are_there(seats: tuple[Play, Ask]) -> None:
    play, ask = seats
    peers = {name: play.join(name) for name in ("Bob", "Eve", "Oscar")}
    for name, address in (("Bob", "192.0.2.1"), ("Eve", "192.0.2.200"), ("Oscar", "198.51.100.1")):
        play.address(name, address)
    assert ask("/ban 192.0.2.7/24")[-1] == "192.0.2.0/24 may not come in; 2 went"
    for name in ("Bob", "Eve"):
        peers[name].ends()
        assert peers[name].lines[-1] == "* goodbye: you are banned here"
    assert play.chat.refuses("192.0.2.77") == "you are banned here"
    assert play.chat.refuses("198.51.100.1") is None
    assert ask("/unban 192.0.2.77") == ["that is within 192.0.2.0/24; /unban 192.0.2.0/24 undoes all of it"]
    assert ask("/unban 192.0.2.0/24") == ["192.0.2.0/24 may come in again"]


def test_others_from_the_address_of_a_banned_name_stay_and_are_mentioned(play: Play) -> None:
    bob = play.join("Bob")
    play.join("Mallory")
    assert play.types("/ban Mallory") == [
        "Mallory, 127.0.0.1 may not come in; 1 went",
        "1 is still here from that address; /ban 127.0.0.1 sends them away too",
        "whoever of them leaves may not come back; /unban Mallory lets all of them in again",
    ]
    assert not bob.ended
    play.types("/ban 127.0.0.1")
    bob.ends()


def test_whoever_is_not_here_is_banned_by_name(play: Play) -> None:
    assert play.types("/ban The Weeknd 5") == [
        "The Weeknd may not come in for 5 minutes; that is the name only: nobody had it in the last hour"
    ]
    bob = play.join("Bob")
    assert play.asks(bob, "/nick THE WEEKND") == ["* you stay Bob: that name is banned here"]


@pytest.mark.parametrize("typed", ["/ban max 10", "/ban MAX"])
def test_who_has_just_gone_is_banned_with_its_address(play: Play, typed: str) -> None:
    play.chat.hub.wall = play.now
    pest = play.join("Max")
    play.address("Max", "192.0.2.7")
    play.types("/kick Max")
    pest.ends()
    lasts = " for 10 minutes" if "10" in typed else ""
    name = typed.split()[1]
    assert play.types(typed) == [
        f"{name}, 192.0.2.7 may not come in{lasts}; {name} had left already, from that address"
    ]
    assert play.powers.refuses("192.0.2.7") == f"you are banned here{lasts}"


def test_where_somebody_was_is_known_for_an_hour(play: Play) -> None:
    play.chat.hub.wall = play.now
    play.join("Max")
    play.address("Max", "192.0.2.7")
    play.types("/kick Max")
    play.scene.advance(3600)
    assert play.types("/ban Max") == ["Max may not come in; that is the name only: nobody had it in the last hour"]
    assert play.powers.refuses("192.0.2.7") is None


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/ban", "not banned: /ban ADDRESS or /ban NICK, and for how many minutes if not for ever"),
        ("/ban Bob soon", "not banned: soon is no number of minutes from 1 to 5,270,400"),
        ("/ban Bob 0", "not banned: 0 is no number of minutes from 1 to 5,270,400"),
        ("/ban Bob -1", "not banned: -1 is no number of minutes from 1 to 5,270,400"),
        ("/ban Bob ²", "not banned: ² is no number of minutes from 1 to 5,270,400"),
        (f"/ban Bob {'9' * 5000}", "not banned: 999"),
        ("/ban 192.0.2.1 ever", "not banned: ever is no number"),
        ("/ban 192.0.2.256:80", "not banned: a name has no ':'"),
        ("/ban 10.0.0.0/33", "not banned: 10.0.0.0/33 is no address"),
        ("/ban 192.0.2 30", "not banned: 192.0.2 is no address"),
        ("/ban Admin", "not banned: that name is reserved"),
        ("/unban", "whom? /unban ADDRESS or /unban NICK; /bans lists them"),
        ("/unban Bob", "nobody is banned as Bob; /bans lists those who are"),
        ("/unban 192.0.2.1", "nobody is banned as 192.0.2.1; /bans"),
        ("/kick", "not kicked: /kick NICK [REASON]"),
        ("/kick Mallory hard", "not kicked: nobody here is called Mallory; /who lists who is here"),
        ("/to", "not said: /to NICK TEXT"),
        ("/to Bob", "not said: what should Bob be told?"),
        ("/to Bob \u202e", "not said: what should Bob be told?"),
        ("/to Mallory hi", "not said: nobody here is called Mallory; /who"),
        ("/to \x1b[1mMallory hi", "not said: nobody here is called [1mMallory; /who"),
        ("/shutdown now", "not shut down: /shutdown [SECONDS], up to 604,800, or /shutdown cancel"),
        ("/shutdown -5", "not shut down: /shutdown [SECONDS], up to 604,800, or /shutdown cancel"),
        ("/shutdown 604801", "not shut down: /shutdown"),
        ("/shutdown cancel", "nothing to cancel: the server stays"),
    ],
)
def test_what_is_typed_wrong_is_told_and_does_nothing(seats: tuple[Play, Ask], typed: str, answer: str) -> None:
    play, ask = seats
    bob = play.join("Bob")
    heard = bob.text
    typed = typed.encode(errors="replace").decode()[:2000]
    (said,) = ask(typed)
    assert said.startswith(answer)
    assert bob.text == heard
    assert len(play.powers.bans.bans) == 0


def test_an_operator_does_not_ban_itself_or_another(guarded: Play) -> None:
    ada, bob = promoted(guarded), promoted(guarded, "Bob")
    itself = "* not banned: you come from that address yourself; it can only be banned at the console"
    assert guarded.asks(ada, "/ban 127.0.0.0/8") == [itself]
    assert guarded.asks(ada, "/ban Ada") == [itself]
    assert guarded.asks(ada, "/ban Bob") == [itself], "from the same address"
    guarded.address("Bob", "192.0.2.1")
    spared = "* not banned: Bob is an operator, and only the console may do that"
    assert guarded.asks(ada, "/ban Bob") == guarded.asks(ada, "/ban 192.0.2.0/24") == [spared]
    guarded.types("/ban 127.0.0.1")
    ada.ends()
    assert not bob.ended


def test_there_is_no_room_for_more_bans(play: Play) -> None:
    play.powers.bans.bans = Bans(limit=1)
    play.types("/ban Eve")
    (said,) = play.types("/ban Mallory")
    assert said == "not banned: there are 1 bans, and no more can be: /unban some, or ban a network"


def test_the_list_of_bans_ends(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator, "BANS_MAX", 2)
    for name in ("A", "B", "C"):
        play.types(f"/ban {name} 61")
    assert play.types("/bans") == ["3 bans, the latest last:", "B for 61 minutes", "C for 61 minutes"]


def test_bans_outlive_the_server(guarded: Play, scene: Any, tmp_path: Path) -> None:
    guarded.types("/ban Mallory 5")
    guarded.powers.bans.finish()
    assert "Mallory, until 1970-01-01 00:0" in (tmp_path / "bans").read_text()
    again = set_up_operators(Chat(scene.reactor), str(tmp_path / "bans"), clock=lambda: 0.0)
    assert again.hub.authority.is_banned("mallory")


# -- becoming one -----------------------------------------------------------------------------------------------------


def test_a_member_becomes_an_operator_and_what_it_sends_next_waits_for_that(guarded: Play) -> None:
    bob = guarded.join("Bob")
    ada = guarded.scene.peer()
    ada.send(f"hello\n/oper {PASSWORD}\n/stats\n/help\nworld\n")
    ada.gets("* you are an operator now; /help lists what you can do\n* up ")
    ada.gets("* and as an operator:\n")
    bob.gets("guest-2: hello\nguest-2: world\n")
    assert PASSWORD not in bob.text
    assert PASSWORD.encode() not in guarded.public
    assert guarded.asks(ada, "/oper whatever") == ["* you are an operator already; /help lists what you can do"]
    assert "operator ada" in guarded.types("/who")[-1]


def test_who_has_no_newline_and_leaves_at_once_harms_nothing(guarded: Play) -> None:
    bob = guarded.join("Bob")
    ada = guarded.scene.peer()
    ada.send(f"/oper {PASSWORD}")
    ada.end()
    ada.ends()
    for way in ("close", "reset"):
        quick = guarded.scene.peer()
        quick.send("/oper wrong horse\nand more\n" * 2)
        guarded.scene.reactor._tick()
        getattr(quick, way)()
    guarded.scene.until(lambda: len(guarded.chat.hub) == 1)
    guarded.scene.until(lambda: guarded.scene.reactor._jobs.pending == 0)
    guarded.scene.settle()
    assert "horse" not in bob.text


@pytest.mark.loud
def test_who_bans_is_told_that_the_file_cannot_be_written(guarded: Play, tmp_path: Path) -> None:
    (tmp_path / "bans").mkdir()
    guarded.types("/ban Eve 5")
    guarded.scene.until(lambda: len(guarded.shown) == 2)
    assert guarded.shown[1] == "banned all the same, but the file of bans cannot be written now: not a file"
    guarded.types("/unban Eve")
    guarded.scene.until(lambda: len(guarded.shown) == 2)
    assert guarded.shown[1] == "done, but the file of bans cannot be written now: not a file"
    (tmp_path / "bans").rmdir()
    assert len(guarded.types("/ban Eve")) == 1
    guarded.scene.until((tmp_path / "bans").exists)
    guarded.scene.settle()
    assert len(guarded.shown) == 1


def test_three_wrong_passwords(guarded: Play, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mallory = guarded.join("Mallory")
    mallory.send("/oper guess one\n/OPER guess two\n/oper guess three\n")
    mallory.gets("* that is not the password; you wait up to 10 minutes now\n")
    other = guarded.join("Other")
    other.send(f"/oper {PASSWORD}\n")
    other.gets("you are an operator now")
    assert guarded.asks(mallory, f"/oper {PASSWORD}") == ["* after 3 wrong passwords you wait: 10 minutes left"]
    guarded.scene.advance(600)
    mallory.send(f"/oper {PASSWORD}\n")
    mallory.gets("you are an operator now")
    assert "guess" not in caplog.text
    assert PASSWORD not in caplog.text
    assert caplog.text.count("operator=no") == 4


def test_without_passwords_nobody_becomes_an_operator(play: Play) -> None:
    bob = play.join("Bob")
    assert play.asks(bob, "/oper x") == ["* nobody becomes an operator here, but at the console of the server"]
    assert play.asks(bob, "/stats")[0].startswith("* there is no /stats;")


@pytest.mark.parametrize("typed", ["/oper", "/oper  "])
def test_an_empty_password_is_no_try(guarded: Play, typed: str) -> None:
    bob = guarded.join("Bob")
    assert guarded.asks(bob, typed) == ["* /oper PASSWORD, on one line"]


@pytest.mark.parametrize(
    "typed",
    [
        "//oper sesame open",
        "/ oper sesame",
        "7oper sesame",
        "/oper: sesame",
        "/opre sesame",
        ".oper sesame",
        "\\oper sesame open",
        "／oper sesame",
        "!OPER sesame",
        "oper sesame",
        "Oper sesame and more",
        "Oper: sesame",
        "Bob::/oper sesame open",
        "From Client, Bob: /oper sesame",
        "   /oper sesame",
        "\t/oper sesame",
        "\u200b/oper sesame",
    ],
)
def test_a_password_that_is_mistyped_is_not_said(guarded: Play, typed: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ada, bob = guarded.join("Ada"), guarded.join("Bob")
    bob.send(f"{typed}\nnext\n")
    ada.gets("Bob: next\n")
    assert "sesame" not in ada.text
    assert b"sesame" not in guarded.public
    assert "sesame" not in caplog.text
    assert len(guarded.chat.hub.lobby.history) == 1


@pytest.mark.parametrize(
    "said", ["die Oper ist schön", "the oper is here", "oper", "operation complete", "opera tonight"]
)
def test_other_words_are_said(guarded: Play, said: str) -> None:
    ada, bob = guarded.join("Ada"), guarded.join("Bob")
    bob.send(f"{said}\n")
    ada.gets(f"Bob: {said}\n")


def test_where_nobody_has_a_password_nothing_is_taken_for_one(play: Play) -> None:
    ada, bob = play.join("Ada"), play.join("Bob")
    bob.send("oper München\n")
    ada.gets("Bob: oper München\n")


def test_an_operator_hears_of_its_commands_and_a_guest_of_its_own(guarded: Play) -> None:
    ada, bob = promoted(guarded), guarded.join("Bob")
    shown = guarded.asks(ada, "/help")
    for word in operator.COMMANDS:
        assert any(f" {word}" in line for line in shown) is (word != "/nodes"), "a server alone is no cluster"
    assert any("/nick NAME" in line for line in shown)
    assert not any("/kick" in line for line in guarded.asks(bob, "/help"))
    assert [line for line in guarded.types("/help") if "/nick" in line] == []
    assert guarded.types("/nope \x1b[1m")[0].startswith("there is no /nope here; /help")


# -- the server -------------------------------------------------------------------------------------------------------


def test_the_numbers_of_the_server(seats: tuple[Play, Ask]) -> None:
    play, ask = seats
    bob, eve = play.join("Bob"), play.join("Eve")
    bob.send("hi\n")
    eve.gets("Bob: hi\n")
    eve.reset()
    play.types("/kick Bob")
    bob.close()
    play.scene.until(lambda: sum(play.chat.ends.values()) == 2)
    play.types("/ban 127.0.0.1" if ask == play.types else "/ban 192.0.2.9")
    if ask == play.types:
        play.scene.peer().ends()
    lines = ask("/stats")
    assert lines[0].startswith("up 1 second; people ")
    assert lines[0].endswith(", rooms 1, lines said 1")
    assert lines[1].startswith("came ")
    assert lines[1].endswith(f"refused {int(ask == play.types)}, told to wait 0, bans 1")
    assert "1 kicked" in lines[2]
    assert " MiB; waiting to be sent 0 KiB; timers " in lines[3]


def test_a_shutdown_says_goodbye_and_stops(seats: tuple[Play, Ask]) -> None:
    play, ask = seats
    bob = play.join("Bob")
    ask("/shutdown")
    bob.ends()
    assert bob.lines[-1] == "* the server is shutting down, goodbye"
    play.scene.advance(5)
    assert play.scene.reactor.stats()["listeners"] == play.scene.reactor.stats()["connections"] == 0


def test_a_shutdown_is_announced_and_taken_back(seats: tuple[Play, Ask]) -> None:
    play, ask = seats
    bob = play.join("Bob")
    heard = len(bob.lines)
    ask("/shutdown 90")
    play.scene.advance(85)
    ask("/Shutdown CANCEL")
    play.scene.advance(600)
    assert bob.lines[heard:] == [
        "From Server, Admin:the server shuts down in 90 seconds",
        "From Server, Admin:the server shuts down in 1 minute",
        "From Server, Admin:the server shuts down in 10 seconds",
        "From Server, Admin:the server stays",
    ]
    ask("/shutdown 5")
    ask("/shutdown 20")
    play.scene.advance(15)
    assert not bob.ended, "the later word counts"
    play.scene.advance(5)
    bob.ends()
    assert play.public.count(b"shuts down in 10 seconds") == 2, "the console sees it as well"


# -- the log ----------------------------------------------------------------------------------------------------------


def test_what_an_operator_does_is_in_the_log_and_what_is_said_is_not(
    guarded: Play, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ada = promoted(guarded)
    for name, address in (("Bob", "192.0.2.1"), ("Mal Ory", "192.0.2.2")):
        guarded.join(name)
        guarded.address(name, address)
    caplog.clear()
    for text in ("/say secret", "/to Bob secret", "/kick Bob \x1bspam", "/ban Mal Ory 5", "/unban Mal Ory"):
        guarded.asks(ada, text)
    guarded.types("/topic #lobby secret")
    guarded.types("/shutdown 60")
    done = [record.getMessage() for record in caplog.records if "event=operator" in record.getMessage()]
    assert [line.replace("event=operator ", "") for line in done] == [
        "by=ada did=say",
        "by=ada did=to id=2 address=192.0.2.1 name=Bob",
        "by=ada did=kick id=2 address=192.0.2.1 name=Bob reason=spam",
        'by=ada did=ban ban="Mal Ory, 192.0.2.2" minutes=5',
        'by=ada did=kick id=3 address=192.0.2.2 name="Mal Ory" reason=banned',
        'by=ada did=unban ban="Mal Ory, 192.0.2.2"',
        "by=console did=topic room=lobby",
        "by=console did=shutdown seconds=60.0",
    ]
    assert "secret" not in caplog.text


@pytest.mark.parametrize("name", ["192.0.2.1", "192.0.2.0/24", "１９２.0.2.1"])
def test_nobody_is_called_as_an_address_to_be_banned_in_its_stead(play: Play, name: str) -> None:
    bob = play.join("Bob")
    assert play.asks(bob, f"/nick {name}") == ["* you stay Bob: an address is no name"]
    assert play.asks(bob, "/nick 7 of 9") == ["* you are 7 of 9 now"]


@pytest.mark.parametrize("line", ["Mallory", "192.0.2.0/24", "Eve, 192.0.2.7, until 1970-01-02 00:00Z"])
def test_a_ban_written_into_the_file_sends_away_who_is_in(guarded: Play, tmp_path: Path, line: str) -> None:
    mallory, bob = guarded.join("Mallory"), guarded.join("Bob")
    guarded.address("Mallory", "192.0.2.7")
    (tmp_path / "bans").write_text(f"{line}\n")
    guarded.powers.bans.reread()
    bob.gets("* Mallory was banned\n")
    assert any(text.startswith("* goodbye: you are banned here") for text in mallory.lines)
    assert guarded.powers.hub.get("Bob") is not None


@pytest.mark.parametrize("typed", ["exit", "EXIT", "/quit", "/exit"])
def test_nobody_says_exit_by_mistake_at_the_console(play: Play, typed: str) -> None:
    bob = play.join("Bob")
    before = len(bob.lines)
    (line,) = play.types(typed)
    assert line.startswith("/shutdown ends the server")
    assert len(bob.lines) == before


def test_the_console_lists_the_rooms(play: Play) -> None:
    bob = play.join("Bob")
    bob.send("/join tea\n/topic green\n")
    play.scene.settle()
    assert play.types("/rooms") == ["tea (1) green", "lobby (0)"]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/msg Ada psst", "told Ada alone: psst"),
        ("/names", "1 here: Ada"),
        ("/LIST", "lobby (1)"),
        ("/w", "not said: /to"),
    ],
)
def test_the_words_of_members_and_other_chats_work_at_the_console(play: Play, typed: str, answer: str) -> None:
    play.join("Ada")
    assert answer in "\n".join(play.types(typed))


def test_the_console_hears_who_becomes_an_operator_who_guesses_and_what_operators_do(guarded: Play) -> None:
    told: list[str] = []
    guarded.powers.consoles.append(told.append)
    bob = guarded.join("Bob")
    bob.send("/oper guess one\n")
    guarded.scene.until(lambda: told)
    assert told == ["/oper from Bob, 127.0.0.1: that is not the password; 2 more tries"]
    told.clear()
    ada = promoted(guarded)
    ada.send("/kick Bob\n/say good morning\n")
    guarded.scene.settle()
    assert told == ["Ada is an operator now: ada", "operator ada: kick Bob", "operator ada: say"]
    told.clear()
    guarded.types("/say hello")
    assert told == [], "what is typed there is there already"
