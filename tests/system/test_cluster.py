"""Chat servers on a real redis-server, where nothing breaks. The lease is 2 seconds."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
import types
import urllib.request

from tests.kit.program import DEADLINE
from tests.system.cluster_scene import LOST, TTL, exchange


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


def test_two_databases_are_two_chats(scene):
    a, b = scene.server(url=f"{scene.redis.url}/1"), scene.server(url=f"{scene.redis.url}/2")
    ada, bob = scene.join(a, "Ada"), scene.join(b, "Ada")
    ada.says("hello")
    bob.says("/who")
    bob.hears("* 1 here: Ada")
    assert not bob.count("Ada: hello")


def test_operators_of_one_server_rule_all(scene, tmp_path):
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
