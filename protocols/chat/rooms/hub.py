"""The whole chat: names, rooms, and what is announced to whom. Knows neither commands nor sockets."""

from __future__ import annotations

import heapq
import re
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

from ...admission import addresses
from ..journal import record
from . import names
from .authority import Authority
from .comings import SENT_AWAY, Comings
from .departed import Departed
from .empty_rooms import least_worth
from .history import LINES, History
from .ignoring import Ignoring
from .room import NOBODY, NOTICE, Defer, Member, Room, actor, at_the_end

LOBBY = "lobby"
OPERATOR = "From Server, Admin:"  # the tutorial's own words, to the letter
TOPICS = 200  # of rooms that are empty: as many as a store brings back (archive.KEEP_ROOMS)
EMPTY_ROOMS = 100  # histories kept of rooms that are empty, where a store brings them back: 3 MiB at most

_PLACES = re.compile(" +|$")


class Posted(NamedTuple):
    """A public line, complete with its end.

    room: where everybody has it; None is every room.
    said: the Unix time at which somebody said it; None for a notice of the server's.
    topic: what the room is about from now on, if that is what the notice says.
    echo: false where whoever is at the console has typed it, and so has it on the screen.
    """

    line: bytes
    room: Room | None
    said: float | None = None
    echo: bool = True
    topic: str | None = None


