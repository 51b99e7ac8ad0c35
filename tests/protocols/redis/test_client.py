"""The client against a server in memory, under moved time: questions, answers, and a client that ends."""

from __future__ import annotations

import asyncio

import pytest

from protocols.admission.quiet import LINES
from protocols.redis import (
    AnswerTimeout,
    ClientClosed,
    ConnectionLost,
    Prepared,
    RedisClient,
    RedisError,
    ReplyError,
    TooMuchWaiting,
)
from reactor.testing import MemoryReactor
from tests.protocols.redis.peer import OK, URL, Server, array, ask, bulk


def test_a_question_and_its_answer(server, connect):
    client = connect()
    assert client.connected
    assert ask(client, "ECHO", "hi").result(0) == b"hi"
    assert server.names() == ["HELLO", "ECHO"]


def test_what_is_asked_in_a_tick_leaves_in_one_send(server, connect):
    client, answers = connect(), []
    reads = server.reads
    for number in range(100):
        client.call(answers.append, "ECHO", number)
    client._reactor.settle()
    assert answers == [b"%d" % number for number in range(100)]
    assert server.reads == reads + 1


def test_errors_are_of_their_question_alone(server, connect):
    server.answers["GET"] = b"-WRONGTYPE not a string\r\n"
    server.answers["EXEC"] = array(b":1\r\n", b"-MOVED 3999 127.0.0.1:6381\r\n")
    client = connect()
    error = ask(client, "GET", "k").exception(0)
    assert isinstance(error, ReplyError)
    assert error.code == "WRONGTYPE"
    one, moved = ask(client, "EXEC").result(0)
    assert one == 1
    assert isinstance(moved, RedisError)
    assert str(moved).startswith("MOVED ")
    assert ask(client, "ECHO", "on").result(0) == b"on"
    assert server.count == 1


def test_the_last_question_of_a_tick_leaves_in_it_however_late_it_is(server, connect):
    client, seen = connect(), []

    def ask(last):
        client.call(seen.append, "ECHO", "first")
        client.send(seen.append, Prepared("ECHO")(b"second"), last=last)
        client._reactor.call_soon(lambda: seen.append(server.names().count("ECHO")))  # in the next tick

    for last in (False, True):
        client._reactor.call_soon(ask, last)
        client._reactor.settle()
    assert seen == [0, b"first", b"second", 4, b"first", b"second"]


def test_what_cannot_be_sent_is_refused_by_the_call(server, connect):
    client = connect()
    for bad in (None, True, object()):
        with pytest.raises(TypeError):
            client.execute("SET", "k", bad)
    with pytest.raises(ValueError, match="at least its name"):
        client.execute()
    assert ask(client, "ECHO", "on").result(0) == b"on"


def test_a_cancelled_future_shifts_nothing(reactor, server, connect):
    client = connect()
    futures = [client.execute("ECHO", number) for number in range(5)]
    assert futures[2].cancel()
    reactor.settle()
    assert futures[0].cancel() is False
    assert [future.result(0) for n, future in enumerate(futures) if n != 2] == [b"0", b"1", b"3", b"4"]


def fail(error):
    raise error


@pytest.mark.loud
@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
def test_a_callback_that_raises_shifts_nothing(reactor, server, connect, caplog, error):
    client, answers = connect(), []
    client.call(lambda reply: fail(error), "ECHO", "a")
    client.call(answers.append, "ECHO", "b")
    reactor.settle()
    assert answers == [b"b"]
    assert error.__name__ in caplog.text


@pytest.mark.loud
def test_a_callback_that_raises_each_time_does_not_fill_the_log(reactor, server, connect, caplog):
    client = connect()
    for _ in range(3 * LINES):
        client.call(lambda reply: fail(ZeroDivisionError), "ECHO", "a")
    reactor.settle()
    assert caplog.text.count("an answer was not taken") == LINES
    reactor.advance(60)
    client.call(lambda reply: fail(ZeroDivisionError), "ECHO", "a")
    reactor.settle()
    assert f"an answer was not taken (and {2 * LINES} like it before)" in caplog.text


