"""Connections that are lost, hang or are refused, under moved time: nothing shifts, waits or spins."""

from __future__ import annotations

from protocols.redis import AnswerTimeout, ConnectionLost, RedisError, ReplyError
from tests.protocols.redis.peer import ask, bulk


def test_what_was_asked_when_the_connection_is_lost_fails_and_is_not_asked_again(reactor, server, connect):
    server.answers["GET"] = None
    client = connect()
    futures = [ask(client, "GET", "k") for _ in range(3)]
    server.reset()
    assert all(isinstance(future.exception(0), ConnectionLost) for future in futures)
    assert all(isinstance(future.exception(0), (RedisError, OSError)) for future in futures)
    reactor.advance(1)
    assert client.connected
    assert server.names("HELLO") == ["GET"] * 3
    assert ask(client, "ECHO", "on").result(0) == b"on"


def test_a_server_that_restarts_is_found_within_two_seconds(reactor, server, connect):
    client = connect()
    server.down()
    reactor.advance(60)
    assert not client.connected
    server.up()
    reactor.advance(2.1)
    assert client.connected


def test_attempts_grow_seldom(reactor, connect):
    tries = []
    connect(on_down=tries.append)
    reactor.advance(6)
    assert 5 < len(tries) < 15
    before = len(tries)
    reactor.advance(60)
    assert len(tries) - before <= 61


def test_a_server_that_hangs_up_at_once_is_not_called_all_the_time(reactor, server, connect):
    server.answers["HELLO"] = b"+OK\r\n-HTTP\r\n"  # an answer to nothing
    connect()
    reactor.advance(6)
    assert 3 < server.count < 20


def test_no_answer_in_time(reactor, server, connect):
    server.answers["GET"] = None
    client = connect(timeout=2.0)
    first = ask(client, "GET", "k")
    reactor.advance(1)
    second = ask(client, "GET", "k")
    reactor.advance(0.9)
    assert not first.done()
    reactor.advance(0.1)
    assert isinstance(first.exception(0), AnswerTimeout)
    assert isinstance(second.exception(0), ConnectionLost)
    reactor.advance(2)
    assert server.count == 2
    assert ask(client, "ECHO", "on").result(0) == b"on"


def test_every_question_has_its_own_time(reactor, server, connect):
    """The time of a question begins when it is asked, not when the one before it is answered."""
    server.answers["GET"] = None
    client = connect(timeout=2.0)
    first = ask(client, "GET", "a")
    reactor.advance(1.5)
    second = ask(client, "GET", "b")
    server.say(bulk(b"a"))
    assert first.result(0) == b"a"
    reactor.advance(1.9)
    assert not second.done()
    reactor.advance(0.2)
    assert isinstance(second.exception(0), AnswerTimeout)


def test_a_half_open_line_is_found_by_pinging(reactor, server, connect):
    client, downs = connect(ping=10.0, timeout=2.0), []
    client._on_down = downs.append
    reactor.advance(9)
    assert server.names("HELLO") == []
    reactor.advance(22)
    assert server.names("HELLO") == ["PING"] * 3
    server.answers["PING"] = None
    reactor.advance(12.1)
    assert [type(error) for error in downs] == [AnswerTimeout]
    reactor.advance(1)
    assert server.count == 2


def test_without_ping_silence_is_silence(reactor, server, connect):
    connect(ping=None)
    reactor.advance(1000)
    assert server.names() == ["HELLO"]


def test_a_full_server_is_asked_again(reactor, server, connect):
    downs = []
    server.answers["AUTH"] = b"-ERR max number of clients reached\r\n"
    client = connect("redis://:pw@localhost", on_down=downs.append)
    future = client.execute("ECHO", "hi")
    reactor.settle()
    assert not future.done()
    assert type(downs[0]) is ReplyError
    del server.answers["AUTH"]
    reactor.advance(2)
    assert future.result(0) == b"hi"
