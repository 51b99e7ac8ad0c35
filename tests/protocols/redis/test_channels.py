"""Channels: messages, subscriptions that are repeated, and what is no message."""

from __future__ import annotations

from protocols.redis import RedisError, ReplyError
from tests.protocols.redis.peer import HELLO, Server, array, ask, bulk, message, push


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