class Hub:
    """Everybody who is here, and the rooms they are in.

    defer: calls a function later in this tick, before what was written is sent: `reactor.call_soon`.
    later: calls a function after so many seconds: `reactor.call_later`; without it news of a crowd wait for a tick.
    flush: see `Room`. lines: of each room's history.
    """

    def __init__(
        self,
        defer: Defer,
        later: Callable[[float, Callable[[], None]], object] | None = None,
        *,
        flush: Callable[[], object] = at_the_end,
        lines: int = LINES,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._make_room: Callable[[str, History], Room] = lambda name, history: Room(name, defer, history, flush)
        self.comings = Comings(self._notice, later or (lambda _, call: defer(call)))
        self._lines = lines
        self.wall = wall
        self._members: dict[str, Member] = {}  # by the key of the name
        self._looks: dict[str, Member] = {}  # by the look of the name
        self.next_guest = self.next_number = 1
        self.unheard_guests: list[int] = []  # a heap: numbers of guests who went before anybody had heard of them
        self.ignoring = Ignoring(self._members.get)
        self.departed = Departed(lambda: self.wall())
        self._empty_rooms: dict[str, History] = {}  # of rooms that are empty now, by the key of the name, oldest first
        self.topics: dict[str, str] = {}  # of rooms that are empty now, where `keeps_rooms`, until they are open again
        self.on_forgotten: Callable[[str], object] | None = None  # is given the key of an empty room that is forgotten
        self._owners: dict[str, str] = {}  # the address that opened a room first, where `on_forgotten` asks for shares
        self.keeps_rooms = False  # histories of empty rooms are kept, because a store brings them back
        self.lobby = self._make_room(LOBBY, History(lines))
        self.rooms = {names.key(LOBBY): self.lobby}
        self.audience: list[Callable[[Posted], object]] = []  # each is given every public line
        self.authority = Authority()
        self.tells: Callable[[str, str], int | None] = lambda event, address: 0
        """Whether what somebody does, from that address, has a log line: then how many before it had none."""
        self.closing = False  # the server goes: nobody's leaving is worth a line any more
        self.said = 0  # lines

    def __len__(self) -> int:
        return len(self._members)

    # -- people -------------------------------------------------------------------------------------------------

    def members(self) -> Iterator[Member]:
        """Everybody, room by room, in order of coming."""
        for room in self.rooms.values():
            yield from room.members

    def get(self, name: str) -> Member | None:
        """Who is called `name`."""
        return self._members.get(names.key(" ".join(name.split()))) if names.fits(name) else None

    def find(self, text: str) -> tuple[Member | None, str]:
        """Who is named at the beginning of `text`, and what follows, with its indentation.

        Names have spaces, so the longest counts.
        """
        for name, rest in _beginnings(text):
            if member := self.get(name):
                return member, _indented(rest)
        return None, text

    def find_room(self, text: str) -> tuple[Room, str] | None:
        """Which room is named at the beginning of `text`, and what follows."""
        for name, rest in _beginnings(text):
            if room := self.rooms.get(names.key(name)):
                return room, rest.strip()
        return None

    def is_taken(self, name: str) -> bool:
        """Whether somebody has that name, or one that looks like it."""
        return self._holder(name) is not None

    def _holder(self, name: str) -> Member | None:
        return self._members.get(names.key(name)) or self._looks.get(names.look(name))

    def _hold(self, member: Member, name: str) -> None:
        old, member.name = member.name, name
        self._members[names.key(name)] = self._looks[names.look(name)] = member
        self.ignoring.named(member, old)

    def _release(self, member: Member) -> None:
        """The name of `member` is free."""
        del self._members[names.key(member.name)]
        del self._looks[names.look(member.name)]

    def enter(self, member: Member) -> None:
        """Seat a newcomer in the lobby under a guest name. It is announced later, see `announce`."""
        member.guest, name = self._guest_name()
        self.seat(member, name, self.lobby)

    def seat(self, member: Member, name: str, room: Room) -> None:
        """Let `member` be there, under a name that is free. Nothing is told."""
        member.number = self.next_number
        self.next_number += 1
        self._hold(member, name)
        self.ignoring.seated(member)
        room.add(member)

    def _guest_name(self) -> tuple[int, str]:
        while True:
            if self.unheard_guests:
                number = heapq.heappop(self.unheard_guests)
            else:
                number, self.next_guest = self.next_guest, self.next_guest + 1
            if not self.is_taken(name := f"guest-{number}"):
                return number, name

    def announce(self, member: Member) -> None:
        """Let the others know that `member` is here, once.

        Not at the connection itself: a peer with the wrong protocol is gone before anybody hears of it, and one that
        names itself at once, as the tutorials' clients do, joins under that name.
        """
        if not member.announced and member.room is not None:
            member.announced = True
            self._record_connect(member)
            if not self.comings.is_back(member, member.room, member.room.name):
                self.comings.given_away(member.name)
                self.comings.came(member.room, member)

    def _record_connect(self, member: Member) -> None:
        if member.local and (untold := self.tells("connect", member.address)) is not None:
            member.logged = True
            address = member.address or None
            record("connect", id=member.number, address=address, name=member.name, untold=untold or None)

    def leave(self, member: Member, word: str = "left") -> None:
        """`member` is gone, and its name free. Harmless twice."""
        room, word = member.room, SENT_AWAY.get(member.reason or "", word)
        member.skip_welcome()
        if room is None:
            return
        self._release(member)
        self.departed.left(member.name, member.address)
        self.ignoring.left(member)
        if member.announced and not self.closing:
            if member.returns and word == "left":
                self.comings.gone_for_a_moment(room, member)
            else:
                self.comings.went(room, member, word)
        elif member.guest and not member.announced:
            heapq.heappush(self.unheard_guests, member.guest)
        self._quit_room(room, member)

    def dismiss(self, member: Member, goodbye: str, *, reason: str, word: str = "left") -> None:
        """End `member` with a goodbye; the others hear `word`, the log the `reason`."""
        member.tell(f"goodbye: {goodbye}" if goodbye else "goodbye")
        member.reason = reason
        self.leave(member, word)
        member.close()

    def rename(self, member: Member, raw: str) -> bool:
        """Give `member` the name `raw`, if it may have it, and announce that. Raises BadName; false: no news."""
        new, old = names.clean(raw), member.name
        holder = self._holder(new)
        if holder is not None and holder is not member:
            like = "" if names.key(holder.name) == names.key(new) else f" by {holder.name}, who looks the same"
            raise names.BadName(f"{new} is taken{like}; {names.suggest(new, self.is_taken)} is free")
        if self.authority.is_banned(new):
            raise names.BadName("that name is banned here")
        member.named = True
        if new == old:
            return False
        self._release(member)
        self._hold(member, new)
        member.guest = 0
        if member.announced and member.room is not None:
            if member.logged and (untold := self.tells("name", member.address)) is not None:
                record("name", id=member.number, old=old, new=new, untold=untold or None)
            self.comings.given_away(new)
            self.comings.renamed(member.room, member, old)
        return True

    def come_back(self, member: Member, name: str, room: Room, *, told: bool) -> None:
        """Seat somebody who was here under `name`, in `room`; under another if that has been given away meanwhile."""
        if self.authority.is_banned(name):
            member.guest, name = self._guest_name()
        elif self.is_taken(name):
            member.guest, name = 0, names.suggest(name, self.is_taken)
        self.seat(member, name, room)
        if told and member.announced:
            self.comings.given_away(name)
            self.comings.came(room, member)

    # -- rooms --------------------------------------------------------------------------------------------------

    def move(self, member: Member, raw: str) -> bool:
        """Bring `member` to the room called `raw`, made if there is none. Raises BadName; false: it is there."""
        name = names.clean(raw.removeprefix("#"))
        old, key = member.room, names.key(name)
        new = self.rooms.get(key)
        if old is None or new is old:
            return False
        if is_back := not member.announced and self.comings.is_back(member, new, name):
            member.announced = True  # it was in the lobby only on its way
            self._record_connect(member)
        self.announce(member)
        old.deliver()
        if not is_back:
            self.comings.went(old, member, f"left for {new.name if new else name}")
        self._quit_room(old, member)
        new = self.rooms.get(key) or self._open(key, name)
        if self.on_forgotten is not None and (owner := addresses.key(member.address)):
            self._owners.setdefault(key, owner)
        new.add(member)
        if not is_back:
            self.comings.came(new, member)
        return True

    def set_topic(self, room: Room, topic: str, by: str, sender: Member | None = None) -> None:
        """Give the room a topic, which is sanitized; an empty one takes it away."""
        room.topic = topic
        notice = f"{by} set the topic: {topic}" if topic else f"{by} took the topic away"
        self._notice(room, notice, sender, topic)

    def open_room(self, name: str, topic: str = "") -> Room:
        """The room called `name`, made with this topic if there is none."""
        key = names.key(name)
        return self.rooms.get(key) or self._open(key, name, topic)

    def _open(self, key: str, name: str, topic: str = "") -> Room:
        history = self._empty_rooms.pop(key, None) or History(self._lines)
        room = self.rooms[key] = self._make_room(name, history)
        room.topic = topic or self.topics.pop(key, "")
        return room

    def clear(self) -> None:
        """Begin anew: nobody is here, nothing was said. Who was here is in no room, and was told nothing."""
        for room in list(self.rooms.values()):
            room.deliver()
            for member in list(room.members):
                room.remove(member)
        self.comings.forget()
        self.ignoring.forget()
        self._members.clear()
        self._looks, self._empty_rooms, self.topics, self.unheard_guests = {}, {}, {}, []
        self.lobby = self._make_room(LOBBY, History(self._lines))
        self.rooms = {names.key(LOBBY): self.lobby}

    @property
    def empty_rooms(self) -> dict[str, History]:
        """What was said in rooms that are empty now, by the keys of their names."""
        return self._empty_rooms

    def _quit_room(self, room: Room, member: Member) -> None:
        room.remove(member)
        if not room.members and room is not self.lobby:
            key = names.key(room.name)
            del self.rooms[key]
            if self.keeps_rooms:
                self._keep_empty(key, room.history)
                self._keep_topic(key, room.topic)

    def _keep_topic(self, key: str, topic: str) -> None:
        if topic:
            self.topics[key] = topic  # as the last: it was taken from here when the room was opened
            if len(self.topics) > TOPICS:
                del self.topics[next(iter(self.topics))]

    def remember(self, key: str, said: list[tuple[float, bytes]]) -> None:
        """What was said in a room before this server began. Before anybody comes."""
        history = self.lobby.history if key == names.key(LOBBY) else History(self._lines)
        for when, line in said:
            history.add(when, line)
        if history is not self.lobby.history:
            self._keep_empty(key, history)

    def _keep_empty(self, key: str, history: History) -> None:
        if len(history):
            self._empty_rooms[key] = history
        else:
            self._owners.pop(key, None)
        if len(self._empty_rooms) > EMPTY_ROOMS:
            forgotten = least_worth(self._empty_rooms, self._owners)
            del self._empty_rooms[forgotten]
            self._owners.pop(forgotten, None)
            if self.on_forgotten is not None:
                self.on_forgotten(forgotten)

    # -- what is said -------------------------------------------------------------------------------------------

    def say(self, member: Member, text: str) -> None:
        """`member` says `text`, which is sanitized, to the others in its room."""
        if text:
            self._say(member, f"{member.name}: {text}\n")

    def act(self, member: Member, text: str) -> None:
        """`member` does `text`, which is sanitized."""
        self._say(member, f"{actor(member.name)}{text}\n")

    def whisper(self, member: Member, other: Member, text: str) -> None:
        """`member` says `text`, which is sanitized, to `other` alone. Both see it; no history does."""
        self.announce(member)
        other.give(f"[private from {member.name}] {text}\n".encode())
        if other is not member:
            member.give(f"[private to {other.name}] {text}\n".encode())

    def say_as_operator(self, text: str, *, echo: bool = True) -> None:
        """The operator says `text`, which is sanitized, to everybody. echo: see `Posted`."""
        now, data = self.wall(), f"{OPERATOR}{text}\n".encode()
        for room in self.rooms.values():
            room.post(data)
            self._remember(room, now, data)
        self.tell_audience(Posted(data, None, now, echo))

    def farewell(self, member: Member) -> None:
        """The server goes: one line to each."""
        self.closing = True
        member.reason = member.reason or "shutdown"
        member.tell("the server is shutting down, goodbye")

    def _say(self, member: Member, line: str) -> None:
        room = member.room
        if room is None:
            return
        self.announce(member)
        self.comings.tell_of(member, room)
        now, data = self.wall(), line.encode()
        room.post(data, member, NOBODY if member.operator else member.ignored_by)
        self._remember(room, now, data)
        if self.audience:
            self.tell_audience(Posted(data, room, now))

    def _remember(self, room: Room, now: float, data: bytes) -> None:
        self.said += 1
        room.history.add(now, data)

    def _notice(self, room: Room, notice: str, about: Member | None = None, topic: str | None = None) -> None:
        data = f"{NOTICE}{notice}\n".encode()
        room.post(data, about)
        self.tell_audience(Posted(data, room, topic=topic))

    def tell_audience(self, posted: Posted) -> None:
        """Let those have it who are given every public line."""
        for listener in self.audience:
            listener(posted)


def _indented(rest: str) -> str:
    """What follows a name: one blank parts them, two are a slip, more are an indentation."""
    blanks = len(rest) - len(rest.lstrip(" "))
    return rest[1:].rstrip() if blanks > 2 else rest.strip()


def _beginnings(text: str) -> Iterator[tuple[str, str]]:
    """All that may be the name at the beginning of `text`, with what follows it: the longest first."""
    places = takewhile(lambda end: names.fits(text[:end]), (place.start() for place in _PLACES.finditer(text)))
    for end in reversed(list(places)):
        yield text[:end], text[end:]
