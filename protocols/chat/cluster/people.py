"""This server's own people in the cluster: their numbers, what they missed while it was cut off, and how they return.

Knows no log: what is to be said there is given as inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count

from ..rooms import names
from ..rooms.history import Said, stamped
from ..rooms.hub import Hub, Posted
from ..rooms.room import Member
from ..rooms.state import State, describe_member
from .entries import Input

LOST = "the other servers cannot be reached: only who is on this server hears you"
FOUND = "the other servers are back"
MISSED = "some lines of the other servers were missed"
NAMED_ONE_BY_ONE = 20  # who joined is told in a line each up to here, above it ten in a line
LINES_REMEMBERED = 5000  # said while cut off: more are not told apart from what others have said

Entered = Callable[[Member], None]


class People:
    """Members by their numbers; a new list for each stay in the cluster."""

    def __init__(self, hub: Hub, node: str) -> None:
        self.hub = hub
        self.node = node
        self._members: dict[int, tuple[Member, Entered | None]] = {}
        self._numbers = count(1)

    def add(self, member: Member, entered: Entered | None = None) -> int:
        """Gives the number of `member`."""
        mid = next(self._numbers)
        member.origin = (self.node, mid)
        self._members[mid] = (member, entered)
        return mid

    def get(self, mid: int) -> Member | None:
        found = self._members.get(mid)
        return None if found is None else found[0]

    def number(self, member: Member) -> int | None:
        """Its number, until it was removed."""
        if member.origin is None or member.origin[0] != self.node:
            return None
        mid = member.origin[1]
        return mid if mid in self._members else None

    def remove(self, mid: int) -> None:
        self._members.pop(mid, None)

    def enter(self, mid: int) -> None:
        """The member is in the rooms: tell its session."""
        member, entered = self._members.get(mid, (None, None))
        if member is not None and entered is not None:
            self._members[mid] = (member, None)
            entered(member)

    def all(self) -> list[tuple[int, Member, Entered | None]]:
        """Numbers, members, and who is to be told of those who are not in the rooms yet."""
        return [(mid, member, entered) for mid, (member, entered) in self._members.items()]


class Absence:
    """A time in which this server was not in the cluster.

    wall: what was said there until then was heard here. told: people know that it is cut off.
    """

    def __init__(self, hub: Hub, wall: float, *, told: bool) -> None:
        self.hub = hub
        self.wall = wall
        self.told = told
        self._own: Counter[tuple[str, bytes]] = Counter()  # what was heard here since
        self._missed: dict[str, tuple[int, bytes, bool]] = {}  # by room: lines that it is from, them, some are missing
        for key, room in hub.rooms.items():
            self._own.update((key, said.line) for said in room.history if said.when > wall)
        hub.audience.append(self._on_posted)

    def end(self) -> None:
        """From now on what is said comes from the log."""
        if self._on_posted in self.hub.audience:
            self.hub.audience.remove(self._on_posted)

    def _on_posted(self, posted: Posted) -> None:
        if posted.said is not None and len(self._own) < LINES_REMEMBERED:
            rooms = self.hub.rooms.values() if posted.room is None else (posted.room,)
            self._own.update((names.key(room.name), posted.line) for room in rooms)

    def welcome_back(self, member: Member, before: str) -> None:
        """Tell `member`, who is in the rooms again and was called `before`, what has changed."""
        room = member.room
        if room is None:
            return
        notices = [FOUND] if self.told else []
        if self.told:
            notices += _joined([other.name for other in room.members if not other.local and other.announced])
        if member.name != before:
            notices.append(f"{before} was given to somebody else meanwhile: you are {member.name} now")
        missed, is_cut = self._missed_in(names.key(room.name), list(room.history))
        if is_cut:
            notices.append(MISSED)
        if notices:
            member.tell(*notices)
        member.give(missed)

    def _missed_in(self, key: str, said: list[Said]) -> tuple[bytes, bool]:
        """The lines that nobody here has heard, stamped; and whether there were more than are kept."""
        cached = self._missed.get(key)
        if cached is not None and cached[0] == len(said):
            return cached[1], cached[2]
        own, lines = self._own.copy(), []
        for one in said:
            if one.when > self.wall:
                if own[key, one.line] > 0:
                    own[key, one.line] -= 1
                else:
                    lines.append(one)
        is_cut = bool(said) and said[0].when > self.wall and len(said) >= self.hub.lobby.history.lines > 0
        self._missed[key] = (len(said), stamped(lines), is_cut)
        return self._missed[key][1], is_cut


def come_back(hub: Hub, people: People, state: State, is_here: Callable[[Member], bool]) -> list[Input]:
    """How everybody here comes into the rooms of `state`, which the others have: the inputs for it, in order.

    To be called before the rooms are changed. Rooms that only this server has are taken along.
    """
    there = {names.key(name) for name, *_ in state["rooms"]}
    inputs: list[Input] = []
    for key, room in hub.rooms.items():
        if key not in there and any(member.local for member in room.members):
            inputs.append(["room", room.name, room.topic, [[said.when, said.line.decode()] for said in room.history]])
    for member in list(hub.members()):
        where = member.room
        if where is not None and member.local and is_here(member):
            inputs.append(["back", people.add(member), where.name, where.topic, describe_member(member)])
    return inputs


def _joined(everybody: list[str]) -> list[str]:
    if len(everybody) <= NAMED_ONE_BY_ONE:
        return [f"{name} joined" for name in everybody]
    return [f"joined: {', '.join(everybody[at : at + 10])}" for at in range(0, len(everybody), 10)]
