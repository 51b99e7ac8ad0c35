"""What the members with typed events are told of where they are: read from the rooms themselves, never from prose.

The rooms tell an audience every public line. A notice may mean that somebody came, went or changed its name, or that
there is another topic; which, is then seen by comparing a room with what was told of it. Told once a tick for each
room, as one frame for all who are in it; the list of rooms once in ROOMS_GAP.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from reactor import Reactor, Timer

from ...websocket import broadcast
from ..rooms.hub import Hub, Posted
from ..rooms.room import Member, Room
from .events import Event, pack

if TYPE_CHECKING:
    from ...websocket import WebSocket

SHOWN = 400  # members of a room by name: what nobody reads is only a burden; `count` says how many there are
ROOMS_SHOWN = 50  # rooms, the fullest first
ROOMS_GAP = 1.0  # seconds between two lists of rooms: their counts change with every step of anybody


class Place:
    """A room, as those in it with typed events know it."""

    __slots__ = ("_hub", "count", "names", "room", "sockets", "topic")

    def __init__(self, hub: Hub, room: Room) -> None:
        self._hub = hub
        self.room = room
        self.sockets: dict[WebSocket, Member] = {}
        self.look()

    def look(self) -> None:
        """See who is there now."""
        here = known(self._hub, self.room)
        self.count = len(here)
        self.names = here[:SHOWN]
        self.topic = self.room.topic

    def changes(self) -> list[Event]:
        """What is different from what was told."""
        before, count, topic = self.names, self.count, self.topic
        self.look()
        events: list[Event] = []
        old, new = set(before), set(self.names)
        if old != new or count != self.count:
            joined = [name for name in self.names if name not in old]
            left = [name for name in before if name not in new]
            events.append({"type": "members", "joined": joined, "left": left, "count": self.count})
        if topic != self.topic:
            events.append({"type": "topic", "topic": self.topic})
        return events

    def whole(self, member: Member) -> Event:
        """All of it, for who comes; itself is counted, and listed once the others know of it."""
        is_new = not member.announced and not self._hub.comings.may_be_back(self.room, member.address)
        count = self.count + is_new
        return {"type": "room", "name": self.room.name, "topic": self.topic, "members": self.names, "count": count}


class States:
    """Who is where."""

    def __init__(self, reactor: Reactor, hub: Hub) -> None:
        self._reactor = reactor
        self._hub = hub
        self._places: dict[Room, Place] = {}
        self._by_member: dict[Member, WebSocket] = {}
        self._changed: dict[Room, None] = {}
        self._rooms: list[Event] = []
        self._rooms_timer: Timer | None = None
        hub.audience.append(self._on_posted)

    def place(self, socket: WebSocket, member: Member, old: Room | None) -> None:
        """`member` is in another room than it was, or was not here before. Its socket is told all about it."""
        self.forget(socket, member, old)
        room = member.room
        if room is None:
            return
        place = self._places.get(room)
        if place is None:
            place = self._places[room] = Place(self._hub, room)
        self._by_member[member] = socket
        place.sockets[socket] = member
        socket.send(pack(place.whole(member)))
        self._tell_rooms_soon()

    def forget(self, socket: WebSocket, member: Member, room: Room | None) -> None:
        """It is there no more."""
        self._by_member.pop(member, None)
        place = None if room is None else self._places.get(room)
        if place is not None:
            place.sockets.pop(socket, None)
            if not place.sockets:
                del self._places[place.room]

    def tell_rooms(self, sockets: Iterable[WebSocket]) -> None:
        """The list of rooms, to these."""
        self._rooms = self._list_rooms()
        broadcast(sockets, pack({"type": "rooms", "rooms": self._rooms}))

    def _on_posted(self, posted: Posted) -> None:
        """A public line: what a notice was about is seen where it was told."""
        if self._by_member and posted.said is None:
            for room in [posted.room] if posted.room is not None else list(self._places):
                self._on_changed(room)

    def _on_changed(self, room: Room) -> None:
        self._tell_rooms_soon()
        if room in self._places and room not in self._changed:
            self._changed[room] = None
            self._reactor.call_soon(self._tell_changes)

    def _tell_changes(self) -> None:
        changed, self._changed = self._changed, {}
        for room in changed:
            if place := self._places.get(room):
                for event in place.changes():
                    broadcast(list(place.sockets), pack(event))

    def _tell_rooms_soon(self) -> None:
        if self._rooms_timer is None or not self._rooms_timer.active:
            self._rooms_timer = self._reactor.call_later(ROOMS_GAP, self._tell_rooms_again)

    def _tell_rooms_again(self) -> None:
        if self._by_member and self._list_rooms() != self._rooms:
            self.tell_rooms(list(self._by_member.values()))

    def _list_rooms(self) -> list[dict[str, Any]]:
        rooms = sorted(self._hub.rooms.values(), key=lambda room: -len(room.members))[:ROOMS_SHOWN]
        return [{"name": room.name, "count": len(known(self._hub, room)), "topic": room.topic} for room in rooms]


def known(hub: Hub, room: Room) -> list[str]:
    """Who is in it, as far as the others know: who may be a probe is not yet, who may be back at once is still."""
    return [member.name for member in room.members if member.announced] + hub.comings.absent(room)
