"""The chat as the log has it: inputs of all servers, applied to the rooms in the order of the log.

Every server runs this on the same entries and so has the same rooms, names, topics and bans. Nothing here asks the
local clock, draws lots, or depends on what only this server knows. Pure: knows no connection and no Redis.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol as Interface

from ..rooms.hub import Hub
from ..rooms.room import Member
from ..rooms.speech import hear
from ..rooms.state import State, dump, recall_member, restore, sound_lines
from .entries import BadEntry, Entry, Input, unpack
from .nodes import COUNTS, Nodes, Verdict

Origin = tuple[str, int]


class Own(Interface):
    """The server that this replica is on, as far as its people are concerned."""

    def get(self, mid: int) -> Member | None:
        """Its own member of this number."""

    def on_entered(self, mid: int) -> None:
        """That member is in the rooms now."""

    def on_back(self, member: Member, before: str) -> None:
        """That member is in the rooms again; `before` is what it was called."""

    def on_sync(self, node: str, before: str, *, is_whole: bool) -> None:
        """A server has joined, which was called `before`; it needs the state as it is now, if that is whole."""

    def on_never_read(self) -> None:
        """A server that was known before this one began anew has said more than can be read now."""

    def now(self) -> float:
        """The local clock, for what is only shown."""


class Console(Interface):
    """What the operators of all servers can do."""

    def type(self, node: str, text: str) -> None:
        """Do what was typed at the console of that server."""

    def have_bans(self, bans: list[Any]) -> None:
        """These hold, and no others."""

    def sweep(self) -> None:
        """Who is banned goes."""

    def bans(self) -> list[Any]:
        """Those that hold, as plain data."""


class Replica:
    """Applies entries; `name` is this server's, by which its own are told from the others'."""

    def __init__(self, hub: Hub, own: Own, console: Console | None, name: str, lease: float) -> None:
        self.hub = hub
        self.name = name
        self.nodes = Nodes(lease)
        self.wall = 0.0  # seconds since 1970, by the clock of Redis
        self.members: dict[Origin, Member] = {}
        self.former: dict[str, str] = {}  # what servers were called whose people are not back in their places yet
        self.counted = 0  # entries of a server's stay before the one that has just begun
        self.bad = 0  # entries that nobody understands
        self._own = own
        self._console = console
        self._inputs: dict[str, Callable[..., None]] = {
            "enter": self._enter, "announce": self._announce, "hear": self._hear, "leave": self._leave,
            "promote": self._promote, "back": self._back, "room": self._room, "typed": self._typed,
            "bans": self._bans, "sweep": self._sweep, "bye": self._bye, "disown": self._disown, "sync": self._sync,
            "here": self._here,
        }  # fmt: skip

    def apply(self, entry: Entry) -> Verdict:
        """Let everything happen that `entry` says, if it counts. Its own end a server finds as GONE, here or later."""
        try:
            inputs = unpack(entry.data)
        except BadEntry:
            self.bad += 1
            inputs = []
        joins = bool(inputs) and inputs[0][0] == "sync"
        verdict, late = self.nodes.judge(entry, joins=joins)
        if (verdict is COUNTS or late) and (wall := entry.id.ms / 1000) > self.wall:
            self.wall = wall
        for name in late:
            self.end(name)
        if verdict is COUNTS and self.name in self.nodes:
            for one in inputs:
                self._do(entry, one)
        return verdict

    def _do(self, entry: Entry, one: Input) -> None:
        do = self._inputs.get(one[0])
        try:
            if do is None:
                raise ValueError(one[0])
            do(entry, *one[1:])
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            self.bad += 1  # another version has written it; all of this version do the same

    # -- people -------------------------------------------------------------------------------------------------

    def member(self, origin: Origin) -> Member:
        """A member from elsewhere, or our own."""
        node, mid = origin
        member = self._own.get(mid) if node == self.name else None
        if member is None:
            member = Member(_nothing, _no_end, local=False)
            member.spoke = self._own.now()
        member.origin = origin
        self.members[origin] = member
        return member

    def _enter(self, entry: Entry, mid: int, address: str) -> None:
        member = self.member((entry.node, mid))
        member.address = address
        self.hub.enter(member)
        if entry.node == self.name:
            self._own.on_entered(mid)

    def _announce(self, entry: Entry, mid: int) -> None:
        if member := self.members.get((entry.node, mid)):
            self.hub.announce(member)

    def _hear(self, entry: Entry, mid: int, text: str) -> None:
        member = self.members.get((entry.node, mid))
        if member is not None and member.room is not None:
            if not member.local:
                member.spoke = self._own.now()
            hear(self.hub, member, text)

    def _leave(self, entry: Entry, mid: int, returns: bool = False, reason: str | None = None) -> None:
        if member := self.members.pop((entry.node, mid), None):
            member.returns, member.reason = returns, member.reason or reason
            self.hub.leave(member)

    def _promote(self, entry: Entry, mid: int, operator: str) -> None:
        if member := self.members.get((entry.node, mid)):
            member.operator = operator

    def _back(self, entry: Entry, mid: int, room: str, topic: str, known: list[Any]) -> None:
        member = self.member((entry.node, mid))
        recall_member(member, known)
        before, own = member.name, entry.node == self.name
        kept = self._give_up_place(entry.node, before, room)
        self.hub.come_back(member, before, self.hub.open_room(room, topic), told=not (own or kept))
        if own:
            self._own.on_back(member, before)

    def _give_up_place(self, node: str, name: str, room: str) -> bool:
        """Whether a place was kept for who is called so, on a server that was called otherwise; it is free now."""
        holder = self.hub.get(name)
        if holder is None or holder.room is None or holder.room.name != room or holder.origin is None:
            return False
        if holder.origin[0] != self.former.get(node):
            return False
        self._leave_place(self.members.pop(holder.origin), told=False)
        return True

    def _here(self, entry: Entry) -> None:
        if (before := self.former.pop(entry.node, None)) is not None:
            self._quit(before, told=entry.node != self.name)

    def _quit(self, node: str, *, told: bool = True) -> None:
        for origin in [origin for origin in self.members if origin[0] == node]:
            self._leave_place(self.members.pop(origin), told=told)

    def _leave_place(self, member: Member, *, told: bool) -> None:
        if not told:
            member.announced, member.guest = False, 0  # and so the name is not given to a guest
        self.hub.leave(member)

    # -- rooms and operators ------------------------------------------------------------------------------------

    def _room(self, entry: Entry, name: str, topic: str, lines: list[list[Any]]) -> None:
        """What was said in a room that only `entry.node` has. One that is there by now has its own."""
        if self.hub.find_room(name) is None:
            room = self.hub.open_room(name, topic)
            for when, line in sound_lines(lines):
                room.history.add(when, line)

    def _typed(self, entry: Entry, text: str) -> None:
        if self._console is not None:
            self._console.type(entry.node, text)

    def _bans(self, entry: Entry, bans: list[Any]) -> None:
        if self._console is not None:
            self._console.have_bans(bans)
            self._console.sweep()

    def _sweep(self, entry: Entry) -> None:
        if self._console is not None:
            self._console.sweep()

    # -- servers ------------------------------------------------------------------------------------------------

    def _sync(self, entry: Entry, title: str, before: str = "", read: int = 0, stay: bool = False) -> None:
        node = self.nodes.get(before)
        self.counted = self.nodes.counted(before)
        self.former = {name: called for name, called in self.former.items() if called != before}
        if stay:
            self.former[entry.node] = before
            self.nodes.remove(before)
        elif before:
            self.end(before)
        self.nodes.add(entry.node, title, entry.seq)
        is_whole = node is None or self.counted >= read
        if self.nodes.is_past(before) and self.counted < read:
            self._own.on_never_read()
            is_whole = True
        self._own.on_sync(entry.node, before, is_whole=is_whole)

    def _bye(self, entry: Entry) -> None:
        self.end(entry.node)

    def _disown(self, entry: Entry, name: str) -> None:
        self.end(name)

    def end(self, name: str) -> None:
        """A server is gone, and its people with it. Our own are told nothing: this server sees to them."""
        self.nodes.remove(name)
        if name != self.name:
            self._quit(name)
            self._quit(self.former.pop(name, name))

    # -- the state ----------------------------------------------------------------------------------------------

    def dump(self) -> State:
        """All there is, for a server that joins."""
        bans = [] if self._console is None else self._console.bans()
        return {
            "hub": dump(self.hub),
            "nodes": self.nodes.dump(),
            "bans": bans,
            "wall": self.wall,
            "counted": self.counted,
            "former": self.former,
        }

    def begin_anew(self, entry: Entry) -> bytes:
        """All there is at `entry`, with which this server joins where nobody is there to tell it: it goes on."""
        self.nodes.follow(self.nodes)
        self.apply(entry)
        return json.dumps(self.dump()).encode()

    def restore(self, state: State) -> None:
        """Go on from the state of another server."""
        self.members.clear()
        restore(self.hub, state["hub"], self.member)
        self.nodes.restore(state["nodes"])
        self.nodes.joined = self.nodes.last
        self.wall, self.counted, self.former = state["wall"], state["counted"], state["former"]
        if self._console is not None:
            self._console.have_bans(state["bans"])

    def found(self, title: str, id: Any, before: Nodes) -> None:
        """Go on from the state that this server has: nobody else is there."""
        self.nodes.follow(before)
        self.nodes.add(self.name, title, 1)
        self.nodes.last = self.nodes.joined = id
        self.wall = max(id.ms / 1000, 0.0)


def _nothing(data: bytes) -> None:
    """A member of another server hears there."""


def _no_end() -> None:
    """And its connection is ended there."""
