"""Redis and Valkey on the reactor: a client that comes back by itself, and below it the wire of RESP2 and RESP3.

    from protocols.redis import RedisClient
    client = RedisClient(reactor, "redis://localhost")
    reactor.run_until(client.execute("SET", "greeting", "hello"))

The map, from the bottom up:

    errors         what goes wrong, by name
    wire           bytes and replies, pure
    url            where, who, which database: pure
    login          what is said first on each connection
    connection     questions and answers of one connection
    sentinel       where the master is
    line           a connection that is made again
    client         the verbs
"""

from __future__ import annotations

from .client import RedisClient
from .errors import (
    AnswerTimeout,
    ClientClosed,
    ConnectionLost,
    LoginRefused,
    ProtocolError,
    RedisError,
    ReplyError,
    TooMuchWaiting,
)
from .url import RedisURL, parse_redis_url, password_from_file
from .wire import Prepared, ReplyWire, encode

__all__ = [
    "AnswerTimeout",
    "ClientClosed",
    "ConnectionLost",
    "LoginRefused",
    "Prepared",
    "ProtocolError",
    "RedisClient",
    "RedisError",
    "RedisURL",
    "ReplyError",
    "ReplyWire",
    "TooMuchWaiting",
    "encode",
    "parse_redis_url",
    "password_from_file",
]
