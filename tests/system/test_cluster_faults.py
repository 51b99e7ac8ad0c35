"""Chat servers on a real redis-server, which is killed, stopped, emptied and filled, or whose line is cut.

The same scenes as in tests/protocols/chat/cluster, where the log is not of our making. The lease is 2 seconds.
"""

from __future__ import annotations

import re
import time

import pytest

from tests.system.cluster_scene import FOUND, LOST, TTL, exchange, memory, processor_seconds, unbothered


def test_connections_are_killed(scene):
    *_, ada, bob = scene.two()
    for n in range(10):
        ada.says(f"a{n}")
        bob.says(f"b{n}")
        scene.redis.command("CLIENT", "KILL", "TYPE", "normal")
        time.sleep(0.1)
    exchange(ada, bob, "end")
    for n in range(10):
        assert bob.count(f"Ada: a{n}") == ada.count(f"Bob: b{n}") == 1
    unbothered(ada, bob)


def test_redis_is_killed_and_comes_back_empty(scene):
    *_, ada, bob = scene.two()
    ada.says("/topic tea")
    bob.hears("* Ada set the topic: tea")
    scene.redis.kill()
    ada.says("into the void")
    scene.redis.start()
    bob.hears("Ada: into the void")
    exchange(ada, bob, "again")
    unbothered(ada, bob)
    bob.says("/topic")
    bob.hears("* the topic is: tea")


def test_redis_is_gone_for_long(scene):
    *_, ada, bob = scene.two()
    scene.redis.kill()
    for person in (ada, bob):
        person.hears(LOST)
    ada.says("alone")
    scene.redis.start()
    for person in (ada, bob):
        person.hears(FOUND)
    ada.hears("* Bob joined")
    bob.hears("* Ada joined")
    exchange(ada, bob, "again")
    for person in (ada, bob):
        person.says("/who")
        person.hears("who", lambda line: line in ("* 2 here: Ada, Bob", "* 2 here: Bob, Ada"))


def test_redis_stands_still_for_a_moment(scene):
    *_, ada, bob = scene.two()
    scene.redis.stop()
    ada.says("meanwhile")
    time.sleep(TTL / 2)
    scene.redis.go_on()
    bob.hears("Ada: meanwhile")
    exchange(ada, bob, "again")
    unbothered(ada, bob)


def test_redis_is_emptied(scene):
    *_, ada, bob = scene.two()
    for n in range(5):
        scene.redis.command("FLUSHALL")
        exchange(ada, bob, f"round {n}")
    unbothered(ada, bob)


def test_redis_is_full_for_a_moment_and_for_long(scene):
    *_, ada, bob = scene.two()
    scene.redis.command("CONFIG", "SET", "maxmemory", "1")
    ada.says("meanwhile")
    time.sleep(TTL / 2)
    scene.redis.command("CONFIG", "SET", "maxmemory", "0")
    bob.hears("Ada: meanwhile")
    unbothered(ada, bob)
    scene.redis.command("CONFIG", "SET", "maxmemory", "1")
    for person in (ada, bob):
        person.hears(LOST)
    scene.redis.command("CONFIG", "SET", "maxmemory", "0")
    for person in (ada, bob):
        person.hears(FOUND)
    exchange(ada, bob, "again")


def test_redis_is_read_only(scene):
    *_, ada, bob = scene.two()
    scene.redis.command("CONFIG", "SET", "min-replicas-to-write", "1")  # -NOREPLICAS
    ada.says("meanwhile")
    time.sleep(TTL / 2)
    scene.redis.command("CONFIG", "SET", "min-replicas-to-write", "0")
    bob.hears("Ada: meanwhile")
    assert bob.count("Ada: meanwhile") == 1
    unbothered(ada, bob)


@pytest.mark.parametrize("how", ["cut", "hold"])
def test_the_line_of_one_server_is_cut_for_a_moment(scene, how):
    *_, ada, bob = scene.behind()
    getattr(scene.line, how)()
    ada.says("to Bob")
    bob.says("to Ada")
    time.sleep(TTL * 0.6)
    scene.line.heal()
    bob.hears("Ada: to Bob")
    ada.hears("Bob: to Ada")
    exchange(ada, bob, "again")
    assert bob.count("Ada: to Bob") == ada.count("Bob: to Ada") == 1
    unbothered(ada, bob)


@pytest.mark.parametrize("how", ["cut", "hold"])
def test_the_line_of_one_server_is_cut_for_long(scene, how):
    _, b, ada, bob = scene.behind()
    eve = scene.join(b, "Eve")
    ada.hears("* Eve joined")
    getattr(scene.line, how)()
    began, accepted, spent = time.monotonic(), scene.line.accepted, processor_seconds(b)
    bob.says("before it is known")
    bob.hears(LOST)
    ada.hears("* Bob left")
    bob.says("on our own")
    eve.hears("Bob: on our own")
    ada.says("you miss this")
    time.sleep(max(0.0, 6 - (time.monotonic() - began)))
    assert scene.line.accepted - accepted < 40
    assert processor_seconds(b) - spent < 0.3 * (time.monotonic() - began), "it turns round and round meanwhile"
    scene.line.heal()
    bob.hears(FOUND)
    bob.hears("* Ada joined")
    bob.hears("Ada: you miss this")
    ada.hears("* Bob joined")
    exchange(ada, bob, "again")
    assert not any("other servers" in line for line in ada.lines)
    assert eve.count("Bob: on our own") == eve.count("Bob: before it is known") == 1
    assert bob.count("Ada: you miss this") == 1, ada.lines
    assert (ada.count("* Bob left"), ada.count("* Bob joined")) == (1, 1), ada.lines


def test_a_name_that_was_given_away_meanwhile(scene):
    a, _, ada, bob = scene.behind()
    scene.line.cut()
    bob.hears(LOST)
    ada.hears("* Bob left")
    other = scene.join(a, "Bob")
    scene.line.heal()
    bob.hears(FOUND)
    assert any(re.search(r"\* .*you are Bob2", line) for line in bob.lines)
    ada.hears("* Bob2 joined")
    other.says("I am Bob")
    bob.hears("Bob: I am Bob")


@pytest.mark.parametrize(
    "noise",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$536870912\r\n" + bytes(4 << 20), b"*1000000000\r\n", b"*1\r\n" * 1000],
    ids=["http", "512 MB", "a billion", "nested"],
)
def test_noise_on_the_line(scene, noise):
    _, b, ada, bob = scene.behind()
    before = memory(b)
    scene.line.say(noise)
    ada.says("meanwhile")
    time.sleep(TTL * 0.5)
    scene.line.heal()
    bob.hears("Ada: meanwhile")
    exchange(ada, bob, "again")
    assert b.process.poll() is None
    assert memory(b) - before < 32 << 20, "what was announced is half a gigabyte"
    unbothered(ada, bob)
