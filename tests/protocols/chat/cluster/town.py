"""Servers of one cluster in one reactor in memory, and people who are connected to them."""

from __future__ import annotations

import random

from protocols.chat.cluster.cluster import Cluster, Mode
from protocols.chat.rooms.hub import Hub
from protocols.chat.rooms.room import Member
from reactor.testing import MemoryReactor
from tests.protocols.chat.cluster.memory_log import MemoryLog, Shelf

TTL = 10.0


class Person:
    """Somebody connected to a server; `heard` are the lines."""

    def __init__(self, server, name):
        self.server = server
        self.all = b""
        self.open = True
        self.held = False
        self.came = float("inf")  # when it was in the rooms, and a session would show it what was said before
        self._read = 0
        self.member = Member(self._write, self._close)
        self.member.wait = self._wait
        self.member.address = "192.0.2.1"
        server.people.append(self)
        server.do(server.cluster.enter, self.member, self._entered)
        if name is not None:
            self.says(f"/nick {name}")

    def _entered(self, member):
        self.came = self.server.reactor.time()
        self.server.reactor.call_later(0.001, self.server.do, self.server.cluster.announce, member)

    def _wait(self, held):
        self.held = held

    def _write(self, data):
        if self.open:
            self.all += data

    def _close(self):
        if self.open:
            self.open = False
            self.server.reactor.call_soon(self.gone)

    def says(self, *texts):
        for text in texts:
            self.server.do(self.server.cluster.hear, self.member, text)

    def gone(self):
        """The connection is lost."""
        self.open = False
        if self in self.server.people:
            self.server.people.remove(self)
            self.server.do(self.server.cluster.leave, self.member)

    @property
    def name(self):
        return self.member.name

    @property
    def lines(self):
        """Every line so far."""
        return self.all.decode().splitlines()

    @property
    def news(self):
        """The lines since this was asked last."""
        lines = self.lines[self._read :]
        self._read = len(self.lines)
        return lines


class Server:
    def __init__(self, town, title, **options):
        self.town = town
        self.reactor = town.reactor
        self.title = title
        self.people = []
        self.log = MemoryLog(town.shelf, town.dice)
        self.hub = options.pop("hub", None)
        if self.hub is None:
            self.hub = Hub(self.reactor.call_soon, self.reactor.call_later, wall=town.shelf.wall)
        self.settled = False
        self.cluster = Cluster(
            self.reactor, self.hub, self.log, options.pop("console", None), title=title, ttl=options.pop("ttl", TTL),
            wall=town.shelf.wall, on_settled=self._on_settled, **options,
        )  # fmt: skip
        self.dead = False
        self._unread = []  # what has come while it was stopped

    def _on_settled(self):
        self.settled = True

    @property
    def is_in(self):
        return self.cluster.mode is Mode.IN

    def join(self, name=None):
        return Person(self, name)

    def kill(self):
        """kill -9: nobody hears of it."""
        self.dead = True
        self.log.closed = True
        self.cluster._timer.cancel()
        self.cluster.stay.halt()
        self.town.servers.remove(self)
        for person in self.people:
            person.open = False

    def do(self, fn, *args):
        """Something has come from somebody connected here; a server that stands still reads it later."""
        if self.log.frozen is None:
            fn(*args)
        else:
            self._unread.append((fn, *args))

    def stop(self):
        """SIGSTOP."""
        self.log.freeze()
        self.cluster._timer.cancel()

    def go_on(self):
        """SIGCONT: timers first, as they are."""
        self.cluster._timer.reset(0.25)
        self.cluster._look()
        self.log.thaw()
        unread, self._unread = self._unread, []
        for fn, *args in unread:
            fn(*args)

    def drain(self):
        """SIGTERM."""
        for person in self.people:
            self.cluster.farewell(person.member)
        waits = self.cluster.on_drain(5.0)
        self.town.servers.remove(self)
        for person in list(self.people):
            person.gone()
        return waits

    def who(self):
        """Names by rooms, as this server has them."""
        return {room.name: [member.name for member in room.members] for room in self.hub.rooms.values() if room.members}


class Town:
    def __init__(self, seed=0):
        self.reactor = MemoryReactor()
        self.dice = random.Random(seed)
        self.shelf = Shelf(self.reactor, self.dice)
        self.servers = []

    def server(self, title=None, **options):
        """A server that has joined."""
        server = Server(self, title or f"server-{len(self.servers) + 1}", **options)
        self.servers.append(server)
        self.until(lambda: server.settled)
        return server

    def until(self, condition, seconds=30.0):
        end = self.reactor.time() + seconds
        while not condition():
            assert self.reactor.time() < end, "waited in vain"
            self.reactor.advance(0.05)

    def advance(self, seconds=0.1):
        self.reactor.advance(seconds)

    def close(self):
        for server in self.servers:
            server.cluster.close()
        self.reactor.close()


def two(town, *names):
    """Two servers, Ada on the first and Bob on the second, and `names` in turn on the first and the second."""
    a, b = town.server(), town.server()
    people = []
    for number, name in enumerate(("Ada", "Bob", *names)):
        people.append((a, b)[number % 2].join(name))
        town.advance(0.1)
    town.advance(0.5)
    for person in people:
        _ = person.news
    return a, b, *people
