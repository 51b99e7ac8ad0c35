"""The log in a Redis in memory: when it is up."""

from __future__ import annotations

import pytest

from protocols.chat.cluster.entries import BEGINNING, Entry, EntryID
from protocols.chat.cluster.redis_log import ALONE, LARGE, RARELY, SKIPS, TRIES, RedisLog
from reactor.testing import MemoryReactor
from tests.protocols.redis.peer import Server, array, bulk


class Reader:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def on_up(self, *, whole):
        self.told.append("up")

    def on_down(self, error):
        self.told.append("down")

    def on_entries(self, entries):
        self.told.append(entries)


def stream(*entries):
    """What XREAD is answered with: ids and fields."""
    return (
        b"%1\r\n" + bulk(b"chat:log") + array(*(array(bulk(id), array(*map(bulk, fields))) for id, fields in entries))
    )


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


def test_that_is_looked_at_more_rarely_the_longer_they_come_one_at_a_time(reactor):
    log = RedisLog(reactor, "redis://localhost")
    log._cost, log._alone, log._worth = 2 * LARGE, ALONE + 1, 0
    assert not any(log._gathers(1) for _ in range(RARELY))
    log._alone = 0  # some have come together
    assert not log._gathers(2)
    assert log._gathers(2)
    log.close()


def test_an_entry_is_read_as_it_was_written_and_what_is_none_is_left_out(reactor):
    redis = Server(reactor)
    redis.answers["XREAD"] = None
    log, reader = RedisLog(reactor, "redis://localhost"), Reader()
    log.open(reader)
    reactor.settle()
    log.read_from(BEGINNING)
    log.append("ab", 7, b'[["hear",1,"a b  c"]]', 5)
    reactor.settle()
    (written,) = [words for words in redis.seen if words[0] == b"XADD"]
    fields = written[written.index(b"*") + 1 :]
    strange = [
        (b"2-0", [b"e", b"ab 7 5"]),
        (b"2-1", [b"e"]),
        (b"2-2", [b"e", b"ab 8 x []"]),
        (b"2-3", [b"\xff", b"\xff 8 1 []"]),
    ]
    redis.connections[1].transport.write(stream((b"1-3", fields), *strange))
    reactor.settle()
    assert reader.told[-1] == [Entry(EntryID(1, 3), "ab", 7, b'[["hear",1,"a b  c"]]', 5)]
    assert redis.seen[-1][-1] == b"2-3", "it goes on behind all of them"
    log.close()


def lines_at_once(reactor, cost, counts):
    """After which reads, of so many entries each, the next was asked for in the same tick."""
    redis, at_once = Server(reactor), []
    redis.answers["XREAD"] = None
    log = RedisLog(reactor, "redis://localhost")

    class Teller(Reader):
        def on_entries(self, entries):
            asked = len(redis.seen)
            reactor.world.clock.advance(cost)
            reactor.call_soon(reactor.call_soon, lambda: at_once.append(len(redis.seen) > asked))  # in the next tick

    log.open(Teller())
    reactor.settle()
    log.read_from(BEGINNING)
    reactor.settle()
    for number, count in enumerate(counts):
        told = len(at_once)
        while len(at_once) == told:  # it may wait for more, and read again what is there
            redis.connections[1].transport.write(
                stream(*((b"%d-%d" % (number + 1, one), [b"e", b"ab 1 0 []"]) for one in range(count)))
            )
            reactor.advance(0.05)
    log.close()
    redis.down()
    return at_once


def test_where_lines_come_one_at_a_time_the_next_is_asked_for_in_the_same_tick(reactor):
    told = lines_at_once(reactor, LARGE / 10, [1] * (RARELY + 2))
    assert told == [False] * ALONE + [True] * (RARELY - ALONE - 1) + [False] + [True] * 2, "rarely it is measured"


def test_so_it_is_where_telling_is_dear_unless_more_is_waited_for(reactor):
    told = lines_at_once(reactor, 2 * LARGE, [1] * (3 * ALONE))
    assert sum(told) > ALONE
    assert not any(told[:ALONE])


def test_where_several_come_together_there_is_a_wait_between_two_reads(reactor):
    assert not any(lines_at_once(reactor, 2 * LARGE, [1, 2, 1, 1, 3] * ALONE))
    assert lines_at_once(reactor, LARGE / 10, [1] * (ALONE + 2) + [2, 1, 1])[-5:] == [True, True, False, False, False]
