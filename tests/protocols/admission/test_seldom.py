"""What strangers can bring about at will fills no disk."""

from __future__ import annotations

from typing import Any

from protocols.admission.seldom import AT_ONCE, KINDS, Seldom
from protocols.chat import LIMITS, TIMEOUTS, Chat, Settings


def test_the_first_of_a_kind_are_told_and_the_rest_are_counted() -> None:
    seldom = Seldom()
    assert [seldom.tell("x", 1.0) for _ in range(AT_ONCE + 5)] == [0] * AT_ONCE + [None] * 5
    assert seldom.tell("y", 1.0) == 0, "another kind"
    assert seldom.tell("x", 61.0) == 5
    assert seldom.tell("x", 62.0) == 0


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
