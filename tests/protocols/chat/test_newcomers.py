"""Who has said nothing gives way when the server is full; who says nothing for long is sent away; the log says why."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.chat import LIMITS, TIMEOUTS, Chat, Door, Settings
from protocols.chat.journal import render
from protocols.chat.newcomers import SILENT_TIME
from protocols.chat.session import INTRODUCTION

GIVES_WAY = "* goodbye: the server is full, and nothing came from you for 30 seconds"


@pytest.fixture
def open_chat(scene: Any) -> Any:
    def open_chat(door: Door | None = None, **settings: Any) -> Chat:
        chat = Chat(scene.reactor, Settings(**settings), door)
        scene.serve(chat.session, limits=LIMITS, timeouts=TIMEOUTS)
        return chat

    return open_chat


def test_in_a_full_server_the_silent_give_way_after_a_while(scene: Any, open_chat: Any, caplog: Any) -> None:
    caplog.set_level("INFO")
    open_chat(Door(everybody=2))
    silent, talker = scene.peer(), scene.peer()
    talker.send("hello\n")
    scene.advance(SILENT_TIME - 1)
    late = scene.peer()
    late.ends()
    assert late.lines == ["* goodbye: the server is full"]
    assert not silent.ended
    scene.advance(1.1)
    silent.ends()
    assert silent.lines[-1] == GIVES_WAY
    silent.close()
    scene.settle()
    assert journal(caplog)[-1].startswith("event=evict id=1 address=127.0.0.1 name=guest-1 reason=silent ")
    newcomer = scene.peer()
    scene.advance(INTRODUCTION)
    assert newcomer.text.startswith("* welcome")
    assert not talker.ended


def test_the_seat_of_the_silent_is_free_at_once(scene: Any, open_chat: Any) -> None:
    chat = open_chat(Door(everybody=2))
    first = scene.peer()
    scene.advance(SILENT_TIME + 1)
    assert not first.ended, "there is room"
    scene.peers.remove(first)  # reads nothing any more, so that its connection lingers
    second = scene.peer()
    scene.settle()
    assert len(chat.door) == 1
    third = scene.peer()
    scene.advance(INTRODUCTION)
    assert second.text.startswith("* welcome")
    assert third.text.startswith("* welcome")
    scene.peers.append(first)
    assert first.lines[-1] == GIVES_WAY


def test_idle(scene: Any, open_chat: Any, caplog: Any) -> None:
    caplog.set_level("INFO")
    open_chat(idle=600.0)
    ada, bob = scene.peer(), scene.peer()
    scene.advance(599)
    ada.send("/who\n")
    scene.advance(2)
    bob.ends()
    bob.close()
    scene.settle()
    assert bob.lines[-1] == "* goodbye: nothing came from you for 600 seconds"
    assert journal(caplog)[-1].startswith("event=evict id=2 address=127.0.0.1 name=guest-2 reason=idle duration=60")
    assert not ada.ended
    assert ada.lines[-1] == "* 2 here: guest-1, guest-2", "nobody had heard of it"
    scene.advance(599)
    ada.ends()


def test_idle_is_off_by_default(scene: Any, open_chat: Any) -> None:
    open_chat()
    ada = scene.peer()
    scene.advance(100_000)
    assert not ada.ended


def test_the_message_of_the_day_the_topic_and_the_history_follow_the_welcome(scene: Any, open_chat: Any) -> None:
    open_chat(motd=b"* be kind\n")
    ada = scene.peer()
    ada.send("/topic tea\nhello\n")
    scene.advance(INTRODUCTION)
    assert ada.lines[1] == "* be kind"
    bob = scene.peer()
    scene.settle()
    ada.send("heard once\n")
    scene.advance(INTRODUCTION)
    lines = bob.lines
    assert lines[0].startswith("* welcome")
    assert lines[1:3] == ["* be kind", "* the topic is: tea"]
    assert [line.split("] ")[-1] for line in lines[3:]] == ["guest-1: hello", "guest-1: heard once"]


@pytest.mark.parametrize(("kept", "replayed"), [(0, 0), (2, 2)])
def test_the_lobby_keeps_as_many_lines_as_were_asked_for(scene: Any, open_chat: Any, kept: int, replayed: int) -> None:
    open_chat(history=kept)
    ada = scene.peer()
    ada.send("one\ntwo\nthree\n/history\n")
    scene.advance(INTRODUCTION)
    assert (ada.lines[-1] == "* this server keeps no history") == (kept == 0)
    bob = scene.peer()
    scene.advance(INTRODUCTION)
    assert len(bob.lines) == 1 + replayed


def journal(caplog: Any) -> list[str]:
    return [record.message for record in caplog.records if record.name == "protocols.chat"]


def test_the_log_tells_of_coming_naming_and_going_but_not_of_what_was_said(
    scene: Any, open_chat: Any, caplog: Any
) -> None:
    caplog.set_level("INFO")
    open_chat()
    ada = scene.peer()
    scene.advance(INTRODUCTION)
    ada.send("/nick The Weeknd\nsecret\nexit\n")
    ada.ends()
    ada.close()
    scene.settle()
    join, name, leave = journal(caplog)
    assert join == "event=connect id=1 address=127.0.0.1 name=guest-1"
    assert name == 'event=name id=1 old=guest-1 new="The Weeknd"'
    assert leave.startswith('event=disconnect id=1 address=127.0.0.1 name="The Weeknd" reason=quit duration=0.3 ')
    assert "secret" not in caplog.text


@pytest.mark.parametrize(("way", "reason"), [("close", "closed"), ("reset", '"[Errno 104] Connection reset by peer"')])
def test_the_log_says_how_somebody_left(scene: Any, open_chat: Any, caplog: Any, way: str, reason: str) -> None:
    caplog.set_level("INFO")
    open_chat()
    ada = scene.peer()
    ada.send("hi\n")
    scene.advance(INTRODUCTION)
    getattr(ada, way)()
    scene.settle()
    assert f" reason={reason} " in journal(caplog)[-1]


def test_a_refused_newcomer_is_one_line(scene: Any, open_chat: Any, caplog: Any) -> None:
    caplog.set_level("INFO")
    open_chat(Door(everybody=0))
    scene.peer().ends()
    assert journal(caplog) == ['event=refused address=127.0.0.1 reason="the server is full"']


def test_values_cannot_forge_a_line() -> None:
    assert render("name", {"new": "a\nevent=kick\x1b[2J \u202e"}) == 'event=name new="aevent=kick[2J "'
    assert render("x", {"a": "", "b": None, "c": 0}) == 'event=x a="" c=0'


# -- strangers, probes, health checks ---------------------------------------------------------------------------------

LONG = 60.0  # seconds: whoever could be announced has been
SECRET = "hunter2"
STRANGERS = [
    b"PASS hunter2\r\nNICK ada\r\nUSER ada 0 * :Ada\r\n",
    b"NICK hunter2\r\nUSER ada 0 * :Ada\r\n",
    b"CAP LS 302\r\nNICK hunter2\r\n",
    b"PROXY TCP4 192.0.2.77 10.0.0.5 56324 2401 hunter2\r\n",
    b"\r\n\r\n\0\r\nQUIT\nhunter2\r\n",
    b"SSH-2.0-hunter2\r\n",
    b"EHLO hunter2\r\n",
    b"*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n",
    b"AUTH hunter2\r\n",
    b"a1 LOGIN ada hunter2\r\n",
    b"OPTIONS rtsp://hunter2/ RTSP/1.0\r\n\r\n",
    b"OPTIONS sip:hunter2 SIP/2.0\r\n\r\n",
    b"GET /hunter2 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /hunter2 HTTP/1.1",
    b"\x16\x03\x01\x02\0hunter2\n",
    b"\x03\0\0\x2a\xe0\0\0\0\0\0Cookie: mstshash=hunter2\r\n",
]


@pytest.mark.parametrize("knock", STRANGERS)
def test_a_stranger_is_gone_within_a_second_and_nobody_hears_of_it(
    scene: Any, open_chat: Any, caplog: Any, knock: bytes
) -> None:
    caplog.set_level("INFO")
    chat = open_chat()
    ada = scene.peer()
    ada.send("/nick Ada\nhello\n")
    scene.advance(INTRODUCTION)
    before, logged = len(ada.lines), len(caplog.records)
    stranger = scene.peer()
    stranger.send(knock)
    scene.advance(0.9)
    stranger.ends()
    assert len(caplog.records) == logged + 1
    scene.advance(LONG)
    assert SECRET not in caplog.text
    assert len(ada.lines) == before, "nobody heard of it"
    assert all(SECRET.encode() not in said.line for said in chat.hub.lobby.history)
    newcomer = scene.peer()
    scene.advance(INTRODUCTION)
    assert newcomer.text.startswith("* welcome, guest-2:"), "and no number is burned"


@pytest.mark.parametrize("way", ["end", "close", "reset"])
@pytest.mark.parametrize("says", [b"", b"\r\n\r\n", b"\xff\xfb\x01"])
def test_a_health_check_is_unseen(scene: Any, open_chat: Any, caplog: Any, way: str, says: bytes) -> None:
    caplog.set_level("INFO")
    open_chat()
    ada = scene.peer()
    ada.send("/nick Ada\n")
    scene.advance(LONG)
    before, logged = len(ada.lines), len(journal(caplog))
    for _ in range(3):
        check = scene.peer()
        if says:
            check.send(says)
        scene.advance(1.0)
        getattr(check, way)()
        scene.settle()
    scene.advance(LONG)
    assert len(ada.lines) == before
    assert len(journal(caplog)) == logged
    newcomer = scene.peer()
    scene.advance(INTRODUCTION)
    assert newcomer.text.startswith("* welcome, guest-2:")
