"""Who is served when, without connections."""

from __future__ import annotations

from typing import Any

from protocols.bot import Fault, Saying
from protocols.bot.turns import Desk


class Timers:
    """`call_later` as a list."""

    def __init__(self) -> None:
        self.pending: list[Any] = []

    def __call__(self, delay: float, call: Any, *args: Any) -> Any:
        timers = self

        class Timer:
            def cancel(self) -> None:
                timers.pending.remove(self)

            def fire(self) -> None:
                timers.pending.remove(self)
                call(*args)

        self.pending.append(Timer())
        return self.pending[-1]


class Person:
    """Writes down what happens to its questions; `quick` has its answers at once."""

    def __init__(self, desk: Desk, *, quick: bool = False) -> None:
        self.desk = desk
        self.quick = quick
        self.begun: list[str] = []
        self.given_up: list[str] = []

    def begin(self, question: str) -> None:
        self.begun.append(question)
        if self.quick:
            self.desk.free(self)

    def give_up(self, question: str) -> None:
        self.given_up.append(question)


def test_a_thousand_quick_answers_are_no_recursion() -> None:
    desk = Desk(Timers(), 30.0, at_once=1, longest_line=10_000)
    slow = Person(desk)
    people = [Person(desk, quick=True) for _ in range(5000)]
    for person in [slow, *people]:
        assert desk.ask(person, "?") is None
    desk.free(slow)
    assert all(person.begun == ["?"] for person in people)
    assert len(desk) == 0


def test_the_line_has_an_end() -> None:
    timers = Timers()
    desk = Desk(timers, 30.0, at_once=1, longest_line=2)
    first, second, third, fourth = (Person(desk) for _ in range(4))
    assert [desk.ask(person, "?") for person in (first, second, third, fourth)] == [None, None, None, Fault.BUSY]
    assert [desk.ask(second, "?") for _ in range(4)] == [None, None, None, Saying.WAIT], "who is in it may ask on"
    desk.leave(second)
    assert desk.ask(fourth, "!") is None
    desk.free(first)
    desk.free(third)
    assert fourth.begun == ["!"]
    assert timers.pending == []


def test_whoever_gives_up_has_the_next_question_in_line() -> None:
    timers = Timers()
    desk = Desk(timers, 30.0, at_once=1)
    first, second = Person(desk), Person(desk)
    desk.ask(first, "?")
    desk.ask(second, "a")
    desk.ask(second, "b")
    timers.pending[0].fire()
    assert second.given_up == ["a"]
    assert desk.is_busy_with(second)
    desk.free(first)
    assert second.begun == ["b"]
    desk.free(second)
    assert not desk.is_busy_with(second)
    assert timers.pending == []


def test_leaving_and_being_free_are_harmless_twice() -> None:
    desk = Desk(Timers(), 30.0, at_once=1)
    ada, bob = Person(desk), Person(desk)
    desk.ask(ada, "?")
    desk.ask(bob, "?")
    for _ in range(2):
        desk.leave(ada)
        desk.free(ada)
    assert len(desk) == 1
    assert bob.begun == ["?"]
