"""What is no answer, or far too much of one: an error at once, a new connection, and no growth."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from protocols.redis import ProtocolError, ReplyWire
from tests.protocols.redis.peer import ask, message


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


NOISE = [
    b"HTTP/1.1 400 Bad Request\r\n",
    b"$536870912\r\n" + b"x" * 1_000_000,
    b"*1000000000\r\n" + b":1\r\n" * 100_000,
    b"*1\r\n" * 100_000,
    b"%500000000\r\n",
    b"\x00" * 100_000,
]
ROUNDS = 15
MOST = 16 * 1024 * 1024  # bytes at any time: a megabyte for each connection that the collector has not come to yet
SLACK = 64 * 1024  # bytes that the interpreter's own caches may come and go by


@pytest.mark.parametrize("noise", NOISE, ids=["http", "512 MB", "a billion", "nested", "a map", "zeros"])
def test_noise_makes_nothing_grow(reactor, server, connect, caplog, noise):
    """Neither for a moment, by what was announced, nor with each connection that it costs."""
    caplog.set_level("ERROR", "reactor")  # else the lines that this captures are what grows
    server.answers["GET"] = noise
    client = connect()

    def once():
        assert isinstance(ask(client, "GET", "k").exception(0), ProtocolError)
        reactor.advance(3)
        server.seen.clear()
        assert client.connected

    def held():
        for _ in range(ROUNDS):
            once()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before, now = held(), held()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert now - before < SLACK
    assert most < MOST, "what has come, some times, and nothing of what was announced"


@pytest.mark.parametrize("announced", [b"$60000000\r\n", b"*1000000\r\n", b"%500000\r\n", b"~1000000\r\n"])
def test_what_is_announced_within_the_bounds_takes_nothing_before_it_comes(announced):
    wire = ReplyWire()
    tracemalloc.start()
    try:
        assert wire.feed(announced) == []
        assert wire.error is None
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < SLACK
