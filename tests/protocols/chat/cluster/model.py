"""Whole lives of a cluster, drawn from a seed: people who talk, faults of every kind, and what must hold afterwards."""

from __future__ import annotations

import random
import re

from protocols.chat.cluster.people import FOUND, LOST
from tests.protocols.chat.cluster.town import TTL, Server, Town

SAID = re.compile(r"^(?:\[\d{4}-\d\d-\d\d \d\d:\d\d\] )?(P\d+): (\d+)$")
CAME = re.compile(r"^\* (P\d+) joined$")
TOGETHER = re.compile(r"^\* (joined|left): (.*?)(?: and \d+ more)?$")
WENT = re.compile(r"^\* (P\d+) (left|was kicked.*)$")
TOLD = ("other servers", "not said", "not sent", "missed", "lost")
SHORT, LONG = TTL * 0.7, TTL * 1.6


def singly(line):
    """News that are told together, one by one."""
    found = TOGETHER.match(line)
    return [f"* {name} {found[1]}" for name in found[2].split(", ")] if found else [line]


class Model:
    """One run. `faults`: names of those that may happen, see `_fault_*`."""

    def __init__(self, seed, faults, seconds=60.0):
        self.dice = random.Random(seed)
        self.town = Town(seed)
        self.faults = faults
        self.seconds = seconds
        self.people = []  # all who ever came
        self.said = []  # (time, person, number)
        self.count = 0
        self.busy = set()  # servers that have a fault
        self.ended = {}  # when the last fault of a server was over
        self.log = []
        for _ in range(self.dice.randrange(2, 5)):
            self.town.server()
        for _ in range(self.dice.randrange(2, 7)):
            self.come()
        self.town.advance(1)

    @property
    def now(self):
        return self.town.reactor.time()

    def later(self, seconds, fn, *args):
        self.town.reactor.call_later(seconds, fn, *args)

    def note(self, text):
        self.log.append(f"{self.now:.2f} {text}")

    # -- people

    def come(self, server=None):
        free = [server for server in self.town.servers if server not in self.busy or server.settled]
        server = server or self.dice.choice(free)
        self.count += 1
        person = server.join(f"P{self.count}")
        person.went, person.number = None, 0
        self.people.append(person)
        self.note(f"P{self.count} comes to {server.title}")

    def act(self):
        """Somebody does something."""
        here = [person for person in self.people if person.open and not person.server.dead]
        what = self.dice.random()
        if what < 0.04 and len(self.people) < 14:
            self.come()
        elif what < 0.06 and len(here) > 2:
            person = self.dice.choice(here)
            person.went = self.now
            self.note(f"{person.name} goes")
            person.gone()
        elif here:
            person = self.dice.choice(here)
            for n in range(self.dice.randrange(2, 7) if what > 0.9 else 1):  # more than one at once is on its way
                self.later(n * 0.0004, self.speak, person)

    def speak(self, person):
        if person.open and not person.held and person.name.startswith("P"):
            person.number += 1
            person.server.do(self.on_read, person, person.number)
            person.says(str(person.number))

    def on_read(self, person, number):
        """Its server has read it: from here on it is not lost in silence."""
        self.said.append((self.now, person, number))

    # -- faults

    def fault(self):
        name = self.dice.choice(self.faults)
        well = [server for server in self.town.servers if self.is_well(server)]
        if well and len(self.busy) < len(self.town.servers):
            self.note(f"{name}")
            getattr(self, f"_fault_{name}")(self.dice.choice(well))

    def is_well(self, server):
        """What it wrote after the last fault was read back: another one before that would make it a longer one."""
        ended = self.ended.get(server, 0.0)
        return server not in self.busy and server.is_in and server.cluster.stay.contact > ended

    def _for(self, server, seconds, end):
        self.busy.add(server)
        self.note(f"  of {server.title} for {seconds:.1f} s")

        def over():
            self.busy.discard(server)
            self.ended[server] = self.now
            self.note(f"  {server.title} is well again")
            end()

        self.later(seconds, over)

    def _fault_flap(self, server):
        server.log.flap()

    def _fault_short_cut(self, server):
        server.log.cut(self.dice.random())
        self._for(server, self.dice.random() * SHORT, server.log.heal)

    def _fault_long_cut(self, server):
        server.log.cut(self.dice.random() * 2)
        self._for(server, LONG * (0.8 + self.dice.random()), server.log.heal)

    def _fault_short_stop(self, server):
        server.stop()
        self._for(server, self.dice.random() * SHORT, server.go_on)

    def _fault_long_stop(self, server):
        server.stop()
        self._for(server, LONG, server.go_on)

    def _fault_refuse(self, server):
        if not all(self.is_well(other) for other in self.town.servers):
            return
        self.town.shelf.refuses = 1.0
        seconds = self.dice.random() * SHORT
        for other in self.town.servers:
            self._for(other, seconds, self._accept)

    def _fault_refuse_some(self, server):
        """Memory is full now and then."""
        if all(self.is_well(other) for other in self.town.servers):
            self.town.shelf.refuses = 0.5
            for other in self.town.servers:
                self._for(other, 3.0, self._accept)

    def _accept(self):
        self.town.shelf.refuses = 0.0

    def _fault_kill(self, server):
        if len(self.town.servers) > 2:
            for person in server.people:
                person.went = self.now
            server.kill()
            self._successor()

    def _fault_drain(self, server):
        if len(self.town.servers) > 2:
            for person in list(server.people):
                person.went = self.now
            server.drain()
            self._successor()

    def _successor(self):
        def begin():
            self.town.servers.append(Server(self.town, f"again-{len(self.log)}"))

        self.later(self.dice.random() * TTL * 1.5, begin)

    def _fault_all_cut(self, server):
        for other in self.town.servers:
            if other not in self.busy:
                other.log.cut(self.dice.random())
                self._for(other, LONG * (0.8 + 0.4 * self.dice.random()), other.log.heal)

    def _fault_empty(self, server):
        self.town.shelf.empty()

    # -- the run

    def run(self):
        end = self.now + self.seconds
        while self.now < end:
            self.town.advance(self.dice.random() * 0.3)
            self.act()
            if self.dice.random() < 0.03:
                self.fault()
        self.town.until(lambda: not self.busy, 60)
        self.town.until(lambda: all(server.is_in for server in self.town.servers), 2 * TTL + 10)
        self.town.advance(TTL + 4)  # who was killed last is missed
        self.check()
        self.town.close()
        return self

    # -- what must hold

    def check(self):
        first, *others = self.town.servers
        for other in others:
            assert other.who() == first.who(), "two servers disagree on who is where"
        alive = [person for person in self.people if person.open and not person.server.dead]
        seen, there = sorted(name for names in first.who().values() for name in names), sorted(p.name for p in alive)
        assert seen == there, f"{seen} are in the rooms, {there} are connected"
        for person in alive:
            self.check_heard(person)
            self.check_comings(person, first.who()["lobby"])
        self.check_complete(alive)
        self.check_order(alive)

    def check_heard(self, person):
        """Nothing twice, and nothing of one sender out of order, but for what was said before somebody came."""
        last, when = {}, {(who.name, number): when for when, who, number in self.said}
        for line in person.lines:
            if found := SAID.match(line):
                sender, number = found[1], int(found[2])
                if line.startswith("[") and when.get((sender, number), person.came) < person.came:
                    continue
                assert number > last.get(sender, 0), f"{person.name} heard {line!r} after {last.get(sender)}"
                last[sender] = number

    def check_comings(self, person, here):
        """Who is seen to come had gone, and the other way round; and at the end it is as /who has it."""
        present = {}
        for line in (one for heard in person.lines for one in singly(heard)):
            if found := CAME.match(line):
                assert present.get(found[1]) is not True, f"{person.name}: {found[1]} joined twice"
                present[found[1]] = True
            elif found := WENT.match(line):
                assert present.get(found[1]) is not False, f"{person.name}: {found[1]} left twice"
                present[found[1]] = False
        for name, is_here in present.items():
            assert is_here == (name in here), f"{person.name} believes that {name} is {'there' if is_here else 'gone'}"

    def check_complete(self, alive):
        """What did not reach somebody who was there: its sender, or who lacks it, was told."""
        heard = {listener: {SAID.sub(r"\1: \2", line) for line in listener.lines} for listener in alive}
        for when, sender, number in self.said:
            if sender.went is not None and when > sender.went - TTL - 2:
                continue  # gone before it was clear that a line was lost, or its server was killed with it
            for listener in alive:
                if listener is sender or listener.came > when:
                    continue
                if f"{sender.name}: {number}" in heard[listener]:
                    continue
                told = any(word in line for line in sender.lines + listener.lines for word in TOLD)
                assert told, f"{listener.name} lacks {sender.name}: {number} of {when:.2f}, and nobody was told"

    def check_order(self, alive):
        """One order for everybody who was never cut off."""
        whole = [person for person in alive if not any("other servers" in line for line in person.lines)]
        heard = {person: [line for line in person.lines if re.match(r"P\d+: ", line)] for person in whole}
        for a in whole:
            for b in whole:
                common = set(heard[a]) & set(heard[b])
                one = [line for line in heard[a] if line in common]
                other = [line for line in heard[b] if line in common]
                assert one == other, f"{a.name} and {b.name} heard two orders"

    def undisturbed(self):
        """No fault was as long as a lease: nobody has heard of any."""
        for person in self.people:
            assert not any(line in (f"* {LOST}", f"* {FOUND}") for line in person.lines), person.name
            lines = [one for line in person.lines for one in singly(line)]
            for other in self.people:
                came, went = lines.count(f"* {other.name} joined"), lines.count(f"* {other.name} left")
                assert max(came, went) <= 1, f"{person.name} was told that {other.name} had gone, who had not"
                assert not went or not other.open, f"{person.name} was told that {other.name} had gone, who had not"
