"""The whole chat: names, rooms, and what is announced to whom. Knows neither commands nor sockets.

One room so far, `lobby`; whatever speaks of rooms takes the member's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from . import names
from .room import NOTICE, Member, Room, Write

LOBBY = "lobby"
OPERATOR = "From Server, Admin:"  # the tutorial's own words, to the letter


class Hub:
    """Everybody who is here.

    defer: calls a function later in this tick, before what was written is sent: `reactor.call_soon`.
    """

    def __init__(self, defer: Callable[[Callable[[], None]], None]) -> None:
        self._members: dict[str, Member] = {}  # by the key of the name
        self._guests = count(1)
        self.lobby = Room(LOBBY, defer)
        self.console: Write | None = None  # is written every public line, if there is one
        self.closing = False  # the server goes: nobody's leaving is worth a line any more

    def __len__(self) -> int:
        return len(self._members)

    def members(self) -> Iterator[Member]:
        """Everybody, in order of coming."""
        return iter(self.lobby.members)

    def enter(self, member: Member) -> None:
        """Seat a newcomer under a guest name. It is announced later, see `announce`."""
        member.name = next(name for number in self._guests if not self.is_taken(name := f"guest-{number}"))
        self._members[names.key(member.name)] = member
        self.lobby.add(member)

    def announce(self, member: Member) -> None:
        """Let the others know that `member` is here, once.

        Not at the connection itself: who has the wrong protocol is gone before anybody hears of it, and who names
        itself at once, as the tutorials' clients do, joins under that name.
        """
        if not member.announced and member.room is not None:
            member.announced = True
            self._notice(f"{member.name} joined", member)

    def leave(self, member: Member) -> None:
        """`member` is gone, and its name free. Harmless twice."""
        room = member.room
        member.forgo_welcome()
        if room is None:
            return
        del self._members[names.key(member.name)]
        if member.announced and not self.closing:
            self._notice(f"{member.name} left", member)
        room.remove(member)

    def is_taken(self, name: str) -> bool:
        return names.key(name) in self._members

    def rename(self, member: Member, raw: str) -> bool:
        """Give `member` the name `raw`, if it may have it, and announce that. Raises BadName; false: no news."""
        new, old = names.clean(raw), member.name
        holder = self._members.get(names.key(new))
        if holder is not None and holder is not member:
            raise names.BadName(f"{new} is taken; {names.suggest(new, self.is_taken)} is free")
        member.named = True
        if new == old:
            return False
        del self._members[names.key(old)]
        self._members[names.key(new)] = member
        member.name = new
        if member.announced:
            self._notice(f"{old} is now {new}", member)
        return True

    def say(self, member: Member, text: str) -> None:
        """`member` says `text`, which is sanitized, to the others in its room."""
        self.announce(member)
        if text and member.room is not None:
            self._post(member.room, f"{member.name}: {text}\n", member)

    def say_as_operator(self, text: str) -> None:
        """The operator says `text`, which is sanitized, to everybody."""
        self.lobby.post(f"{OPERATOR}{text}\n".encode())

    def farewell(self, member: Member) -> None:
        """The server goes: one line to each."""
        self.closing = True
        member.tell("the server is shutting down, goodbye")

    def _notice(self, notice: str, about: Member) -> None:
        if about.room is not None:
            self._post(about.room, f"{NOTICE}{notice}\n", about)

    def _post(self, room: Room, line: str, sender: Member) -> None:
        data = line.encode()
        room.post(data, sender)
        if self.console is not None:
            self.console(data)
