"""The client against a real redis-server: the scenes of test_client, where the server is not of our making."""

from __future__ import annotations

import pytest

from protocols.redis import AnswerTimeout, ConnectionLost, LoginRefused, RedisClient, ReplyError
from reactor import Reactor
from tests.kit.redis import RedisSentinel, RedisServer, find_redis
from tests.kit.tls import client_context

WAIT = 20.0  # seconds of real time at most: a loaded machine


@pytest.fixture
def reactor():
    with Reactor() as reactor:
        yield reactor


@pytest.fixture
def connect(reactor, redis):
    def connect(url=None, **options):
        return RedisClient(reactor, url or redis.url, **options)

    return connect


def test_all_types(reactor, connect):
    client = connect()

    def ask(*words):
        return reactor.run_until(client.execute(*words), WAIT)

    assert ask("SET", "k", b"\x00\r\nv") == "OK"
    assert ask("GET", "k") == b"\x00\r\nv"
    assert ask("GET", "none") is None
    assert ask("INCRBY", "n", 5) == 5
    assert ask("SET", "f", 1.5) == "OK"
    assert ask("HSET", "h", "a", 1, "b", 2) == 2
    assert ask("HGETALL", "h") == {b"a": b"1", b"b": b"2"}
    assert ask("SADD", "s", "x", "y") == 2
    assert ask("SMEMBERS", "s") == {b"x", b"y"}
    assert ask("ZADD", "z", 1.5, "m") == 1
    assert ask("ZSCORE", "z", "m") == 1.5
    assert b"redis_version" in ask("INFO")
    assert isinstance(ask("COMMAND"), list)
    first = ask("XADD", "log", "*", "d", "x")
    assert ask("XREAD", "COUNT", 1, "STREAMS", "log", 0) == {b"log": [[first, [b"d", b"x"]]]}
    with pytest.raises(ReplyError, match="WRONGTYPE"):
        ask("GET", "s")
    assert ask("MULTI") == "OK"
    ask("GET", "s")
    (error,) = ask("EXEC")
    assert error.code == "WRONGTYPE"


def test_a_long_value(reactor, connect):
    client = connect()
    value = bytes(range(256)) * 40_000
    reactor.run_until(client.execute("SET", "k", value), WAIT)
    assert reactor.run_until(client.execute("GET", "k"), WAIT) == value


def test_ten_thousand_questions_at_once(reactor, connect):
    client, answers = connect(), []
    for number in range(10_000):
        client.call(answers.append, "ECHO", number)
    reactor.run_until(client.execute("PING"), WAIT)
    assert answers == [b"%d" % number for number in range(10_000)]


def test_channels(reactor, connect, redis):
    client, heard = connect(), []
    reactor.run_until(client.subscribe("news", lambda *told: heard.append(told)), WAIT)
    reactor.run_until(client.execute("PUBLISH", "news", "one"), WAIT)
    redis.command("CLIENT", "KILL", "TYPE", "pubsub")
    until(reactor, lambda: reactor.run_until(client.execute("PUBSUB", "NUMSUB", "news"), WAIT) == [b"news", 1])
    reactor.run_until(client.execute("PUBLISH", "news", "two"), WAIT)
    assert heard == [(b"news", b"one"), (b"news", b"two")]
    reactor.run_until(client.unsubscribe("news"), WAIT)
    assert reactor.run_until(client.execute("PUBLISH", "news", "three"), WAIT) == 0


def until(reactor, condition):
    """Let the reactor run until `condition()`, which may fail while a connection is lost."""
    for _ in range(400):
        try:
            if condition():
                return
        except ConnectionLost:
            pass
        pause(reactor, 0.02)
    raise AssertionError("waited in vain")


def pause(reactor, seconds):
    reactor.call_later(seconds, reactor.stop)
    reactor.run()


def test_logins(reactor, connect, redis):
    redis.command("CONFIG", "SET", "requirepass", "p w")
    host = f"127.0.0.1:{redis.port}"
    assert reactor.run_until(connect(f"redis://:p%20w@{host}/3").execute("PING"), WAIT) == "PONG"
    wrong = connect(f"redis://:x@{host}").execute("PING")
    with pytest.raises(LoginRefused, match="WRONGPASS"):
        reactor.run_until(wrong, WAIT)
    with pytest.raises(LoginRefused, match="NOAUTH"):
        reactor.run_until(connect().execute("PING"), WAIT)
    with pytest.raises(LoginRefused, match="index is out of range"):
        reactor.run_until(connect(f"redis://:p%20w@{host}/99").execute("PING"), WAIT)


def test_a_user_with_few_rights(reactor, connect, redis):
    redis.command("ACL", "SETUSER", "chat", "on", ">pw", "~chat:*", "&*", "+@connection", "+xadd", "+get", "+subscribe")
    client = connect(f"redis://chat:pw@127.0.0.1:{redis.port}")
    assert reactor.run_until(client.execute("XADD", "chat:log", "*", "d", "x"), WAIT)
    with pytest.raises(ReplyError, match="NOPERM"):
        reactor.run_until(client.execute("SET", "other", "x"), WAIT)


def test_a_server_that_is_killed_and_comes_back(reactor, connect, redis):
    client = connect()
    reactor.run_until(client.execute("PING"), WAIT)
    redis.kill()
    blocked = client.execute("PING")
    with pytest.raises((ConnectionLost, AnswerTimeout)):
        reactor.run_until(blocked, WAIT)
    redis.start()
    assert reactor.run_until(client.execute("PING"), WAIT) == "PONG"


def test_a_server_that_hangs(reactor, connect, redis):
    client = connect(timeout=0.5)
    reactor.run_until(client.execute("PING"), WAIT)
    redis.stop()
    with pytest.raises(AnswerTimeout):
        reactor.run_until(client.execute("PING"), WAIT)
    redis.go_on()
    until(reactor, lambda: client.connected)
    assert reactor.run_until(client.execute("PING"), WAIT) == "PONG"


def test_tls(reactor, tmp_path):
    server = RedisServer(find_redis(), tmp_path, tls=True)
    try:
        client = RedisClient(reactor, f"rediss://localhost:{server.tls_port}", tls=client_context())
        assert reactor.run_until(client.execute("ECHO", "hi"), WAIT) == b"hi"
        client.close()
    finally:
        server.close()


def test_a_failover_by_a_real_sentinel(reactor, redis, tmp_path):
    for name in ("replica", "sentinel"):
        (tmp_path / name).mkdir()
    options = "--replicaof", f"127.0.0.1 {redis.port}", "--repl-diskless-sync-delay", "0"
    replica = RedisServer(redis.program, tmp_path / "replica", *options)
    sentinel = None
    try:
        until(reactor, lambda: b"master_link_status:up" in replica.command("INFO", "replication"))
        sentinel = RedisSentinel(redis.program, tmp_path / "sentinel", redis.port)
        client = RedisClient(reactor, f"redis+sentinel://127.0.0.1:{sentinel.port}/mymaster", timeout=20.0)
        assert reactor.run_until(client.execute("SET", "k", "v"), WAIT) == "OK"
        until(reactor, lambda: b"slaves=1" in sentinel.command("INFO", "sentinel"))
        redis.kill()
        until(reactor, lambda: b"role:master" in replica.command("INFO", "replication"))
        until(reactor, lambda: reactor.run_until(client.execute("SET", "k", "new"), WAIT) == "OK")
        assert b"new" in replica.command("GET", "k")
        client.close()
    finally:
        replica.close()
        if sentinel is not None:
            sentinel.close()
