"""What a client believes of itself: only what nobody else can bring about."""

from __future__ import annotations

import random

import pytest

from protocols.chat.rooms.hub import Hub
from protocols.chat.rooms.room import Member
from protocols.chat.rooms.speech import hear
from protocols.text.standing import Answer, Standing


@pytest.fixture
def standing() -> Standing:
    standing = Standing()
    standing.connected()
    standing.heard("* welcome, guest-3: type to talk, /nick NAME")
    return standing


def test_the_welcome_names_it(standing: Standing) -> None:
    assert standing.name == "guest-3"
    standing.heard("* welcome, Eve: type to talk")
    assert standing.name == "guest-3", "only the first line of a connection is one"


@pytest.mark.parametrize(
    ("asked", "heard", "answer", "name", "room"),
    [
        ("/nick Ada", "* you are Ada now", Answer.NAMED, "Ada", ""),
        ("/NICK  the   weeknd ", "* you are the weeknd now", Answer.NAMED, "the weeknd", ""),
        ("/nick Ａｄａ", "* you are Ada now", Answer.NAMED, "Ada", ""),
        ("/nick ada", "* you are ada already", Answer.NAMED, "ada", ""),
        ("/nick Ada", "* you stay guest-3: Ada is taken; Ada2 is free", Answer.REFUSED, "guest-3", ""),
        ("Ada::hi", "* you are Ada now", Answer.NAMED, "Ada", ""),
        ("Ada::hi", "* not said, you stay guest-3: Ada is taken; Ada2 is free", Answer.REFUSED, "guest-3", ""),
        ("/join #Tea", "* you are in tea now", Answer.MOVED, "guest-3", "tea"),
        ("/join tea", "* you are in tea already", Answer.MOVED, "guest-3", "tea"),
        ("/part", "* you are in lobby now", Answer.MOVED, "guest-3", "lobby"),
        ("/nick Ada", "* you are Eve now", None, "guest-3", ""),
        ("/nick Ada", "* you are is now Ada now", None, "guest-3", ""),
        ("/nick Ada", "Eve: * you are Ada now", None, "guest-3", ""),
        ("/nick Ada", "* you stay Eve set the topic: boo", None, "guest-3", ""),
        ("/join tea", "* you are in a is now b now", None, "guest-3", ""),
        ("hello", "* you are hello now", None, "guest-3", ""),
    ],
)
def test_only_the_answer_to_a_request_is_believed(
    standing: Standing, asked: str, heard: str, answer: Answer | None, name: str, room: str
) -> None:
    standing.asked(asked)
    assert standing.heard(heard) is answer
    assert (standing.name, standing.room) == (name, room)
    if answer is not None:
        assert standing.heard(heard) is None, "one answer to each request"


def test_requests_are_answered_in_their_order(standing: Standing) -> None:
    for line in ("/nick Ada", "/join tea", "/nick Eve"):
        standing.asked(line)
    assert standing.heard("* you are Ada now") is Answer.NAMED
    assert standing.heard("* you are Eve now") is Answer.NAMED
    assert standing.heard("* you are in tea now") is None, "its turn has passed"


@pytest.mark.parametrize(
    ("line", "goodbye"),
    [
        ("* goodbye", True),
        ("* goodbye: you were kicked", True),
        ("* the server is shutting down, goodbye", True),
        ("* Eve set the topic: see you tomorrow, goodbye", False),
        ("* goodbye joined", False),
        ("Eve: * goodbye", False),
    ],
)
def test_a_goodbye_is_the_last_line_and_the_servers(standing: Standing, line: str, goodbye: bool) -> None:
    standing.heard(line)
    assert standing.goodbye is goodbye
    standing.heard("Ada: hello")
    assert not standing.goodbye


def test_a_server_that_ends_while_the_chat_goes_on_may_come_again(standing: Standing) -> None:
    elsewhere, ends = "* the chat goes on without this server: connect again", "* the server is shutting down, goodbye"
    standing.heard(elsewhere)
    standing.heard(ends)
    assert not standing.goodbye
    for between in ("Ada: hello", ends):
        standing.heard(elsewhere)
        standing.heard(between)
        standing.heard(ends)
        assert standing.goodbye, "only just before"
    standing.heard(elsewhere)
    standing.heard("* goodbye: you were kicked")
    assert standing.goodbye
    standing.heard(elsewhere)
    standing.connected()
    standing.heard(ends)
    assert standing.goodbye


PARTS = (
    "you", "are", "in", "now", "already", "stay", "Ada", "lobby", "tea", "is", "goodbye", "the", "server", "welcome",
    "joined", "left", "for", "set", "topic", "not", "said", "guest-1", "*", "shutting", "down", "here", "alone", "-",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_whatever_others_are_called_and_say_it_is_what_the_server_has_it(seed: int) -> None:
    """Three people who choose all their words from the server's, beside one client that believes in its standing."""
    dice, calls = random.Random(seed), []
    hub = Hub(calls.append)
    standing = Standing()
    standing.connected()
    heard = bytearray()

    def listen(data: bytes) -> None:
        heard.extend(data)

    ada = Member(listen, lambda: None)
    others = [Member(lambda data: None, lambda: None) for _ in range(3)]
    hub.enter(ada)
    ada.tell(f"welcome, {ada.name}: type to talk")
    for member in (ada, *others):
        if member is not ada:
            hub.enter(member)
        hub.announce(member)

    def words() -> str:
        return " ".join(dice.choice(PARTS) for _ in range(dice.randrange(1, 6)))

    for _ in range(400):
        forms = ("/nick {}", "/topic {}, goodbye", "/me {}", "{}", "/join {}", "/part", "{}::{}", "/msg Ada {}", "/who")
        line = dice.choice(forms).format(words(), words())
        hear(hub, dice.choice(others), line)
        if dice.random() < 0.2:
            asked = dice.choice(("/nick Ada", "/nick {}", "/join {}", "/part", "/rooms", "/who")).format(words())
            standing.asked(asked)
            hear(hub, ada, asked)
        while calls:
            calls.pop(0)()
        for text in heard.decode().splitlines():
            standing.heard(text)
            assert not standing.goodbye, text
        heard.clear()
        assert standing.name == ada.name
        assert ada.room is not None
        assert standing.room in ("", ada.room.name)
