"""Who is served when, without connections."""

from __future__ import annotations

from typing import Any

from protocols.bot import Fault, Saying
from protocols.bot.turns import Turns


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

    def __init__(self, turns: Turns, *, quick: bool = False) -> None:
        self.turns = turns
        self.quick = quick
        self.begun: list[str] = []
        self.given_up: list[str] = []

    def begin(self, question: str) -> None:
        self.begun.append(question)
        if self.quick:
            self.turns.free(self)

    def give_up(self, question: str) -> None:
        self.given_up.append(question)


def test_a_thousand_quick_answers_are_no_recursion() -> None:
    turns = Turns(Timers(), 30.0, at_once=1, longest_line=10_000)
    slow = Person(turns)
    people = [Person(turns, quick=True) for _ in range(5000)]
    for person in [slow, *people]:
        assert turns.ask(person, "?") is None
    turns.free(slow)
    assert all(person.begun == ["?"] for person in people)
    assert len(turns) == 0


def test_the_line_has_an_end() -> None:
    timers = Timers()
    turns = Turns(timers, 30.0, at_once=1, longest_line=2)
    first, second, third, fourth = (Person(turns) for _ in range(4))
    assert [turns.ask(person, "?") for person in (first, second, third, fourth)] == [None, None, None, Fault.BUSY]
    assert [turns.ask(second, "?") for _ in range(4)] == [None, None, None, Saying.WAIT], "who is in it may ask on"
    turns.leave(second)
    assert turns.ask(fourth, "!") is None
    turns.free(first)
    turns.free(third)
    assert fourth.begun == ["!"]
    assert timers.pending == []


def test_whoever_gives_up_has_the_next_question_in_line() -> None:
    timers = Timers()
    turns = Turns(timers, 30.0, at_once=1)
    first, second = Person(turns), Person(turns)
    turns.ask(first, "?")
    turns.ask(second, "a")
    turns.ask(second, "b")
    timers.pending[0].fire()
    assert second.given_up == ["a"]
    assert turns.is_busy_with(second)
    turns.free(first)
    assert second.begun == ["b"]
    turns.free(second)
    assert not turns.is_busy_with(second)
    assert timers.pending == []


def test_leaving_and_being_free_are_harmless_twice() -> None:
    turns = Turns(Timers(), 30.0, at_once=1)
    ada, bob = Person(turns), Person(turns)
    turns.ask(ada, "?")
    turns.ask(bob, "?")
    for _ in range(2):
        turns.leave(ada)
        turns.free(ada)
    assert len(turns) == 1
    assert bob.begun == ["?"]


def test_who_waits_with_a_next_question_is_not_under_way_any_more() -> None:
    turns = Turns(Timers(), 30.0, at_once=1)
    first, second = Person(turns), Person(turns)
    turns.ask(first, "a")
    turns.ask(first, "b")
    turns.ask(second, "?")
    turns.free(first)
    assert (first.begun, second.begun) == (["a"], ["?"])
    turns.leave(first)  # from the line, not from an answer
    assert len(turns) == 1
    assert turns.ask(Person(turns), "?") is None
    assert len(turns) == 1
