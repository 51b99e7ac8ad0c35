"""What strangers can bring about at will fills no disk."""

from __future__ import annotations

from typing import Any

from protocols.admission.seldom import AT_ONCE, KINDS, MOST, Seldom
from protocols.chat import LIMITS, TIMEOUTS, Chat, Settings
from protocols.chat.session import MEMBERS_TOLD


def test_the_first_of_a_kind_are_told_and_the_rest_are_counted() -> None:
    seldom = Seldom()
    assert [seldom.tell("x", 1.0) for _ in range(AT_ONCE + 5)] == [0] * AT_ONCE + [None] * 5
    assert seldom.tell("y", 1.0) == 0, "another kind"
    assert seldom.tell("x", 61.0) == 5
    assert seldom.tell("x", 62.0) == 0


def test_all_together_have_a_bound() -> None:
    seldom = Seldom(kinds=10_000)
    told = [seldom.tell(number, 1.0) for number in range(MOST * 3)]
    assert told == [0] * MOST + [None] * MOST * 2
    assert seldom.tell(MOST, 61.0) == 1, "it is counted"


def test_who_comes_and_goes_fills_no_log(scene: Any, caplog: Any) -> None:
    caplog.set_level("INFO")
    chat = Chat(scene.reactor, Settings(flood_rate=0))
    scene.serve(chat.session, limits=LIMITS, timeouts=TIMEOUTS)
    for number in range(MEMBERS_TOLD + 20):
        peer = scene.peer()
        peer.send(f"/nick n{number}\nhi\n/nick m{number}\n/quit\n")
        peer.ends()
        peer.close()
    scene.settle()
    events = [record.message.split()[0] for record in caplog.records]
    for event in ("connect", "name", "disconnect"):
        assert events.count(f"event={event}") == MEMBERS_TOLD
    scene.advance(60)
    peer = scene.peer()
    peer.send("/nick late\nhi\n")
    scene.settle()
    assert "name=late untold=20" in caplog.records[-1].message


def test_it_remembers_so_many_kinds() -> None:
    seldom = Seldom()
    for number in range(KINDS * 2):
        seldom.tell(number, 0.0)
    assert len(seldom._seen) == KINDS


def test_a_knock_a_millisecond_fills_no_log(scene: Any, caplog: Any) -> None:
    caplog.set_level("INFO")
    chat = Chat(scene.reactor, Settings())
    scene.serve(chat.session, limits=LIMITS, timeouts=TIMEOUTS)
    for _ in range(50):
        peer = scene.peer()
        peer.send("GET / HTTP/1.1\r\n\r\n")
        peer.ends()
        peer.close()
    scene.settle()
    assert len(caplog.records) == AT_ONCE
    assert chat.ends["an HTTP request"] == 50, "all of them are counted"
