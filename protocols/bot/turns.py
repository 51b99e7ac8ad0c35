"""Who is served when: one question of each at a time, so many in all, in turn. Pure but for a timer it is given.

    ask -> taken and begun | taken and in line | Saying.WAIT: this one asked too much | Fault.BUSY: the line is too long

Whoever has more questions goes to the end of the line after each: a person with three waits no shorter for the third
than a newcomer for the first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from .sayings import Fault, Saying

AT_ONCE = 8  # questions under way in all: what an API of one key bears, and a machine with one model
QUEUED = 3  # questions of one person behind the one under way: a thought in four lines
LONGEST_LINE = 1000  # people in line: with eight at a time and seconds for each, the last waits too long already


class Timer(Protocol):
    def cancel(self) -> None: ...


class Questioner(Protocol):
    """Somebody with questions."""

    def begin(self, question: str) -> None:
        """It is its turn. It calls `Turns.free` when the question is over, at once or later."""

    def give_up(self, question: str) -> None:
        """The question has waited too long, and will not be asked."""


class _Place:
    """What is known of somebody with questions."""

    __slots__ = ("active", "questions", "timer")

    def __init__(self) -> None:
        self.questions: deque[str] = deque()
        self.active = False
        self.timer: Timer | None = None


class Turns:
    """Serves people with questions.

    call_later: as the reactor's; it ends what would wait for more than `patience` seconds for its turn.
    """

    def __init__(
        self,
        call_later: Callable[..., Timer],
        patience: float,
        at_once: int = AT_ONCE,
        queued: int = QUEUED,
        longest_line: int = LONGEST_LINE,
    ) -> None:
        self._call_later = call_later
        self._patience = patience
        self._at_once = at_once
        self._queued = queued
        self._longest_line = longest_line
        self._places: dict[Any, _Place] = {}
        self._line: dict[Any, None] = {}  # in order
        self._under_way = 0
        self._serving = False

    def __len__(self) -> int:
        return self._under_way

    def ask(self, asker: Questioner, question: str) -> Saying | Fault | None:
        """Take a question; or give the reason why it is not taken."""
        place = self._places.get(asker)
        if place is None:
            if len(self._line) >= self._longest_line:
                return Fault.BUSY
            place = self._places[asker] = _Place()
        if len(place.questions) + place.active > self._queued:
            return Saying.WAIT
        place.questions.append(question)
        if not place.active and asker not in self._line:
            self._enter(asker, place)
        return None

    def free(self, asker: Questioner) -> None:
        """The question of `asker` that was under way is over."""
        place = self._places.get(asker)
        if place is None or not place.active:
            return
        place.active = False
        self._under_way -= 1
        if place.questions:
            self._enter(asker, place)
        else:
            del self._places[asker]
            self._serve()

    def leave(self, asker: Questioner) -> None:
        """`asker` is gone, with all its questions. What is under way it has ended itself."""
        place = self._places.pop(asker, None)
        if place is None:
            return
        self._line.pop(asker, None)
        self._stop_waiting(place)
        if place.active:
            self._under_way -= 1
            self._serve()

    def is_busy_with(self, asker: Questioner) -> bool:
        """Whether `asker` has a question under way or waiting."""
        return asker in self._places

    def _enter(self, asker: Questioner, place: _Place) -> None:
        self._line[asker] = None
        self._serve()
        if asker in self._line and place.timer is None:
            place.timer = self._call_later(self._patience, self._on_tired, asker)

    def _serve(self) -> None:
        if self._serving:
            return  # an answer that came at once: the loop below goes on with whoever is next
        self._serving = True
        try:
            while self._line and self._under_way < self._at_once:
                self._begin(next(iter(self._line)))
        finally:
            self._serving = False

    def _begin(self, asker: Questioner) -> None:
        del self._line[asker]
        place = self._places[asker]
        self._stop_waiting(place)
        place.active = True
        self._under_way += 1
        asker.begin(place.questions.popleft())

    def _on_tired(self, asker: Questioner) -> None:
        place = self._places[asker]
        place.timer = None
        del self._line[asker]
        question = place.questions.popleft()
        if place.questions:
            self._enter(asker, place)
        else:
            del self._places[asker]
        asker.give_up(question)

    def _stop_waiting(self, place: _Place) -> None:
        if place.timer is not None:
            place.timer.cancel()
            place.timer = None
