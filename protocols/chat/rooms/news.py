"""Who came, went and changed its name since this was told last, in few lines. Pure.

In a crowd a line for each of them is noise to everybody, and a thousand deliveries a piece: a thousand who come would
cost a million.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol as Interface

CROWD = 200  # members above which comings and goings are told together
BURST = 8  # who come within GAP and get a line each: a class of 25 at the bell would be 24 lines on every screen
GAP = 2.0  # seconds that news wait for company: nobody in a crowd wonders that long who has come
SHOWN = 10  # names in one line


class Named(Interface):
    """Somebody with a name, which may change."""

    @property
    def name(self) -> str: ...


class News:
    """Collect, then `take` the lines. Who comes and goes in between, or goes and comes, is not worth a word."""

    __slots__ = ("_came", "_renamed", "_went", "at_once", "waiting")

    def __init__(self) -> None:
        self.at_once = 0  # who have come lately
        self._clear()

    def calm_down(self) -> None:
        """A while has passed."""
        self.at_once = 0

    def holds(self, member: Named) -> bool:
        """Whether nobody has heard yet that `member` has come."""
        return member in self._came

    def _clear(self) -> None:
        self.waiting = False  # somebody will come and take
        self._came: dict[Named, None] = {}
        self._went: dict[Named, str] = {}  # by the name that the room knows
        self._renamed: dict[Named, str] = {}  # to the name that the room knows

    def come(self, member: Named) -> None:
        known = self._went.pop(member, None)
        if known is None:
            self._came[member] = None
        else:
            self._renamed[member] = known  # nothing to tell, unless the name is another

    def go(self, member: Named) -> None:
        if member in self._came:
            del self._came[member]
        else:
            self._went[member] = self._renamed.pop(member, member.name)

    def rename(self, member: Named, old: str) -> None:
        if member not in self._came:
            self._renamed.setdefault(member, old)

    def take(self) -> list[str]:
        """What to tell, once: in an order in which a name is free before another has it."""
        renamed = [f"{old} is now {member.name}" for member, old in self._renamed.items() if old != member.name]
        left, joined = list(self._went.values()), [member.name for member in self._came]
        rows = (("left", left), ("renamed", renamed), ("joined", joined))
        self._clear()
        return [f"{what}: {shorten(names)}" for what, names in rows if names]


def shorten(names: Iterable[str], shown: int = SHOWN) -> str:
    """The first names, and how many more there are.

    >>> shorten(["Ada", "Bob", "Eve"], 2)
    'Ada, Bob and 1 more'
    """
    names = list(names)
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
