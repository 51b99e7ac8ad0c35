"""The master is asked for at each attempt, of whichever Sentinel answers, and believed only if it says so itself."""

from __future__ import annotations

import pytest

from protocols.redis import AnswerTimeout, ConnectionLost, RedisClient
from tests.protocols.redis.peer import Server, array, bulk, leave_nothing

URL = "redis+sentinel://localhost:26379,localhost:26380/mymaster"


class Set:
    """Two servers and the Sentinels that watch them."""

    def __init__(self, reactor):
        self.reactor = reactor
        self.servers = [Server(reactor, 6379), Server(reactor, 6380)]
        self.sentinels = [Server(reactor, 26379), Server(reactor, 26380)]
        self.master_is(0)

    def master_is(self, number):
        for n, server in enumerate(self.servers):
            server.answers["ROLE"] = array(bulk(b"master" if n == number else b"slave"), b":0\r\n", b"*0\r\n")
        for sentinel in self.sentinels:
            self.tell(sentinel, array(bulk(b"127.0.0.1"), bulk(b"%d" % self.servers[number].port)))

    def tell(self, sentinel, answer):
        sentinel.answers["SENTINEL"] = answer


@pytest.fixture
def replicas(reactor):
    return Set(reactor)


@pytest.fixture
def connect(reactor, replicas):
    clients = []

    def connect(**options):
        clients.append(RedisClient(reactor, URL, random=lambda: 0.5, **options))
        reactor.advance(0.01)
        return clients[-1]

    yield connect
    leave_nothing(reactor, clients, after=5)


def echo(client):
    future = client.execute("ECHO", "hi")
    client._reactor.settle()
    return future


def test_the_master_is_found(replicas, connect):
    assert echo(connect()).result(0) == b"hi"
    assert replicas.sentinels[0].seen == [[b"SENTINEL", b"get-master-addr-by-name", b"mymaster"]]
    assert replicas.servers[0].names() == ["HELLO", "ROLE", "ECHO"]
    assert replicas.sentinels[0].connections == []
    assert replicas.sentinels[1].count == replicas.servers[1].count == 0


def test_after_a_failover_the_new_master_is_found(reactor, replicas, connect):
    client = connect()
    replicas.master_is(1)
    replicas.servers[0].down()
    reactor.advance(2)
    assert echo(client).result(0) == b"hi"
    assert replicas.servers[1].names() == ["HELLO", "ROLE", "ECHO"]


@pytest.mark.parametrize("answer", ["down", b"*-1\r\n", b"-ERR no\r\n", b"*1\r\n:1\r\n", b"+x\r\n", b"HTTP\r\n",
                                    b"*2\r\n+h\r\n+1\r\n"])  # fmt: skip
def test_the_next_sentinel_is_asked(replicas, connect, answer):
    if answer == "down":
        replicas.sentinels[0].down()
    else:
        replicas.tell(replicas.sentinels[0], answer)
    assert echo(connect()).result(0) == b"hi"


def test_a_sentinel_that_does_not_answer_costs_the_timeout(reactor, replicas, connect):
    replicas.tell(replicas.sentinels[0], None)
    client = connect(timeout=1.0)
    assert not client.connected
    reactor.advance(1.1)
    assert echo(client).result(0) == b"hi"


def test_what_is_no_master_any_more_is_not_believed(reactor, replicas, connect):
    replicas.servers[0].answers["ROLE"] = array(bulk(b"slave"))
    downs = []
    client = connect(on_down=downs.append)
    future = echo(client)
    reactor.advance(1)
    assert isinstance(downs[0], ConnectionLost)
    assert "ECHO" not in replicas.servers[0].names()
    replicas.master_is(1)
    reactor.advance(3)
    assert future.result(0) == b"hi"


def test_nobody_knows_a_master(reactor, replicas, connect):
    for sentinel in replicas.sentinels:
        replicas.tell(sentinel, b"*-1\r\n")
    downs = []
    client = connect(on_down=downs.append, timeout=2.0)
    future = echo(client)
    reactor.advance(3)
    assert isinstance(future.exception(0), AnswerTimeout)
    assert str(downs[0]) == "no Sentinel knows where mymaster is: one does not know it; one does not know it"


def test_a_read_only_master_is_looked_for_again(reactor, replicas, connect):
    client = connect()
    replicas.servers[0].answers["SET"] = b"-READONLY You can't write against a read only replica.\r\n"
    replicas.master_is(1)
    future = client.execute("SET", "k", "v")
    reactor.settle()
    assert future.exception(0).code == "READONLY"
    reactor.advance(2)
    assert echo(client).result(0) == b"hi"
    assert "ECHO" in replicas.servers[1].names()


def test_closing_at_any_moment(reactor, replicas):
    for sentinel in replicas.sentinels:
        replicas.tell(sentinel, None)
    client = RedisClient(reactor, URL)
    client.close()
    reactor.advance(1)
    client = RedisClient(reactor, URL)
    reactor.settle()
    client.close()
    reactor.advance(1)
    assert all(not server.connections for server in replicas.sentinels + replicas.servers)
