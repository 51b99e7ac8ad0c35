"""The start of a server that is one of several, in moved time: it is refused, finds nobody, or is ended meanwhile."""

from __future__ import annotations

import pytest

from protocols.chat import Chat, set_up_operators
from protocols.chat.cluster.cluster import Mode
from protocols.chat.cluster.options import join_cluster
from protocols.chat.command import parser
from protocols.chat.rooms.inputs import Inputs
from reactor.testing import MemoryReactor
from tests.protocols.redis.peer import HELLO, Server

MOST = 10.0  # seconds until a refusal ends the start, and until a server serves those it has
WRONG = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
NONE = b"-NOAUTH HELLO must be called with the client already authenticated\r\n"
RANGE = b"-ERR DB index is out of range\r\n"


@pytest.fixture
def reactor():
    with MemoryReactor() as reactor:
        yield reactor


class Start:
    """`chat_server.py --cluster URL`, up to the word that it listens. `why` is what `join_cluster` has given."""

    def __init__(self, reactor, url="redis://:geheim@localhost"):
        self.reactor = reactor
        self.chat = Chat(reactor, wall=lambda: 1_800_000_000.0)
        powers = set_up_operators(self.chat, clock=lambda: 1_800_000_000.0)
        options = parser().parse_args(["--cluster", url, "--port", "0"])
        began = reactor.time()
        reactor.call_later(3 * MOST, reactor.stop)
        self.why = join_cluster(reactor, self.chat, powers, options)
        self.seconds = reactor.time() - began


def refuse(server, seconds, command, answer):
    """Answer the login so, after a while; and be gone before the time is over, so that nothing of it keeps a loop."""

    def say():
        for seat in server.connections:
            seat.transport.write(answer * 2)

    if seconds:
        server.answers = {"AUTH": None, "HELLO": None, "SELECT": None}
        server.reactor.call_later(seconds, say)
    else:
        server.answers[command] = answer
    server.reactor.call_later(MOST - 1, server.listener.close)


@pytest.mark.parametrize("seconds", [0.0, 1.5], ids=["at once", "late"])
@pytest.mark.parametrize(
    ("url", "command", "answer"),
    [
        ("redis://:geheim@localhost", "AUTH", WRONG),
        ("redis://localhost", "HELLO", NONE),
        ("redis://:geheim@localhost/99", "SELECT", RANGE),
    ],
    ids=["password", "login", "database"],
)
def test_a_login_that_is_refused_ends_the_start_within_ten_seconds(
    reactor, capsys, caplog, url, command, answer, seconds
):
    caplog.set_level("INFO")
    server = Server(reactor)
    refuse(server, seconds, command, answer)
    start = Start(reactor, url)
    assert start.seconds < MOST
    assert start.why.startswith("redis://localhost:6379/")
    assert start.why.endswith(f" does not let us in: {answer.decode()[1:-2]}")
    assert "geheim" not in start.why
    assert server.count == 2, "it is not tried again"
    assert (capsys.readouterr().err, caplog.text) == ("", ""), "the refusal is the only line"


@pytest.mark.parametrize("there", ["absent", "silent", "hanging up", "no Redis"])
def test_who_cannot_reach_redis_serves_those_it_has(reactor, capsys, there):
    if there != "absent":
        server = Server(reactor)
        answers = {"silent": None, "hanging up": b"+OK\r\n+OK\r\n+OK\r\n", "no Redis": b"HTTP/1.1 400 Bad Request\r\n"}
        server.answers = dict.fromkeys(("AUTH", "HELLO"), answers[there])
    start = Start(reactor)
    assert start.why is None
    assert start.seconds < MOST
    assert start.chat.inputs.mode is Mode.ALONE
    (line,) = capsys.readouterr().err.splitlines()
    assert "alone for now: " in line
    assert "geheim" not in line
    start.chat.inputs.close()


def test_it_calls_again_until_redis_is_there(reactor, capsys):
    start = Start(reactor)
    server = Server(reactor)
    server.answers["HELLO"] = HELLO
    reactor.advance(2)
    assert server.names().count("XADD") >= 1, "the word with which it joins"
    start.chat.inputs.close()
    assert capsys.readouterr().err


def test_a_signal_ends_the_start_and_is_no_failure(reactor):
    server = Server(reactor)
    server.answers = {"AUTH": None}
    reactor.call_later(1, reactor.stop)
    start = Start(reactor)
    assert (start.why, start.seconds) == ("", 1)
    assert type(start.chat.inputs) is not Inputs
    start.chat.inputs.close()
