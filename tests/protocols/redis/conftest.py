"""A real redis-server, where there is one."""

from __future__ import annotations

import pytest

from tests.kit.redis import RedisServer, find_redis


@pytest.fixture
def redis(tmp_path):
    """A redis-server of this test's own. Skips where none is installed."""
    server = RedisServer(find_redis(), tmp_path)
    yield server
    server.close()
