"""Chat servers on a real redis-server, and people at them. The lease is 2 seconds."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from pathlib import Path

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
