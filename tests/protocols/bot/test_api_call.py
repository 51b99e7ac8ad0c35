"""One call, without an API: what is left of it when the answer is there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from protocols.bot import Call, Request
from protocols.bot.api_call import LINGER, ApiCall
from reactor.testing import MemoryReactor


class Words:
    """An answer that is complete with its `.`, or with the end of the body."""

    def __init__(self) -> None:
        self.done = False

    def feed(self, data: bytes) -> list[str]:
        self.done = data.endswith(b".")
        return [data.decode()]

    def finish(self) -> list[str]:
        self.done = True
        return []


class Asked:
    """A call under way, and what came of it."""

    def __init__(self, reactor: MemoryReactor) -> None:
        self.reactor = reactor
        self.future: Future[Any] = Future()
        self.ends: list[Any] = []
        call = Call(Request("http://api/"), Words())
        self.call = ApiCall(reactor, self.fetch, call, 30.0, lambda text: False, self.ends.append, lambda *fault: None)

    def fetch(self, url: str, **options: Any) -> Future[Any]:
        self.says = options["on_data"]
        return self.future

    def ends_well(self) -> None:
        self.future.set_result(SimpleNamespace(status=200))

    @property
    def timers(self) -> list[str]:
        return [what for what in self.reactor.leftovers() if "timer" in what]


@pytest.fixture
def asked() -> Iterator[Asked]:
    with MemoryReactor() as reactor:
        yield Asked(reactor)


def test_an_answer_that_ends_with_the_body_leaves_no_timer(asked: Asked) -> None:
    asked.says(b"hello")
    asked.ends_well()
    assert asked.ends == [None]
    assert asked.timers == []


def test_an_answer_that_is_complete_before_the_body_is_waits_a_little_for_its_end(asked: Asked) -> None:
    asked.says(b"hello.")
    assert asked.ends == [None]
    asked.reactor.advance(LINGER * 0.9)
    assert not asked.future.cancelled()
    asked.reactor.advance(LINGER * 0.2)
    assert asked.future.cancelled()
    assert (asked.ends, asked.timers) == ([None], [])
