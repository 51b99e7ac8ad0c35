"""Who does not hear whom, by their own wish. Pure; knows members and names, not what is said.

A wish is for a name: it holds when its holder comes again. It goes along with a holder who takes another name, and ends
with the connection of who has it. Operators are heard by everybody.
"""

from __future__ import annotations

from collections.abc import Callable

from . import names
from .history import History, stamped
from .room import ACTION, NOBODY, Member

MOST = 100  # names that one member ignores: a list longer than that is a wish for another room


class Ignoring:
    """The wishes of all. holder: who has the name of that key."""

    def __init__(self, holder: Callable[[str], Member | None]) -> None:
        self._holder = holder
        self._by_name: dict[str, set[Member]] = {}  # who ignores that name

    def begin(self, member: Member, name: str) -> None:
        """`member` does not want to hear who is called `name`."""
        key = names.key(name)
        member.ignored = {**member.ignored, key: name}
        self._by_name.setdefault(key, set()).add(member)
        self._look(key)

    def end(self, member: Member, key: str) -> None:
        """`member` hears who has the name of that key again."""
        member.ignored = {other: name for other, name in member.ignored.items() if other != key}
        members = self._by_name.get(key, set())
        members.discard(member)
        if not members:
            self._by_name.pop(key, None)
        self._look(key)

    def seated(self, member: Member) -> None:
        """`member` is here, with what it has wished before, on another server of a cluster perhaps."""
        for name in list(member.ignored.values()):
            self.begin(member, name)

    def named(self, member: Member, old: str) -> None:
        """`member` has its name from now on; it was called `old`, if it was called anything."""
        if old and member.ignored_by:
            for other in member.ignored_by:
                self.end(other, names.key(old))
                self.begin(other, member.name)
                other.tell(f"you ignore {member.name} now, who was {old}; /unignore {member.name} ends it")
        self._look(names.key(member.name))

    def left(self, member: Member) -> None:
        """`member` is gone."""
        for key in list(member.ignored):
            self.end(member, key)

    def forget(self) -> None:
        """All begins anew; those who are still in the rooms are `seated` again."""
        for key in self._by_name:
            if (holder := self._holder(key)) is not None:
                holder.ignored_by = NOBODY
        self._by_name.clear()

    def _look(self, key: str) -> None:
        if (holder := self._holder(key)) is not None:
            members = self._by_name.get(key)
            holder.ignored_by = frozenset(members) if members else NOBODY


def hears(member: Member, other: Member) -> bool:
    """Whether `member` is told what `other` says."""
    return member not in other.ignored_by or bool(other.operator)


def replayed(history: History, member: Member, count: int | None = None) -> bytes:
    """The last `count` lines of a history (None: all), without those of whom `member` ignores."""
    if not member.ignored:
        return history.replay() if count is None else history.last(count)
    lines = [said for said in history if speaker(said.line.decode()) not in member.ignored]
    return stamped(lines if count is None else lines[-count:])


def speaker(line: str) -> str:
    """The key of who has said or done this.

    >>> speaker("Ada: hi"), speaker("~ Ada waves"), speaker("~ [The Weeknd] waves")
    ('ada', 'ada', 'the weeknd')
    """
    if not line.startswith(ACTION):
        return names.key(line.partition(":")[0])
    actor = line.removeprefix(ACTION)
    return names.key(actor[1:].partition("]")[0] if actor.startswith("[") else actor.partition(" ")[0])
