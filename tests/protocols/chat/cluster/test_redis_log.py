"""The log in a Redis in memory: when it is up."""

from __future__ import annotations

import pytest

from protocols.chat.cluster.redis_log import LARGE, SKIPS, TRIES, RedisLog
from reactor.testing import MemoryReactor
from tests.protocols.redis.peer import Server


class Reader:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def on_up(self, *, whole):
        self.told.append("up")

    def on_down(self, error):
        self.told.append("down")


@pytest.fixture
def reactor():
    with MemoryReactor() as reactor:
        yield reactor


def test_it_is_up_once_when_both_connections_are(reactor):
    redis = Server(reactor)
    log, reader = RedisLog(reactor, "redis://localhost"), Reader()
    log.open(reader)
    reactor.settle()
    assert (len(redis.connections), reader.told) == (2, ["up"])
    redis.connections[0].transport.abort()  # one alone
    reactor.settle()
    assert (log.is_up, reader.told) == (False, ["up", "down"])
    reactor.advance(2)
    assert (log.is_up, reader.told) == (True, ["up", "down", "up"])
    log.close()


def test_the_first_of_a_burst_waits_for_the_rest_where_telling_is_dear(reactor):
    log = RedisLog(reactor, "redis://localhost")
    assert not log._gathers(1), "it costs nothing yet"
    log._cost = 2 * LARGE
    for _ in range(10):
        assert log._gathers(1)
        assert not log._gathers(50), "there is more than before: it was worth it"
    for _ in range(TRIES):
        assert log._gathers(1)
        assert not log._gathers(1), "in vain"
    assert not any(log._gathers(1) for _ in range(SKIPS)), "lines come one at a time"
    assert any(log._gathers(1) for _ in range(3)), "and that is looked at again"
    log.close()
