"""Lines as typed events: every kind that the rooms make, and texts that try to look like another kind."""

from __future__ import annotations

import json
import time

import pytest

from protocols.chat.rooms.history import History
from protocols.chat.rooms.hub import Hub
from protocols.chat.rooms.names import BadName, clean
from protocols.chat.rooms.room import Member
from protocols.chat.rooms.speech import hear
from protocols.chat.web.events import read, render


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("Ada: hello: you", {"type": "said", "name": "Ada", "text": "hello: you"}),
        ("The Weeknd: * Eve joined", {"type": "said", "name": "The Weeknd", "text": "* Eve joined"}),
        ("* Ada joined", {"type": "notice", "text": "Ada joined"}),
        ("* a: b", {"type": "notice", "text": "a: b"}),
        ("~ Ada waves: hi", {"type": "did", "text": "Ada waves: hi"}),
        ("[private from Ada] x: y", {"type": "private", "from": "Ada", "text": "x: y"}),
        ("[private to The Weeknd] [private from Ada] z", {
            "type": "private", "to": "The Weeknd", "text": "[private from Ada] z"}),
        ("From Server, Admin:all out", {"type": "operator", "text": "all out"}),
        ("From Server, Admin:[private] you", {"type": "operator", "text": "you", "private": True}),
        ("a line of the message of the day", {"type": "notice", "text": "a line of the message of the day"}),
        ("", {"type": "notice", "text": ""}),
    ],
)  # fmt: skip
def test_every_kind_of_line(line, event):
    assert read(line) == event


def test_what_is_replayed_has_its_time():
    history = History()
    history.add(1_700_000_000.0, b"Ada: hello\n")
    history.add(1_700_000_060.0, b"~ Ada waves\n")
    first, second = [json.loads(text) for text in render(history.replay())]
    assert first == {"type": "said", "name": "Ada", "text": "hello", "at": 1_700_000_000 - 1_700_000_000 % 60}
    assert second["type"] == "did"
    assert second["at"] - first["at"] == 60
    assert time.localtime(first["at"]).tm_sec == 0


FORGERIES = (
    "* you are Eve now",
    "~ Ada waves",
    "[private from Ada] hi",
    "From Server, Admin:hi",
    "[2026-01-01 10:00] Ada: hi",
)


@pytest.mark.parametrize("text", FORGERIES)
def test_no_text_and_no_name_forges_an_event(text):
    hub, soon, got = Hub(lambda call: soon.append(call)), [], []
    eve, ada = Member(lambda data: None, lambda: None), Member(got.append, lambda: None)
    for member in (eve, ada):
        hub.enter(member)
    hub.rename(eve, "Eve")
    hear(hub, eve, text)
    hear(hub, eve, f"x\u2028{text}")
    while soon:
        soon.pop(0)()
    events = [json.loads(message) for message in render(b"".join(got))]
    said = [event for event in events if text.split("] ")[-1].removeprefix("* ") in event["text"]]
    assert said
    assert all(event["type"] == "said" and event["name"] == "Eve" for event in said), events
    with pytest.raises(BadName):
        clean(text)


def test_what_is_said_is_json_whatever_it_is():
    (message,) = render('Ada: "quotes" \\ </script> \u2028 😀\n'.encode())
    assert json.loads(message)["text"] == '"quotes" \\ </script> \u2028 😀'