@pytest.mark.loud
def test_a_callback_that_raises_as_the_connection_ends_keeps_no_other_from_its_error(reactor, server, connect):
    """asyncio's CancelledError is no Exception."""
    server.answers["GET"] = None
    client, answers = connect(), []
    reactor.settle()
    client.call(lambda reply: fail(asyncio.CancelledError), "GET", "a")
    client.call(answers.append, "GET", "b")
    reactor.settle()
    client.close()
    assert [type(answer) for answer in answers] == [ConnectionLost]


def test_what_is_asked_before_the_first_connection_waits(reactor, connect):
    client, order = connect(), []
    for number in range(3):
        client.call(order.append, "ECHO", number)
    future = client.execute("ECHO", "hi")
    reactor.advance(1)
    assert not future.done()
    assert client.outstanding == 4
    Server(reactor)
    reactor.advance(2.1)
    assert future.result(0) == b"hi"
    assert order == [b"0", b"1", b"2"]


def test_who_waits_for_a_connection_does_not_wait_for_ever(reactor, connect):
    client = connect(timeout=3.0)
    first = client.execute("PING")
    reactor.advance(2)
    second = client.execute("PING")
    reactor.advance(1.1)
    assert isinstance(first.exception(0), AnswerTimeout)
    assert "redis://localhost:6379/0" in str(first.exception(0))
    assert not second.done()
    reactor.advance(2)
    assert isinstance(second.exception(0), AnswerTimeout)


def test_what_waits_for_a_connection_is_bounded(reactor, connect):
    client = connect()
    futures = [client.execute("SET", "k", bytes(1 << 20)) for _ in range(20)]
    full = [future for future in futures if future.done()]
    assert 3 < len(full) < 10
    assert all(isinstance(future.exception(0), TooMuchWaiting) for future in full)


def test_ok_is_text(server, connect):
    server.answers["SET"] = OK
    assert ask(connect(), "SET", "k", "v").result(0) == "OK"


@pytest.mark.parametrize("options", [{"timeout": 0}, {"ping": -1}, {"timeout": float("nan")}])
def test_bounds_that_make_no_sense(reactor, options):
    with pytest.raises(ValueError, match="positive"):
        RedisClient(reactor, URL, **options)


def test_close_fails_what_is_not_answered(reactor, server, connect):
    server.answers["GET"] = None
    client = connect()
    asked, waits = ask(client, "GET", "k"), client.subscribe("news", print)
    client.close()
    assert str(asked.exception(0)) == str(waits.exception(0)) == "the client is closed"
    assert str(client.execute("PING").exception(0)) == "the client is closed", "at once"
    client.close()
    reactor.settle()
    assert isinstance(asked.exception(0), ClientClosed)
    assert isinstance(waits.exception(0), ClientClosed)
    assert isinstance(client.execute("PING").exception(0), ClientClosed)
    assert isinstance(client.subscribe("x", print).exception(0), ClientClosed)
    reactor.advance(10)
    assert server.connections == []
    assert server.count == 1


def test_whoever_waits_for_an_answer_without_a_loop_is_told():
    reactor = MemoryReactor()
    server = Server(reactor)
    server.answers["GET"] = None
    client = RedisClient(reactor, URL)
    for future in (client.execute("GET", "k"), client.subscribe("news", print)):
        with pytest.raises(RuntimeError, match=r"use reactor\.run_until\(future\)"):
            future.result()
        assert hasattr(future, "__await__")
    reactor.close()


def test_the_end_of_the_reactor_fails_what_is_not_answered():
    reactor = MemoryReactor()
    server = Server(reactor)
    server.answers["GET"] = None
    client = RedisClient(reactor, URL)
    future = ask(client, "GET", "k")
    nobody = RedisClient(reactor, "redis://localhost:1").execute("PING")
    reactor.settle()
    reactor.close()
    assert isinstance(future.exception(0), RedisError)
    assert isinstance(nobody.exception(0), RedisError)
    assert isinstance(client.execute("PING").exception(0), ClientClosed)


def test_a_drain_waits_for_answers(reactor, server, connect):
    server.answers["GET"] = None
    client = connect()
    future = client.execute("GET", "k")
    reactor.settle()
    seat = server.connections[0].transport
    drain = reactor.drain(5.0)
    reactor.settle()
    assert not drain.done()
    seat.write(bulk(b"v"))
    reactor.settle()
    assert future.result(0) == b"v"
    reactor.advance(1)
    assert drain.done()
    assert isinstance(client.execute("PING").exception(0), ClientClosed)
