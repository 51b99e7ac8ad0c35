"""One server in a cluster: what its sessions tell goes into the log, and what the log tells happens to the rooms.

    ALONE --joined or founded--> IN --not read back for a lease, or found in the log as gone--> ALONE
                                 IN --something of the log is missing--> OUT --joined again--> IN
                                                                        OUT --not within a lease--> ALONE

ALONE everything happens at once, as without a cluster. IN it happens when it is read in the log, here as everywhere.
OUT, which lasts for some round trips, it waits. Knows no Redis: the log is given.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Any

from reactor import Reactor

from ..journal import record
from ..rooms import speech
from ..rooms.hub import Hub, Posted
from ..rooms.inputs import Inputs
from ..rooms.room import NOTICE, Member
from .entries import Entry, Input
from .join import Join, choose_patience
from .kept import Keeper
from .log import Log
from .outbox import Done
from .people import ELSEWHERE, FOUND, LOST, Absence, Heard, come_back
from .replica import Console
from .stay import PATIENCE, Stay

log = logging.getLogger("protocols.chat")

TTL = 10.0  # seconds: long enough for Redis to restart, short enough for a name to wait for a dead server
MARGIN = 1.0  # seconds that the lease is longer: a line that was cut for less is made again in that time
LOOK = 0.25  # seconds between two looks at the clock
RETRY = 1.0  # seconds between attempts to join
GOODBYE = 3.0  # seconds at most that the end of the program waits for the log to have our goodbye


class Mode(Enum):
    ALONE, IN, OUT = range(3)  # see the top of this module


ALONE, IN, OUT = Mode  # short names; why: see `nodes`


class Cluster(Inputs):
    """Takes the place of the `Inputs` of a chat.

    title: what people call this server. ttl: seconds of silence after which a server is taken for dead.
    on_settled: called once, when it has joined, or has found that the log cannot be reached.
    on_down: called with the error where that is what it has found.
    wall: seconds since 1970, for what happens while it is alone.
    """

    def __init__(
        self,
        reactor: Reactor,
        hub: Hub,
        shared: Log,
        console: Console | None = None,
        *,
        title: str,
        wall: Callable[[], float],
        ttl: float = TTL,
        on_settled: Callable[[], None] | None = None,
        on_down: Callable[[Exception], None] | None = None,
    ) -> None:
        super().__init__(hub)
        self.reactor = reactor
        self.title = title
        self.mode = ALONE
        self.counts: Counter[str] = Counter()
        self._console = console
        self._log = shared
        self._lease = ttl + MARGIN
        self._wall = wall
        self._on_settled = on_settled
        self._on_down = on_down
        self.stay = Stay(reactor, shared, hub, console, self, "", self._lease)  # none yet
        self._join: Join | None = None
        self._heard = Heard(hub)
        self._absence = Absence(hub, self._heard, wall(), 0.0, told=True)  # people may come before it has joined
        self._leaving = self._was_down = False
        self._read = 0  # the last entry of the last stay that was read back
        self._keeper = Keeper(hub, console, shared, reactor.time())
        self._began = self._looked = reactor.time()
        self._tried = self._looked - RETRY
        hub.wall = self.wall
        hub.keeps_rooms = True
        self._timer = reactor.call_every(LOOK, self._look)
        shared.open(self)

    def wall(self) -> float:
        """Seconds since 1970: while something of the log happens, the same on all servers."""
        return self._wall() if self.mode is ALONE else self.stay.replica.wall

    # -- what sessions tell -------------------------------------------------------------------------------------

    def enter(self, member: Member, entered: Callable[[Member], None]) -> None:
        if self.mode is ALONE:
            super().enter(member, entered)
            return member.tell(LOST)
        self.stay.push(["enter", self.stay.people.add(member, entered), member.address])

    def announce(self, member: Member) -> None:
        if self.mode is ALONE:
            return super().announce(member)
        self.stay.push_of(member, "announce")

    def hear(self, member: Member, text: str) -> None:
        if self.mode is ALONE:
            return super().hear(member, text)
        if speech.asks_to_operate(text):
            return speech.hear(self.hub, member, text)
        if self.hub.authority.has_passwords and speech.may_hold_password(text):
            return member.tell(speech.NOT_SAID)
        self.stay.push_of(member, "hear", text)
        self.stay.hold_back(member)

    def leave(self, member: Member) -> None:
        if self.mode is ALONE:
            return super().leave(member)
        stay = self.stay
        stay.forget(member)
        member.skip_welcome()
        if (mid := stay.people.number(member)) is not None:
            stay.push(["leave", mid, *([True] if member.returns else [False, member.reason] if member.reason else [])])
            stay.people.remove(mid)

    def dismiss(self, member: Member, goodbye: str, reason: str) -> None:
        if self.mode is ALONE:
            return super().dismiss(member, goodbye, reason)
        member.tell(f"goodbye: {goodbye}" if goodbye else "goodbye")
        member.reason = reason
        self.leave(member)
        member.close()

    def farewell(self, member: Member) -> None:
        if self.mode is IN and len(self.stay.replica.nodes) > 1:
            member.tell(ELSEWHERE)
        super().farewell(member)

    def promote(self, member: Member, operator: str) -> None:
        if self.mode is ALONE:
            return super().promote(member, operator)
        self.stay.push_of(member, "promote", operator)

    def type(self, text: str) -> None:
        """A line was typed at this server's console."""
        if self.mode is not ALONE:
            self.stay.push(["typed", text])
        elif self._console is not None:
            self._console.type(self.stay.name, text)

    def have_bans(self, bans: list[Any]) -> None:
        """The file of bans was edited."""
        if self.mode is not ALONE:
            self.stay.push(["bans", bans])
        elif self._console is not None:
            self._console.have_bans(bans)
            self._console.sweep()

    def when_done(self, call: Done) -> bool:
        if self.mode is ALONE or self.stay.outbox.is_empty:
            return True
        self.stay.outbox.when_read(call)
        return False

    # -- what the log tells -------------------------------------------------------------------------------------

    def on_up(self, *, whole: bool) -> None:
        """The log can be reached: what was not read back is written again, or asked for where that may be lost."""
        if self.mode is not IN:
            self._try_to_join()
        elif whole or self.stay.outbox.is_empty:
            self.stay.resend()
        else:
            self.on_missing()

    def on_down(self, error: Exception) -> None:
        """The log cannot be reached."""
        self._was_down = True
        self._stop_joining()
        if self._on_down is not None:
            self._on_down(error)
        self._settle()

    def on_refused(self, error: Exception) -> None:
        """The log has not taken an entry."""
        if self.mode is IN:
            self.stay.on_refused()

    def on_entries(self, entries: list[Entry]) -> None:
        """The log goes on."""
        if self.mode is IN:
            self.stay.on_entries(entries)

    # -- the clock ----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        now, stay = self.reactor.time(), self.stay
        stalled, self._looked = now - self._looked > self._lease / 4, now
        if stalled:  # this process was stopped: what has come meanwhile is to be read before anything is concluded
            stay.contact = max(stay.contact, now - self._lease + PATIENCE)
        if self.mode is not ALONE and now - stay.contact > self._lease:
            self._go_alone("nothing that it writes is read back")
        if now - self._began > self._lease + RETRY:
            self._settle()  # the log can be reached, and lets nobody join: people are served all the same
        if self.mode is IN:
            self._keeper.look(now, stay)
            stay.look(now)
        elif self._join is None and now - self._tried >= RETRY:
            self._try_to_join()

    # -- joining ------------------------------------------------------------------------------------------------

    def _try_to_join(self) -> None:
        if self._join is None and self._log.is_up and not self._leaving:
            self._tried = self.reactor.time()
            patience = choose_patience(was_down=self._was_down, was_in=self.counts["joined"] > 0)
            before = self.stay.name, self._read, self.mode is OUT
            self._join = join = Join(self.reactor, self._log, self, self.title, before, self._lease, patience)
            join.begin()

    def _stop_joining(self) -> None:
        if self._join is not None:
            self._join.stop()
            self._join = None

    def on_not_joined(self, join: Join) -> None:
        self._join = None  # once more, in a while

    def on_state(self, join: Join, state: bytes) -> None:
        """There are others: have what they have, and let our people come back into it."""
        known = json.loads(state)
        lease = known["nodes"]["lease"]
        if lease != self._lease:
            log.warning("this cluster has a --cluster-ttl of %g, and so has this server", lease - MARGIN)
            self._lease = lease
        self._absence.former = self.stay.name
        self._absence.note_gone(one for one in self.hub.members() if one.local and not self._is_here(one))
        stay = self._new_stay(join)
        back = come_back(self.hub, stay.people, known["hub"], self._is_here)
        stay.replica.restore(known)
        if back and known["bans"]:
            back.append(["sweep"])
        back.append(["here"])
        self._enter_cluster(join, stay, back, known["counted"])
        if self.counts["joined"] > 1:
            self._absence.show(self.hub)

    def on_founding(self, join: Join, kept: bytes | None) -> None:
        """There is nobody else: what we have is what is."""
        if self.mode is OUT:  # the others may be about to return: they keep their places for a lease
            self.on_state(join, self.stay.replica.begin_anew(join.entry))
            self.stay.founded = True
            return
        for member in [member for member in self.hub.members() if not member.local or not self._is_here(member)]:
            self.hub.leave(member)
        if kept is not None and not self.counts["joined"]:
            self._keeper.take(kept)
        stay = self._new_stay(join)
        stay.founded = True
        for member in self.hub.members():
            mid = stay.people.add(member)
            stay.replica.members[stay.name, mid] = member
            if self._absence.told:
                member.tell(FOUND)
        stay.replica.found(self.title, join.entry.id, self.stay.replica.nodes)
        self._enter_cluster(join, stay, [], 0)

    def _is_here(self, member: Member) -> bool:
        """Whether a member in the rooms is still connected, as far as we know."""
        return self.mode is ALONE or self.stay.people.number(member) is not None

    def _new_stay(self, join: Join) -> Stay:
        return Stay(self.reactor, self._log, self.hub, self._console, self, join.name, self._lease)

    def _enter_cluster(self, join: Join, stay: Stay, back: list[Input], counted: int) -> None:
        again, done = stay.take_over(self.stay, counted)
        self.counts.update(self.stay.counts)
        self.stay, self._join, self.mode = stay, None, IN
        for one in back + again:
            stay.push(one)
        for call in done:
            stay.outbox.when_read(call)
        if self._absence.told and self.counts["joined"]:
            self._show(FOUND)
        self.counts["joined"] += 1
        record("cluster", did="joined", node=stay.name, title=self.title, servers=len(stay.replica.nodes))
        stay.begin(join.entry.id)
        self._settle()

    def _settle(self) -> None:
        settled, self._on_settled, self._on_down = self._on_settled, None, None
        if settled is not None:
            settled()

    def on_back(self, member: Member, before: str) -> None:
        """Somebody of ours is in the rooms of all again."""
        if member.name != before and member.announced and member.room is not None:
            member.room.post(f"{NOTICE}{before} is now {member.name}\n".encode(), member)
        self._absence.welcome_back(member, before)

    # -- leaving ------------------------------------------------------------------------------------------------

    def on_missing(self) -> None:
        """Something of the log is missing here: join again. Nobody is told, unless that takes too long."""
        record("cluster", did="missed", node=self.stay.name)
        self.mode = OUT
        self._read = self.stay.outbox.read
        self.stay.halt()
        self._absence = Absence(self.hub, self._heard, self.stay.missing_since(), 2 * self._lease, told=False)
        self._try_to_join()

    def on_end(self) -> None:
        """The log says that this server is gone."""
        if self._leaving:
            return self.close()
        self._go_alone("the others have heard nothing of it for too long")

    def _go_alone(self, why: str) -> None:
        """Go on without the others, and tell people."""
        stay, wall = self.stay, self.stay.missing_since()
        record("cluster", did="alone", node=stay.name, why=why)
        self.counts["alone"] += 1
        self._stop_joining()
        if self.mode is IN:
            self._read = stay.outbox.read
        stay.halt()
        self.mode = ALONE
        self._absence = Absence(self.hub, self._heard, wall, 2 * self._lease, told=True)
        inputs, done = stay.outbox.take_all()
        for one in inputs:
            self._do_now(*one)
        for member in self.hub.members():
            member.tell(LOST)
        self._show(LOST)
        for member in [member for member in self.hub.members() if not member.local]:
            self.hub.leave(member)
        for call in done:
            call()

    def _show(self, notice: str) -> None:
        """To whoever looks on."""
        self.hub.tell_audience(Posted(f"{NOTICE}{notice}\n".encode(), None))

    def _do_now(self, what: str, *rest: Any) -> None:
        """Do an input that was meant for the log."""
        if what in ("typed", "bans"):
            return self.type(*rest) if what == "typed" else self.have_bans(*rest)
        if what not in ("enter", "announce", "hear", "leave", "promote"):
            return
        stay = self.stay
        member = stay.people.get(rest[0]) or stay.replica.members.get((stay.name, rest[0]))
        if member is None:
            return
        if what == "enter":
            self.hub.enter(member)
            stay.people.enter(rest[0])
        elif member.room is not None:
            getattr(super(), what)(member, *rest[1:])

    def on_drain(self, grace: float) -> bool:
        """The program ends: say goodbye to the others. `close` follows once they have heard it."""
        if self.mode is not IN or self._leaving:
            self.close()
            return False
        self._leaving = True
        self.hub.closing = True
        self._keeper.keep(self.stay)
        if len(self.stay.replica.nodes) == 1:
            self._log.mark_live(0)
        self.stay.push(["bye"])
        self.reactor.call_later(min(grace, GOODBYE), self.close)
        return True

    def close(self) -> None:
        """End at once. Harmless twice."""
        self._timer.cancel()
        self._stop_joining()
        self.stay.halt()
        self._log.close()

    # -- looking ------------------------------------------------------------------------------------------------

    def describe(self) -> list[str]:
        """The servers, as the console lists them."""
        if self.mode is not IN:
            return [f"{self.title}: this server; the others cannot be reached"]
        return self.stay.describe()
