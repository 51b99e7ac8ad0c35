"""Who comes into a room, goes from it and is called otherwise, as the others in it are told. Pure.

In a crowd it is told together, in a few lines. Who goes only for a moment, as a page does that is loaded again, is not
told of at all if it is back in time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from . import names
from .news import BURST, CROWD, GAP, News
from .room import Member, Room

ABSENCE = 4.0  # seconds: a page that is loaded again over a slow network is back by then, and nobody waits for a name

NO_OPERATOR = "on this connection you are no operator: /oper PASSWORD makes you one again"

SENT_AWAY = {"flood": "was sent away: too much at once", "idle": "was sent away: idle for too long"}
"""What the others are told of whom the server ends by itself, by the reason in its log."""

Later = Callable[[float, Callable[[], None]], object]


class Absent(NamedTuple):
    """Somebody who may be back at once. Its name is free, and the others do not know yet that it has left."""

    member: Member
    room: Room


class Comings:
    """Tells of comings and goings.

    notice: tells a room something; the member whom it is about, if it is given, is spared. later: calls a function
    after so many seconds.
    """

    def __init__(self, notice: Callable[[Room, str, Member | None], None], later: Later) -> None:
        self._notice = notice
        self._later = later
        self._absent: dict[str, Absent] = {}  # by the key of the name

    def came(self, room: Room, member: Member) -> None:
        """`member` has come into `room`."""
        if news := self._news(room, came=True):
            news.come(member)
        else:
            self._notice(room, f"{member.name} joined", member)

    def went(self, room: Room, member: Member, word: str) -> None:
        """`member` goes from `room`, in which it still is."""
        if news := self._news(room):
            news.go(member)
        else:
            self._notice(room, f"{member.name} {word}", member)

    def renamed(self, room: Room, member: Member, old: str) -> None:
        """`member` was called `old`."""
        if news := self._news(room):
            news.rename(member, old)
        else:
            self._notice(room, f"{old} is now {member.name}", member)

    def tell_of(self, member: Member, room: Room) -> None:
        """It speaks: first the others hear that it has come, where that still waits for company."""
        if room.news.holds(member) and len(room.members) <= CROWD:
            self._tell_news(room)

    # -- for a moment -------------------------------------------------------------------------------------------

    def gone_for_a_moment(self, room: Room, member: Member) -> None:
        """`member` goes from `room`, and may be back at once."""
        key, absent = names.key(member.name), Absent(member, room)
        self._absent[key] = absent
        self._later(ABSENCE, functools.partial(self._on_absence, key, absent))

    def is_back(self, member: Member, room: Room | None, name: str) -> bool:
        """Whether `member`, who comes into `room`, called `name` (None: it is not open), was never missed there.

        It is who was absent if it has the name, and comes from the same address.
        """
        absent = self._absent.get(names.key(member.name))
        if absent is None or absent.member.address != member.address:
            return False
        if absent.room is not (absent.room if room is None else room) or names.key(absent.room.name) != names.key(name):
            return False
        del self._absent[names.key(member.name)]
        if absent.member.operator and not member.operator:
            member.tell(NO_OPERATOR)
        return True

    def given_away(self, name: str) -> None:
        """Somebody else has the name: who was absent has left."""
        if absent := self._absent.get(key := names.key(name)):
            self._on_absence(key, absent)

    def absent(self, room: Room) -> list[str]:
        """Who is believed to be in `room`."""
        return [one.member.name for one in self._absent.values() if one.room is room] if self._absent else []

    def may_be_back(self, room: Room, address: str) -> bool:
        """Whether somebody who comes from that address may be one who is believed to be there."""
        return any(one.room is room and one.member.address == address for one in self._absent.values())

    def forget(self) -> None:
        """All begins anew."""
        self._absent.clear()

    def _on_absence(self, key: str, absent: Absent) -> None:
        if self._absent.get(key) is not absent:
            return
        del self._absent[key]
        if not absent.room.members:
            return
        if news := self._news(absent.room):
            news.go(absent.member)
        else:
            self._notice(absent.room, f"{absent.member.name} left", None)

    # -- in a crowd ---------------------------------------------------------------------------------------------

    def _is_burst(self, news: News) -> bool:
        """Whether so many have come lately that one more is to wait for company."""
        if not news.at_once:
            self._later(GAP, news.calm_down)
        news.at_once += 1
        return news.at_once > BURST

    def _news(self, room: Room, *, came: bool = False) -> News | None:
        """Where comings and goings are collected in a crowd; None where each gets a line of its own at once."""
        news = room.news
        if news.waiting:  # also in a crowd that has dwindled: a leave must not overtake its join
            return news
        if len(room.members) <= CROWD and not (came and self._is_burst(news)):
            return None
        news.waiting = True
        self._later(GAP, functools.partial(self._tell_news, room))
        return news

    def _tell_news(self, room: Room) -> None:
        for line in room.news.take():
            self._notice(room, line, None)
