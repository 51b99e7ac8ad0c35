"""`Hello, X!`"""

from __future__ import annotations

from typing import Any

import pytest

from protocols.echo import Echo
from protocols.greeting import ASK_AFTER, QUESTION, Greeting, reply


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("Ada", "Hello, Ada!"),
        ("小明::你好", "Hello, 小明::你好!"),
        ("From Client, Scott: Hi!", "Hello, From Client, Scott: Hi!!"),
        ("exit now", "Hello, exit now!"),
        ("the exit", "Hello, the exit!"),
        ("", QUESTION),
        (" \t ", QUESTION),
        ("exit", None),
        (" EXIT ", None),
        ("小明::exit", None),
    ],
)
def test_reply(message: str, answer: str | None) -> None:
    assert reply(message) == answer


@pytest.fixture
def visitor(scene: Any) -> Any:
    scene.serve(lambda: Greeting(scene.reactor))
    return scene.peer()


def test_who_speaks_first_hears_only_answers(scene: Any, visitor: Any) -> None:
    visitor.send("Ada\nBob\r\n")
    scene.advance(ASK_AFTER * 2)
    assert visitor.text == "Hello, Ada!\nHello, Bob!\n"


def test_who_is_silent_is_asked_once(scene: Any, visitor: Any) -> None:
    scene.advance(ASK_AFTER * 2)
    scene.advance(60)
    assert visitor.lines == [QUESTION]
    visitor.send("\n小明\n")
    visitor.gets("Hello, 小明!\n")
    assert visitor.lines == [QUESTION, QUESTION, "Hello, 小明!"]


def test_a_line_that_is_too_long_among_others_costs_none_of_them(scene: Any, visitor: Any) -> None:
    visitor.send(b"Ada\n" + b"x" * 5000 + b"\nBob\n")
    visitor.gets("Hello, Bob!\n")
    answers = visitor.lines
    assert (answers[0], answers[-1]) == ("Hello, Ada!", "Hello, Bob!")
    assert len(answers) == 3, "and a word about it"


def test_exit_ends_this_conversation_only(scene: Any, visitor: Any) -> None:
    other = scene.peer()
    visitor.send("Ada\nexit\nBob\n")
    visitor.ends()
    assert visitor.text == "Hello, Ada!\n"
    other.send("Bob\n")
    other.gets("Hello, Bob!\n")


def test_an_escape_sequence_is_not_returned(visitor: Any) -> None:
    visitor.send("\x1b[31mA\u202eda\n")
    visitor.gets("Hello, [31mAda!\n")


def test_the_end_is_answered(visitor: Any) -> None:
    visitor.send("Ada\nBob")
    visitor.end()
    visitor.ends()
    assert visitor.text == "Hello, Ada!\nHello, Bob!\n"


@pytest.mark.parametrize("kind", [Greeting, lambda reactor: Echo()])
def test_who_has_sent_nothing_gives_way_to_newcomers(scene: Any, kind: Any) -> None:
    served: list[Any] = []
    scene.serve(lambda: served.append(kind(scene.reactor)) or served[-1])
    peer = scene.peer()
    scene.advance(ASK_AFTER * 2)
    assert served[0].giving_way() == 2
    peer.send("A")
    scene.settle()
    assert served[0].giving_way() == 0
