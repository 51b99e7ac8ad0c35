"""This server's own people in the cluster: their numbers, what they missed while it was cut off, and how they return.

Knows no log: what is to be said there is given as inputs.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import count

from ..rooms import names
from ..rooms.history import Said, stamped
from ..rooms.hub import Hub, Posted
from ..rooms.room import NOTICE, Member, Room, actor
from ..rooms.state import State, describe_member
from .entries import Input

LOST = "the other servers cannot be reached: only who is on this server hears you"
FOUND = "the other servers are back"
ELSEWHERE = "the chat goes on without this server: connect again"
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


class Heard:
    """What was said lately, and heard by somebody here."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lines: deque[tuple[float, str, bytes]] = deque(maxlen=LINES_REMEMBERED)  # when, in which room, what
        hub.audience.append(self._on_posted)

    def _on_posted(self, posted: Posted) -> None:
        if posted.said is not None:
            rooms = self._hub.rooms.values() if posted.room is None else (posted.room,)
            for room in rooms:
                if room.is_heard:
                    self.note(room, posted.said, posted.line)

    def note(self, room: Room, when: float, line: bytes) -> None:
        """Somebody in that room has it."""
        self._lines.append((when, room.name, line))

    def since(self, when: float) -> Counter[tuple[str, bytes]]:
        """What was said after `when`, by the key of its room, and how often."""
        lines = [(name, line) for said, name, line in self._lines if said > when]
        keys = {name: names.key(name) for name, _ in lines}
        return Counter((keys[name], line) for name, line in lines)


class Absence:
    """A time in which this server was not in the cluster.

    wall: what was said there until then was heard here. unsure: for so many seconds before that, a server that was cut
    off as well may say again, with a later time, what was heard here already: it has not read it back. told: people
    know that it is cut off, and that nobody of another server is there; else they still believe that who was there is.
    """

    def __init__(self, hub: Hub, heard: Heard, wall: float, unsure: float, *, told: bool) -> None:
        self.wall = wall
        self.told = told
        self.former = ""  # what this server was called: places are kept under that name for those who come back
        self._heard = heard
        self._unsure = wall - unsure
        self._before: Counter[tuple[str, bytes]] | None = None  # what was heard until we were back
        self._missed: dict[str, tuple[Said, list[Said], bool]] = {}  # by room: up to which line, those, were there more
        self._known = {} if told else {key: _others(room) for key, room in hub.rooms.items()}

    def note_gone(self, gone: Iterable[Member]) -> None:
        """These have left this server since, and nobody was told yet."""
        for member in gone:
            if not self.told and member.announced and member.room is not None:
                self._known.setdefault(names.key(member.room.name), {})[member.name] = None

    def welcome_back(self, member: Member, before: str) -> None:
        """Tell `member`, who is in the rooms again and was called `before`, what has changed."""
        if member.room is None:
            return
        changes, missed, is_cut = self._news(member.room)
        notices = [FOUND] if self.told else []
        notices += changes
        if member.name != before:
            notices.append(f"{before} was given to somebody else meanwhile: you are {member.name} now")
        if is_cut:
            notices.append(MISSED)
        if notices:
            member.tell(*notices)
        own = (f"{before}: ".encode(), actor(before).encode())
        member.give(stamped(said for said in missed if not said.line.startswith(own)))

    def show(self, hub: Hub) -> None:
        """Let whoever looks on see what has changed in all rooms, as those who are in them are told."""
        for room in list(hub.rooms.values()):
            changes, missed, is_cut = self._news(room)
            lines = [f"{NOTICE}{notice}\n".encode() for notice in changes + [MISSED] * is_cut]
            for line in lines + [stamped([said]) for said in missed]:
                hub.tell_audience(Posted(line, room))

    def _news(self, room: Room) -> tuple[list[str], list[Said], bool]:
        """Who has left and come, which lines were missed, and whether there were more."""
        key = names.key(room.name)
        before, now = self._known.get(key, {}), _others(room, self.former)
        changes = [f"{name} left" for name in before if name not in now]
        changes += _joined([name for name in now if name not in before])
        return changes, *self._missed_in(key, room)

    def _missed_in(self, key: str, room: Room) -> tuple[list[Said], bool]:
        """The lines that nobody here has heard; and whether there were more than are kept."""
        said = list(room.history)
        if self._before is None:
            self._before = self._heard.since(self._unsure)  # from here on the first of us hear again
        cached = self._missed.get(key)
        if said and (cached is None or cached[0] is not said[-1]):
            missed = self._missing(key, said)
            for one in missed:
                self._heard.note(room, one.when, one.line)
            is_cut = said[0].when > self.wall and room.history.is_full  # there may have been earlier ones
            cached = self._missed[key] = said[-1], missed, is_cut
        return ([], False) if cached is None else cached[1:]

    def _missing(self, key: str, said: list[Said]) -> list[Said]:
        assert self._before is not None
        heard: Counter[bytes] = Counter()
        missed = []
        for one in said:
            if one.when > self._unsure and heard[one.line] < self._before[key, one.line]:
                heard[one.line] += 1
            elif one.when > self.wall:
                missed.append(one)
        return missed


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


def _others(room: Room, former: str = "") -> dict[str, None]:
    """The names of those who are on other servers, as far as people know that they are here."""
    others = (member for member in room.members if not member.local and member.announced)
    return {member.name: None for member in others if member.origin is None or member.origin[0] != former}


def _joined(everybody: list[str]) -> list[str]:
    if len(everybody) <= NAMED_ONE_BY_ONE:
        return [f"{name} joined" for name in everybody]
    return [f"joined: {', '.join(everybody[at : at + 10])}" for at in range(0, len(everybody), 10)]
