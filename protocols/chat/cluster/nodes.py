"""Which servers are in the cluster, and which of their entries count. Pure: the log is the only clock.

Every server decides this by itself, from the same entries in the same order, and so all decide the same:

1. An entry counts if its server has joined, and if its number follows the one before. A smaller number is one that was
   sent again, a larger one tells that an entry in between was refused, and its server sends again from there.
2. Time is the log's. It moves with the clock of Redis, but by a third of the lease at most from one entry to the next:
   while Redis cannot be reached nobody can be heard, and nobody is dead for it.
3. A server from which nothing has counted for a lease is gone. All find that at the same entry.
4. A number of a server is used once, for one stay. Which were used is remembered, so that an old log that is read
   again raises nobody from the dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from .entries import BEGINNING, EntryID

REMEMBERED = 1000  # servers that are gone: a year of daily restarts of three


class Verdict(Enum):
    """What an entry is."""

    COUNTS = "counts"
    AGAIN = "again"  # it has counted before
    GAP = "gap"  # something before it is missing
    STRANGE = "strange"  # its server has not joined
    GONE = "gone"  # its server is no longer there


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
        self._gone: dict[str, None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def __iter__(self) -> Any:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, name: str) -> Node | None:
        return self._nodes.get(name)

    def judge(self, id: EntryID, name: str, seq: int, *, joins: bool) -> tuple[Verdict, list[str]]:
        """What the entry `seq` of `name` is, and who is gone by now. If it counts, it has counted.

        Only what counts moves the time: an old log that is read again does not.
        """
        verdict = self._look(id, name, seq, joins=joins)
        if verdict is not Verdict.COUNTS:
            return verdict, []
        if self.last != BEGINNING:
            self.time += min(max((id.ms - self.last.ms) / 1000, 0.0), self.lease / 3)
        self.last = id
        late = [other for other, node in self._nodes.items() if self.time - node.heard > self.lease]
        if name in late:
            return Verdict.GONE, late
        if (node := self._nodes.get(name)) is not None:
            node.seq, node.heard, node.wall = seq, self.time, id.ms / 1000
        return Verdict.COUNTS, late

    def _look(self, id: EntryID, name: str, seq: int, *, joins: bool) -> Verdict:
        node = self._nodes.get(name)
        if node is not None:
            return Verdict.COUNTS if seq == node.seq + 1 else Verdict.AGAIN if seq <= node.seq else Verdict.GAP
        if name in self._gone or (joins and id <= self.joined):
            return Verdict.GONE
        return Verdict.COUNTS if joins else Verdict.STRANGE

    def add(self, name: str, title: str, seq: int) -> None:
        """`name` has joined with its entry `seq`."""
        self._nodes[name] = Node(title, seq, self.time, self.last.ms / 1000)

    def remove(self, name: str) -> None:
        """`name` is gone, and will not come back under this name."""
        self._nodes.pop(name, None)
        self._gone[name] = None
        if len(self._gone) > REMEMBERED:
            del self._gone[next(iter(self._gone))]

    def dump(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "lease": self.lease,
            "time": self.time,
            "last": list(self.last),
            "nodes": [[name, node.title, node.seq, node.heard, node.wall] for name, node in self._nodes.items()],
            "gone": list(self._gone),
        }

    def restore(self, data: dict[str, Any]) -> None:
        """The opposite."""
        self.lease, self.time, self.last = data["lease"], data["time"], EntryID(*data["last"])
        self._nodes = {name: Node(*known) for name, *known in data["nodes"]}
        self._gone = dict.fromkeys(data["gone"])
