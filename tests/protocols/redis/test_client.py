"""The client against a server in memory, under moved time: every fault, and that nothing shifts, waits or spins."""

from __future__ import annotations

import asyncio

import pytest

from protocols.redis import (
    AnswerTimeout,
    ClientClosed,
    ConnectionLost,
    LoginRefused,
    ProtocolError,
    RedisClient,
    RedisError,
    ReplyError,
    TooMuchWaiting,
    password_from_file,
)
from reactor.testing import MemoryReactor
from tests.kit.tls import client_context, server_context
from tests.protocols.redis.peer import HELLO, OK, Server, array, bulk, push

URL = "redis://localhost"


@pytest.fixture
def reactor():
    reactor = MemoryReactor()
    yield reactor
    reactor.close()


@pytest.fixture
def server(reactor):
    return Server(reactor)


@pytest.fixture
def connect(reactor):
    clients = []

    def connect(url=URL, **options):
        clients.append(RedisClient(reactor, url, **options))
        reactor.settle()
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
    reactor.advance(3)
    kinds = ("timers", "promises", "connections")
    assert [what for what in reactor.leftovers() if what.endswith(kinds)] == []


def ask(client, *words):
    """Ask, and let happen what needs no time."""
    future = client.execute(*words)
    client._reactor.settle()
    return future


# -- asking -----------------------------------------------------------------------------------------------------


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


# -- losing connections -----------------------------------------------------------------------------------------


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
    connect(on_down=tries.append, random=lambda: 0.5)
    reactor.advance(6)
    assert 5 < len(tries) < 15
    before = len(tries)
    reactor.advance(60)
    assert len(tries) - before <= 61


def test_a_server_that_hangs_up_at_once_is_not_called_all_the_time(reactor, server, connect):
    server.answers["HELLO"] = b"+OK\r\n-HTTP\r\n"  # an answer to nothing
    connect(random=lambda: 0.5)
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


@pytest.mark.parametrize(
    "noise",
    [b"HTTP/1.1 400 Bad Request\r\n", b"$536870912\r\n", b"*1000000000\r\n", b"*1\r\n" * 100, b"+OK\r\n+OK\r\n",
     b"\x00" * 100_000],
    ids=["http", "512 MB", "a billion", "nested", "two answers", "zeros"],
)  # fmt: skip
def test_noise_is_an_error_at_once_and_a_new_connection(reactor, server, connect, noise):
    server.answers["GET"] = noise
    client = connect()
    future = ask(client, "GET", "k")
    if noise.startswith(b"+OK"):
        assert future.result(0) == "OK"
    else:
        assert isinstance(future.exception(0), ProtocolError)
    assert not client.connected
    reactor.advance(2)
    assert server.count == 2
    assert ask(client, "ECHO", "on").result(0) == b"on"


def test_an_answer_that_comes_before_its_question_is_sent_shifts_nothing(reactor, server, connect):
    client, futures = connect(), []
    client.subscribe("news", lambda *told: futures.append(client.execute("ECHO", "mine")))
    reactor.settle()
    server.say(message(b"news", b"x") + b"+surprise\r\n")
    assert isinstance(futures[0].exception(0), ProtocolError)


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


# -- logging in -------------------------------------------------------------------------------------------------


def test_the_login_is_said_on_each_connection(reactor, server, connect):
    client = connect("redis://us%40er:p%3Aw@localhost/3")
    login = [[b"AUTH", b"us@er", b"p:w"], [b"HELLO", b"3"], [b"SELECT", b"3"]]
    assert server.seen == login
    server.reset()
    reactor.advance(1)
    assert server.seen == login * 2
    assert client.connected


def test_hello_may_be_refused(reactor, server, connect):
    server.answers["HELLO"] = b"-ERR unknown command 'HELLO'\r\n"
    client = connect()
    assert ask(client, "ECHO", "hi").result(0) == b"hi"


