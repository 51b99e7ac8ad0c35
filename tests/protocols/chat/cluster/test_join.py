"""An attempt to join that goes wrong where the joiner takes it over is over, and says so."""

from __future__ import annotations

import pytest

from protocols.chat.cluster.join import Join
from reactor.testing import MemoryReactor


class Log:
    """Takes the word, and has this for a state."""

    def __init__(self, state):
        self.state = state

    def append(self, name, number, data, read, on_written):
        on_written((1, 0))

    def fetch_state(self, name, on_answer):
        on_answer(self.state)


class Joiner:
    def __init__(self):
        self.failed = []

    def on_state(self, join, state):
        raise KeyError("a state of another version")

    def on_not_joined(self, join):
        self.failed.append(join)


@pytest.mark.loud
def test_a_state_that_cannot_be_taken_over_is_an_attempt_that_failed(caplog):
    with MemoryReactor() as reactor:
        joiner = Joiner()
        join = Join(reactor, Log(b"?"), joiner, "title", ("name", 0, False), 10.0, 0.3)
        join.begin()
        reactor.advance(5)
        assert joiner.failed == [join]
        assert "a server could not join its cluster" in caplog.text
