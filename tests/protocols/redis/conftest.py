"""A client against a server in memory, under moved time; and a real redis-server, where there is one."""

from __future__ import annotations

import pytest

from protocols.redis import RedisClient
from reactor.testing import MemoryReactor
from tests.kit.redis import RedisServer, find_redis
from tests.protocols.redis.peer import URL, Server, leave_nothing


@pytest.fixture
def redis(tmp_path):
    """A redis-server of this test's own. Skips where none is installed."""
    server = RedisServer(find_redis(), tmp_path)
    yield server
    server.close()


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
        clients.append(RedisClient(reactor, url, random=lambda: 0.5, **options))
        reactor.settle()
        return clients[-1]

    yield connect
    leave_nothing(reactor, clients, after=3)
