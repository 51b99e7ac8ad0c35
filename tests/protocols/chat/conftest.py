"""A chat without connections: people are lists of what they heard, and a tick is a call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protocols.chat.rooms.hub import Hub
from protocols.chat.rooms.room import Member
from protocols.chat.rooms.speech import hear


class Person:
    """A member, what it has heard, and whether its connection is open."""

    def __init__(self, chat: PureChat) -> None:
        self.chat = chat
        self.heard = b""
        self.writes = 0
        self.open = True
        self.member = Member(self._write, self._close)

    def _write(self, data: bytes) -> None:
        assert data, "nothing is written for nothing"
        self.writes += 1
        self.heard += data

    def _close(self) -> None:
        self.open = False

    def says(self, *messages: str) -> None:
        for message in messages:
            hear(self.chat.hub, self.member, message)

    @property
    def lines(self) -> list[str]:
        """What was heard since this was asked last; a tick passes first."""
        self.chat.tick()
        heard, self.heard = self.heard.decode(), b""
        assert heard.endswith("\n") or not heard
        return heard.split("\n")[:-1]


class PureChat:
    """A hub, and who came."""

    def __init__(self) -> None:
        self.deferred: list[Callable[[], None]] = []
        self.later: list[Callable[[], None]] = []
        self.now = 1_800_000_000.0
        self.hub = Hub(self.deferred.append, lambda _, call: self.later.append(call), wall=lambda: self.now)

    def tick(self) -> None:
        deferred, self.deferred[:] = self.deferred[:], []
        for call in deferred:
            call()

    def news(self) -> None:
        """The time passes that news of a crowd wait."""
        later, self.later[:] = self.later[:], []
        for call in later:
            call()

    def calm(self) -> None:
        """So much time has passed that who comes now gets a line."""
        for room in self.hub.rooms.values():
            room.news.calm_down()

    def join(self, name: str | None = None) -> Person:
        """Somebody comes, is announced, and forgets what it heard so far."""
        person = Person(self)
        self.hub.enter(person.member)
        if name is not None:
            self.hub.rename(person.member, name)
        self.hub.announce(person.member)
        self.calm()
        _ = person.lines
        return person


@pytest.fixture
def chat() -> PureChat:
    return PureChat()


@pytest.fixture
def trio(chat: PureChat) -> tuple[Person, Person, Person]:
    """Ada, Bob and a guest, who have heard each other come."""
    people = chat.join("Ada"), chat.join("Bob"), chat.join()
    for person in people:
        _ = person.lines
    return people
