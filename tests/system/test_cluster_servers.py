"""Chat servers on a real redis-server that start, end, are killed and stand still. The lease is 2 seconds."""

from __future__ import annotations

import signal
import socket
import time
import types

import pytest

from tests.kit.program import DEADLINE
from tests.kit.proxy import Proxy
from tests.system.cluster_scene import TTL, exchange, meet, unbothered


def test_a_server_is_killed(scene):
    a, b, ada, _ = scene.two()
    b.process.kill()
    ada.hears("* Bob left")
    assert ada.count("* Bob left") == 1
    rob = scene.join(a, "Bob")
    ada.hears("* Bob joined")
    rob.says("/who")
    rob.hears("* 2 here: Ada, Bob")


def test_a_server_ends_in_good_order(scene):
    _a, b, ada, bob = scene.two()
    eve = scene.join(b, "Eve")
    bob.says("last words")
    eve.hears("Bob: last words")  # what is unread when the signal comes is not read any more
    eve.close()
    b.process.send_signal(signal.SIGTERM)
    bob.hears("* the server is shutting down, goodbye")
    ada.hears("* Bob left")
    assert ada.count("Bob: last words") == 1
    bob.close()
    assert b.exits() == 0


def test_a_server_stands_still_for_a_moment(scene):
    _, b, ada, bob = scene.two()
    b.process.send_signal(signal.SIGSTOP)
    ada.says("meanwhile")
    time.sleep(TTL / 2)
    b.process.send_signal(signal.SIGCONT)
    bob.hears("Ada: meanwhile")
    exchange(ada, bob, "again")
    unbothered(ada, bob)


def test_a_server_stands_still_for_long(scene):
    _, b, ada, bob = scene.two()
    b.process.send_signal(signal.SIGSTOP)
    ada.hears("* Bob left")
    ada.says("meanwhile")
    time.sleep(0.5)
    b.process.send_signal(signal.SIGCONT)
    ada.hears("* Bob joined")
    bob.hears("Ada: meanwhile")
    exchange(ada, bob, "again")
    assert bob.count("Ada: meanwhile") == ada.count("* Bob left") == 1


def test_a_rolling_restart_keeps_topic_and_history(scene):
    a, b, ada, bob = scene.two()
    ada.says("/topic tea", "remember")
    bob.hears("Ada: remember")
    for server in (a, b):
        scene.server().port  # noqa: B018  # wait until its successor is there
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
    for person in (ada, bob):
        person.close()
    assert (a.exits(), b.exits()) == (0, 0)
    eve = scene.join(scene.server(), "Eve")
    eve.hears("Ada: remember")
    eve.hears("* the topic is: tea")


def test_a_restart_on_the_same_socket_refuses_nobody(scene):
    """A service manager keeps the socket: who comes between two servers waits, and finds the chat as it was."""
    ada = scene.join(scene.server(), "Ada")
    with socket.create_server(("127.0.0.1", 0)) as place:
        options = ("--no-console", "--cluster", scene.redis.url, "--cluster-ttl", str(TTL))
        b = scene.theatre.activate([place], "chat_server.py", *options)
        bob = scene.join(b, "Bob")
        meet(ada, bob)
        ada.says("/topic tea", "remember")
        bob.hears("Ada: remember")
        b.process.send_signal(signal.SIGTERM)
        bob.hears("goodbye")
        bob.close()
        assert b.exits() == 0
        ada.hears("* Bob left")
        scene.theatre.activate([place], "chat_server.py", *options)
        bob = scene.join(types.SimpleNamespace(port=place.getsockname()[1]), "Bob")  # before it listens
        bob.hears("Ada: remember")
        bob.hears("* the topic is: tea")
        ada.hears("* Bob joined")
        exchange(ada, bob, "again")
    assert (ada.count("* Bob left"), ada.count("* Bob joined")) == (1, 1)
    assert not any("other servers" in line for line in ada.lines)


def test_it_listens_to_nobody_before_it_has_joined_or_given_up(scene):
    scene.line = Proxy(scene.redis.port)
    scene.line.hold()
    server = scene.server(url=f"redis://127.0.0.1:{scene.line.port}")
    deadline = time.monotonic() + DEADLINE
    while not scene.line.accepted:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    assert server.out._pieces.empty()
    scene.line.heal()
    assert server.port


def test_all_servers_stop(scene):
    a, b, ada, bob = scene.two()
    ada.says("/topic tea", "remember")
    bob.hears("Ada: remember")
    for server, person in ((b, bob), (a, ada)):
        server.process.send_signal(signal.SIGTERM)
        person.hears("goodbye")
        person.close()
        assert server.exits() == 0
    eve = scene.join(scene.server(), "Eve")
    eve.hears("Ada: remember")
    eve.hears("* the topic is: tea")


def test_redis_is_absent_at_the_start(scene):
    scene.redis.kill()
    a = scene.server()
    ada, eve = scene.join(a, "Ada"), scene.join(a, "Eve")
    ada.says("alone")
    eve.hears("Ada: alone")
    scene.redis.start()
    bob = scene.join(scene.server(), "Bob")
    ada.hears("* Bob joined")
    exchange(ada, bob, "together")


@pytest.mark.parametrize("what", ["password", "database", "login"])
def test_a_login_that_is_refused_ends_the_start(scene, what):
    host = scene.redis.url.removeprefix("redis://")
    if what != "database":
        scene.redis.command("CONFIG", "SET", "requirepass", "secret")
    url = {"password": f"redis://:geheim@{host}", "database": f"redis://{host}/99", "login": f"redis://{host}"}[what]
    server = scene.server(url=url)
    assert server.exits() == 1
    words = {"password": "WRONGPASS", "database": "out of range", "login": "NOAUTH"}[what]
    (line,) = server.err.all().splitlines()
    assert words in line
    assert "geheim" not in line


@pytest.mark.parametrize("url", ["http://h", "redis://:geheim@", "redis://h/x", "redis://h:0"])
def test_a_bad_url_is_a_usage_error(scene, url):
    server = scene.server(url=url)
    assert server.exits() == 2
    (line,) = server.err.all().splitlines()
    assert line.startswith("chat_server.py: ")
    assert "geheim" not in line


def test_a_signal_ends_it_while_redis_hangs(scene):
    _, b, _, bob = scene.two()
    scene.redis.stop()
    time.sleep(0.2)
    b.process.send_signal(signal.SIGTERM)
    bob.hears("goodbye")
    bob.close()
    assert b.exits() == 0