@pytest.mark.parametrize(
    ("url", "command", "answer"),
    [
        ("redis://:x@localhost", "AUTH", b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
        ("redis://localhost", "HELLO", b"-NOAUTH HELLO must be called with the client already authenticated\r\n"),
        ("redis://localhost/99", "SELECT", b"-ERR DB index is out of range\r\n"),
    ],
)
def test_a_login_that_is_refused_fails_what_waits_and_is_tried_again(reactor, server, connect, url, command, answer):
    server.answers[command] = answer
    downs = []
    client = RedisClient(reactor, url, on_down=downs.append)
    future = client.execute("PING")
    reactor.settle()
    assert isinstance(future.exception(0), LoginRefused)
    assert str(future.exception(0)) == answer.decode()[1:-2]
    assert isinstance(downs[0], LoginRefused)
    del server.answers[command]
    reactor.advance(2)
    assert ask(client, "ECHO", "hi").result(0) == b"hi"
    client.close()


def test_a_password_from_a_file_is_read_at_each_login(reactor, server, connect, tmp_path):
    file = tmp_path / "password"
    file.write_text("first\n")
    client = connect("redis://ada:@localhost", password=password_from_file(file))
    assert server.seen[0] == [b"AUTH", b"ada", b"first"]
    file.write_text("second\r\n")
    server.reset()
    reactor.advance(1)
    assert server.seen[2] == [b"AUTH", b"ada", b"second"]
    file.unlink()
    server.reset()
    future = client.execute("PING")
    reactor.advance(6)
    assert isinstance(future.exception(0), AnswerTimeout)
    file.write_text("third")
    reactor.advance(2)
    assert client.connected


def test_a_password_is_never_shown(reactor, server, connect):
    client = connect("redis://user:secret@localhost/2")
    shown = [repr(client), str(client.url), repr(client.url)]
    assert not any("secret" in text or "user" in text for text in shown)


# -- channels ---------------------------------------------------------------------------------------------------


def message(channel, data):
    return push(bulk(b"message"), bulk(channel), bulk(data))


def test_channels_are_subscribed_to_again(reactor, server, connect):
    client, heard = connect(), []
    future = client.subscribe("news", lambda *told: heard.append(told))
    reactor.settle()
    assert future.result(0) is None
    server.say(message(b"news", b"one") + message(b"other", b"x"))
    server.reset()
    reactor.advance(1)
    server.say(message(b"news", b"two"))
    assert heard == [(b"news", b"one"), (b"news", b"two")]
    assert server.names("HELLO") == ["SUBSCRIBE"] * 2
    assert client.unsubscribe("never") is None
    done = client.unsubscribe("news")
    reactor.settle()
    assert done.result(0) is None
    server.say(message(b"news", b"three"))
    assert len(heard) == 2
    server.reset()
    reactor.advance(1)
    assert server.names("HELLO") == ["SUBSCRIBE"] * 2 + ["UNSUBSCRIBE"]


def test_pushes_are_never_taken_for_answers(reactor, server, connect):
    client, heard = connect(), []
    server.answers["GET"] = push(bulk(b"invalidate"), b"_\r\n") + message(b"news", b"x") + bulk(b"v") + push(b":1\r\n")
    client.subscribe("news", lambda *told: heard.append(told))
    reactor.settle()
    assert ask(client, "GET", "k").result(0) == b"v"
    server.say(push(bulk(b"subscribe"), bulk(b"unasked"), b":1\r\n"))
    assert ask(client, "ECHO", "on").result(0) == b"on"
    assert heard == [(b"news", b"x")]


def test_a_push_of_three_that_is_no_message_and_a_message_without_its_data_are_for_nobody(reactor, server, connect):
    client, heard = connect(), []
    client.subscribe("news", lambda *told: heard.append(told))
    reactor.settle()
    server.say(push(bulk(b"invalidate"), bulk(b"news"), bulk(b"x")))
    server.say(push(bulk(b"message"), bulk(b"news")))
    server.say(message(b"news", b"y"))
    assert client.connected
    assert heard == [(b"news", b"y")]


def test_a_subscription_before_there_is_a_server(reactor, connect):
    client, heard = connect(), []
    future = client.subscribe(b"news", lambda *told: heard.append(told))
    reactor.advance(1)
    server = Server(reactor)
    reactor.advance(2)
    assert future.result(0) is None
    server.say(message(b"news", b"x"))
    assert heard == [(b"news", b"x")]


def test_a_subscription_that_is_refused(reactor, server, connect):
    server.answers["SUBSCRIBE"] = b"-NOPERM no\r\n"
    client = connect()
    future = client.subscribe("news", print)
    reactor.settle()
    assert isinstance(future.exception(0), ReplyError)
    assert ask(client, "ECHO", "on").result(0) == b"on"
    server.reset()
    reactor.advance(1)
    assert server.names("HELLO", "ECHO") == ["SUBSCRIBE"]


def test_by_resp2_channels_have_a_connection_of_their_own(reactor, server, connect):
    server.answers["HELLO"] = b"-NOPROTO no\r\n"
    server.answers["SUBSCRIBE"] = lambda words: array(bulk(b"subscribe"), bulk(words[1]), b":1\r\n")
    client, heard = connect(ping=10.0, timeout=2.0), []
    future = client.subscribe("news", lambda *told: heard.append(told))
    reactor.settle()
    assert future.result(0) is None
    assert server.count == 2
    server.answers["GET"] = array(bulk(b"message"), bulk(b"news"), bulk(b"in an answer"))
    assert ask(client, "GET", "k").result(0) == [b"message", b"news", b"in an answer"]
    feed = server.connections[1].transport
    feed.write(array(bulk(b"message"), bulk(b"news"), bulk(b"x")))
    reactor.settle()
    assert heard == [(b"news", b"x")]
    server.answers["PING"] = lambda words: array(bulk(b"pong"), bulk(b""))
    reactor.advance(25)
    assert server.count == 2
    server.answers["HELLO"] = HELLO  # the server was renewed
    del server.answers["SUBSCRIBE"]
    server.reset()
    reactor.advance(3)
    assert len(server.connections) == 1
    server.say(message(b"news", b"y"))
    assert heard[1:] == [(b"news", b"y")]


# -- ending -----------------------------------------------------------------------------------------------------


def test_close_fails_what_is_not_answered(reactor, server, connect):
    server.answers["GET"] = None
    client = connect()
    asked, waits = ask(client, "GET", "k"), client.subscribe("news", print)
    client.close()
    client.close()
    reactor.settle()
    assert isinstance(asked.exception(0), ClientClosed)
    assert isinstance(waits.exception(0), ClientClosed)
    assert isinstance(client.execute("PING").exception(0), ClientClosed)
    assert isinstance(client.subscribe("x", print).exception(0), ClientClosed)
    reactor.advance(10)
    assert server.connections == []
    assert server.count == 1


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


def test_tls(reactor):
    Server(reactor, 6380, tls=server_context())
    client = RedisClient(reactor, "rediss://localhost:6380", tls=client_context())
    assert reactor.run_until(client.execute("ECHO", "hi")) == b"hi"
    downs = []
    other = RedisClient(reactor, "rediss://localhost:6380", on_down=downs.append)  # the system's roots
    reactor.advance(1)
    assert "certificate" in str(downs[0])
    client.close()
    other.close()
    reactor.settle()


@pytest.mark.parametrize("options", [{"timeout": 0}, {"ping": -1}, {"timeout": float("nan")}])
def test_bounds_that_make_no_sense(reactor, options):
    with pytest.raises(ValueError, match="positive"):
        RedisClient(reactor, URL, **options)


def test_ok_is_text(server, connect):
    server.answers["SET"] = OK
    assert ask(connect(), "SET", "k", "v").result(0) == "OK"


def test_a_channel_that_is_subscribed_to_twice(reactor, server, connect):
    """The second has an answer of its own: that of the first says nothing about it."""
    answers = [b"-NOPERM not that\r\n", push(bulk(b"subscribe"), bulk(b"news"), b":1\r\n")]
    server.answers["SUBSCRIBE"] = lambda words: answers.pop(0)
    client, heard = connect(), []
    first = client.subscribe("news", print)
    reactor.call_later(0, lambda: None)
    second = client.subscribe("news", lambda *told: heard.append(told))
    reactor.settle()
    assert isinstance(first.exception(0), RedisError)
    assert second.result(0) is None
    server.say(push(bulk(b"message"), bulk(b"news"), bulk(b"hello")))
    assert heard == [(b"news", b"hello")]
