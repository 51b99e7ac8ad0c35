"""What is said first on each connection, and what becomes of a login that is refused."""

from __future__ import annotations

import pytest

from protocols.redis import AnswerTimeout, LoginRefused, RedisClient, password_from_file
from tests.kit.tls import client_context, server_context
from tests.protocols.redis.peer import Server, ask


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
