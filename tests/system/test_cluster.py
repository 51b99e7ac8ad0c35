"""Chat servers on a real redis-server, which is killed, stopped, emptied and filled; and their processes as well.

The same scenes as in tests/protocols/chat/cluster, where the log is not of our making. The lease is 2 seconds.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
import types
import urllib.request
from pathlib import Path

import pytest

from tests.kit.program import DEADLINE
from tests.kit.proxy import Proxy
from tests.kit.redis import RedisServer, find_redis
from tests.kit.theatre import Theatre

TTL = 2.0
LOST = "* the other servers cannot be reached: only who is on this server hears you"
FOUND = "* the other servers are back"


class Person:
    """A plain client whose lines are collected by a thread."""

    servers = ()

    def __init__(self, server, name):
        self.sock = socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE)
        self.data = b""
        self.ended = False
        threading.Thread(target=self._collect, daemon=True).start()
        self.says(f"/nick {name}")
        self.hears(f"* you are {name} now")

    def _collect(self):
        try:
            while data := self.sock.recv(65536):
                self.data += data
        except OSError:
            pass
        self.ended = True

    def says(self, *texts):
        for text in texts:
            self.sock.sendall(f"{text}\n".encode())

    @property
    def lines(self):
        return self.data.decode().splitlines()

    def hears(self, line, is_it=None, *, within=DEADLINE):
        """Wait until this line, or one that ends with it, has come."""
        deadline = time.monotonic() + within
        while not any(is_it(found) if is_it else found.endswith(line) for found in self.lines):
            assert time.monotonic() < deadline, f"waited in vain for {line!r} in {self.lines}\n{self.told()}"
            time.sleep(0.02)

    def told(self):
        """What the servers have logged of the cluster."""
        for server in self.servers:
            while not server.err._pieces.empty():
                server.err.data += server.err._pieces.get()
        return "\n".join(server.err.text for server in self.servers)

    def count(self, line):
        return sum(found.endswith(line) for found in self.lines)

    def close(self):
        self.sock.close()


class Scene:
    def __init__(self, tmp_path):
        self.theatre = Theatre(tmp_path)
        self.redis = RedisServer(find_redis(), tmp_path)
        self.people = []
        self.line = None

    def server(self, *options, url=None):
        return self.theatre.serve(
            "chat_server.py", "--no-console", "--cluster", url or self.redis.url, "--cluster-ttl", str(TTL),
            "--flood-rate", "0", *options,
        )  # fmt: skip

    def behind(self, *options):
        """Two servers, the second behind a line of its own, and Ada on the first, Bob on the second."""
        self.line = Proxy(self.redis.port)
        a, b = self.server(*options), self.server(*options, url=f"redis://127.0.0.1:{self.line.port}")
        ada, bob = self.join(a, "Ada"), self.join(b, "Bob")
        meet(ada, bob)
        return a, b, ada, bob

    def join(self, server, name):
        self.people.append(Person(server, name))
        self.people[-1].servers = self.theatre._programs
        return self.people[-1]

    def two(self, *options):
        """Two servers, Ada on the first and Bob on the second, who have heard of each other."""
        a, b = self.server(*options), self.server(*options)
        ada, bob = self.join(a, "Ada"), self.join(b, "Bob")
        meet(ada, bob)
        return a, b, ada, bob

    def close(self):
        for person in self.people:
            person.close()
        self.theatre.close()
        self.redis.close()
        if self.line is not None:
            self.line.close()


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path)
    yield scene
    scene.close()


def meet(ada, bob):
    """Both talk until each has heard the other: on a loaded machine a server may begin alone."""
    deadline = time.monotonic() + DEADLINE
    while not (bob.count("Ada: ready") and ada.count("Bob: ready")):
        assert time.monotonic() < deadline, (ada.lines, bob.lines, ada.told())
        ada.says("ready")
        bob.says("ready")
        time.sleep(0.1)
    for person, other, name in ((ada, bob, "Ada"), (bob, ada, "Bob")):  # what was said before comes before it
        person.says("met")
        other.hears(f"{name}: met")
    for person in (ada, bob):
        person.data = b""


def exchange(ada, bob, text):
    """Both say something, and it comes exactly once, without any word about other servers."""
    ada.says(f"{text} of Ada")
    bob.says(f"{text} of Bob")
    bob.hears(f"Ada: {text} of Ada")
    ada.hears(f"Bob: {text} of Bob")
    assert bob.count(f"Ada: {text} of Ada") == ada.count(f"Bob: {text} of Bob") == 1


def processor_seconds(server):
    """What the process of `server` has used so far; 0 where there is no /proc."""
    stat = Path(f"/proc/{server.process.pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(server):
    """The most bytes that the process of `server` has had at any time; 0 where there is no /proc."""
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        return 0
    return 1024 * int(re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)[1])


def unbothered(*people):
    """Nobody was told of a fault, and nobody seems to have left."""
    for person in people:
        assert not [line for line in person.lines if "other servers" in line or line.endswith(" left")]


def test_one_chat(scene):
    _a, b, ada, bob = scene.two()
    bob.says("/topic tea", "/msg Ada psst", "/me waves", "/who")
    ada.hears("* Bob set the topic: tea")
    ada.hears("[private from Bob] psst")
    ada.hears("~ Bob waves")
    bob.hears("* 2 here: Ada, Bob")
    eve = scene.join(b, "Eve")
    eve.hears("Bob: ready")
    eve.says("/nick ada")
    eve.hears("ada is taken; ada2 is free")
    sock = socket.create_connection(("127.0.0.1", b.port))
    with sock, sock.makefile("rb") as answers:
        sock.sendall(b"I am nc\n/who\n")
        sock.shutdown(socket.SHUT_WR)
        assert re.search(rb"\* 4 here: ", answers.read())
    ada.hears(": I am nc")


def test_all_hear_one_order(scene):
    a, b, ada, bob = scene.two()
    eve, sam = scene.join(a, "Eve"), scene.join(b, "Sam")
    for n in range(100):
        ada.says(f"a{n}")
        bob.says(f"b{n}")
    for listener in (eve, sam):
        listener.hears("Ada: a99")
        listener.hears("Bob: b99")
    heard = [[line for line in who.lines if re.match(r"(Ada: a|Bob: b)\d", line)] for who in (eve, sam)]
    assert heard[0] == heard[1]
    assert len(heard[0]) == 200


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


def test_two_databases_are_two_chats(scene):
    a, b = scene.server(url=f"{scene.redis.url}/1"), scene.server(url=f"{scene.redis.url}/2")
    ada, bob = scene.join(a, "Ada"), scene.join(b, "Ada")
    ada.says("hello")
    bob.says("/who")
    bob.hears("* 1 here: Ada")
    assert not bob.count("Ada: hello")


def test_operators_of_one_server_rule_all(scene, tmp_path):
    import subprocess

    bans = tmp_path / "bans"
    b = scene.server("--bans", str(bans))
    a = scene.theatre.serve(
        "chat_server.py", "--cluster", scene.redis.url, "--cluster-ttl", str(TTL), stdin=subprocess.PIPE
    )
    ada, bob = scene.join(a, "Ada"), scene.join(b, "Bob")
    ada.hears("* Bob joined")
    a.types("hello all\n/to Bob psst\n/topic tea\n/who\n/nodes\n")
    bob.hears("From Server, Admin:hello all")
    bob.hears("From Server, Admin:[private] psst")
    bob.hears("* Admin set the topic: tea")
    a.out.shows("* 2 here: Ada, Bob")
    a.out.shows("this server, 1 person")
    a.types("/kick Bob enough\n")
    bob.hears("* goodbye: you were kicked: enough")
    ada.hears("* Bob was kicked: enough")
    eve = scene.join(b, "Eve")
    a.types("/ban Mallory\n/bans\n")
    a.out.shows("* Mallory may not come in")
    eve.says("/nick Mallory")
    eve.hears("that name is banned here")
    deadline = time.monotonic() + DEADLINE
    while not bans.exists() or "Mallory" not in bans.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    a.types("/unban Mallory\n")
    a.out.shows("* Mallory may come in again")
    eve.says("/nick Mallory")
    eve.hears("* you are Mallory now")


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


def test_a_password_from_the_environment(scene):
    scene.redis.command("CONFIG", "SET", "requirepass", "secret")
    server = scene.theatre.serve(
        "chat_server.py", "--no-console", "--cluster", scene.redis.url, environment={"REDIS_PASSWORD": "secret"}
    )
    assert server.port


def test_the_password_is_not_shown_whatever_happens(scene):
    scene.redis.command("CONFIG", "SET", "requirepass", "geheim")
    url = scene.redis.url.replace("redis://", "redis://:geheim@")
    server = scene.server("--log-level", "debug", url=url)
    ada = scene.join(server, "Ada")
    scene.redis.kill()
    ada.hears(LOST)
    server.process.send_signal(signal.SIGTERM)
    ada.hears("goodbye")
    ada.close()
    assert server.exits() == 0
    shown = server.out.all() + server.err.all()
    assert "did=alone" in shown
    assert "geheim" not in shown


def test_the_few_rights_that_it_needs(scene):
    scene.redis.command(
        "ACL", "SETUSER", "chat", "on", ">pw", "~chat:*", "-@all", "+@connection", "+xadd", "+xread", "+xrevrange",
        "+set", "+get",
    )  # fmt: skip
    scene.redis.command("ACL", "SETUSER", "default", "nopass", "-@all", "+acl")
    url = scene.redis.url.replace("redis://", "redis://chat:pw@")
    ada, bob = scene.join(scene.server(url=url), "Ada"), scene.join(scene.server(url=url), "Bob")
    exchange(ada, bob, "hello")


def test_what_is_told_to_prometheus(scene):
    server = scene.server("--metrics", "0")
    server.out.shows("metrics on http://")
    url = re.search(r"metrics on (http://\S+)", server.out.text)[1]
    ada, eve = scene.join(server, "Ada"), scene.join(server, "Eve")
    ada.says("hello")
    eve.hears("Ada: hello")
    with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
        text = answer.read().decode()
    assert "chat_cluster_in 1\n" in text
    assert "chat_cluster_servers 1\n" in text
    assert int(re.search(r"^chat_cluster_entries_total (\d+)$", text, re.MULTILINE)[1]) > 0


def test_the_page_and_tcp_of_two_servers_are_one_chat(scene):
    """The page's members come into the rooms by the same seam."""
    a, b = scene.server("--web", "0"), scene.server()
    a.out.shows("web page on http://")
    port = int(re.search(r"web page on http://\S+:(\d+)/", a.out.text)[1])
    bob = scene.join(b, "Bob")
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as page:
        page.sendall(
            b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n" % port
        )
        for text in (b"/nick Web", b"hello from the page"):
            page.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        bob.hears("Web: hello from the page")
        bob.says("hello page")
        heard = b""
        while b"Bob: hello page" not in heard:
            data = page.recv(65536)
            assert data, heard
            heard += data
    bob.hears("* Web left")


def test_three_servers_with_one_command(scene):
    demo = scene.theatre.run("cluster_demo.py", "--port", "0")
    demo.out.wait(lambda text: text.count("listening on") == 3, "three servers")
    first, second, _ = (int(port) for port in re.findall(r"listening on \S+:(\d+)", demo.out.text))
    ada = scene.join(types.SimpleNamespace(port=first), "Ada")
    bob = scene.join(types.SimpleNamespace(port=second), "Bob")
    exchange(ada, bob, "hello")
    demo.process.send_signal(signal.SIGINT)
    for person in (ada, bob):
        person.hears("goodbye")
        person.close()
    assert demo.exits() == 0


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
