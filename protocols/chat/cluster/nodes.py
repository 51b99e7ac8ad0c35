"""Which servers are in the cluster, and which of their entries count. Pure: the log is the only clock.

Every server decides this by itself, from the same entries in the same order, and so all decide the same:

1. An entry counts if its server has joined, and if its number follows the one before. A smaller number is one that was
   sent again. A larger one tells that an entry in between was refused, and its server sends again from there; unless
   its server says that it has read that entry back: then it was in the log, and is missing here.
2. Time is the log's. It moves with the clock of Redis, but by a third of the lease at most from one entry to the next:
   while Redis cannot be reached nobody can be heard, and nobody is dead for it.
3. A server from which nothing has counted for a lease is gone. All find that at the same entry.
   Where the log's time stands still, one that reads it finds that by its own clock (`Standstill`), and says so in the
   log: all have it from there.
4. A number of a server is used once, for one stay. Which were used is remembered, so that an old log that is read
   again raises nobody from the dead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .entries import BEGINNING, Entry, EntryID

REMEMBERED = 1000  # servers that are gone: a year of daily restarts of three


class Verdict(Enum):
    """What an entry is."""

    COUNTS = "counts"
    AGAIN = "again"  # it has counted before
    GAP = "gap"  # something before it was refused, and comes again
    LOST = "lost"  # something before it was in the log, and was never read here
    STRANGE = "strange"  # its server has not joined
    GONE = "gone"  # its server is no longer there


COUNTS, AGAIN, GAP, LOST, STRANGE, GONE = Verdict  # plain names: on 3.11 `Verdict.COUNTS` takes 1,000 instructions


@dataclass(slots=True)
class Node:
    """A server that has joined."""

    title: str  # what people call it
    seq: int  # of its last entry that counted
    heard: float  # when that was, by the log's time
    wall: float = 0.0  # and by the clock of Redis, in seconds since 1970


class Nodes:
    """Those that have joined and are not gone.

    lease: seconds of silence after which a server is gone.
    """

    def __init__(self, lease: float) -> None:
        self.lease = lease
        self.time = 0.0  # seconds, of the log
        self.last = BEGINNING  # the last entry that counted
        self.joined = BEGINNING  # where this server joined: who joined before is known already, or gone
        self._nodes: dict[str, Node] = {}
        self._gone: dict[str, int] = {}  # and how much of them has counted
        self._past: dict[str, int] = {}  # the same of those that were there before this server began anew

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def __iter__(self) -> Any:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, name: str) -> Node | None:
        return self._nodes.get(name)

    def judge(self, entry: Entry, *, joins: bool) -> tuple[Verdict, list[str]]:
        """What `entry` is, and who is gone by now. If it counts, it has counted.

        Only what counts moves the time: an old log that is read again does not.
        """
        verdict = self._look(entry, joins=joins)
        if verdict is not COUNTS:
            return verdict, []
        passed = entry.id.ms - self.last.ms
        if passed > 0 and self.last != BEGINNING:
            self.time += min(passed / 1000, self.lease / 3)
        self.last, name = entry.id, entry.node
        late = [other for other, node in self._nodes.items() if self.time - node.heard > self.lease]
        if name in late:
            return GONE, late
        if (node := self._nodes.get(name)) is not None:
            node.seq, node.heard, node.wall = entry.seq, self.time, entry.id.ms / 1000
        return COUNTS, late

    def _look(self, entry: Entry, *, joins: bool) -> Verdict:
        node = self._nodes.get(entry.node)
        if node is not None:
            if entry.seq <= node.seq:
                return AGAIN
            if entry.seq == node.seq + 1:
                return COUNTS
            return LOST if entry.read > node.seq else GAP
        if entry.node in self._gone or (joins and entry.id <= self.joined):
            return GONE
        return COUNTS if joins else STRANGE

    def add(self, name: str, title: str, seq: int) -> None:
        """`name` has joined with its entry `seq`."""
        self._nodes[name] = Node(title, seq, self.time, self.last.ms / 1000)

    def remove(self, name: str) -> None:
        """`name` is gone, and will not come back under this name."""
        self._gone[name] = self.counted(name)
        self._nodes.pop(name, None)
        if len(self._gone) > REMEMBERED:
            del self._gone[next(iter(self._gone))]

    def counted(self, name: str) -> int:
        """How many entries of `name` have counted, be it gone or not."""
        node = self._nodes.get(name)
        return self._gone.get(name, self._past.get(name, 0)) if node is None else node.seq

    def is_past(self, name: str) -> bool:
        """Whether `name` was there when this server began anew."""
        return name in self._past

    def follow(self, before: Nodes) -> None:
        """This server begins anew; who comes back is told what of it has counted before."""
        known = {**before._past, **before._gone, **{name: node.seq for name, node in before._nodes.items()}}
        self._past = dict(list(known.items())[-REMEMBERED:])

    def dump(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "lease": self.lease,
            "time": self.time,
            "last": list(self.last),
            "nodes": [[name, node.title, node.seq, node.heard, node.wall] for name, node in self._nodes.items()],
            "gone": self._gone,
            "past": self._past,
        }

    def restore(self, data: dict[str, Any]) -> None:
        """The opposite."""
        self.lease, self.time, self.last = data["lease"], data["time"], EntryID(*data["last"])
        self._nodes = {name: Node(*known) for name, *known in data["nodes"]}
        self._gone, self._past = data["gone"], data["past"]


class Standstill:
    """Who is silent while the log's time does not move, by the clock of one who reads.

    Redis gives no entry a time before that of the last. If its clock was ahead once, be it by years and for a moment,
    all that follow have that time, and no lease would end. So seconds are counted as `Nodes` counts them, a third of
    the lease at most from one entry to the next, from the last entry that has moved the log's time.
    """

    def __init__(self, lease: float) -> None:
        self.lease = lease
        self.time = 0.0  # seconds that the log's time has stood still
        self._ms = -1  # where it stands
        self._seen = 0.0  # when the last entry that counted was read
        self._heard: dict[str, float] = {}  # the servers heard since it stands still, and when

    def note(self, entry: Entry, now: float) -> None:
        """`entry` counts, and was read `now`, by a monotonic clock."""
        if entry.id.ms == self._ms:
            self.time += min(now - self._seen, self.lease / 3)
        else:
            self._ms, self.time = entry.id.ms, 0.0
            self._heard.clear()
        self._seen = now
        self._heard[entry.node] = self.time

    @property
    def is_long(self) -> bool:
        """It has stood still for longer than a server may be silent."""
        return self.time > self.lease

    def silent(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that were not heard for a lease."""
        return [name for name in names if self.time - self._heard.get(name, 0.0) > self.lease]
