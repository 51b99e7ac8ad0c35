"""One stay in the cluster: what is to be said is written until it is read back, and what is read happens.

Knows neither how a stay begins nor what follows it: that is told to its owner.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import Protocol as Interface

from reactor import Reactor

from ..rooms.hub import Hub
from ..rooms.room import Member
from .entries import Entry, EntryID, Input
from .log import Log
from .nodes import COUNTS, GAP, LOST, STRANGE, Standstill, Verdict
from .outbox import Done, Outbox, Sent
from .people import MISSED, People
from .replica import Console, Replica

log = logging.getLogger("protocols.chat")

HEARTBEATS = 8  # a lease: what is written last before a cut is then not older than an eighth of it
LIVE = 0.6  # of a lease, for which somebody is known to be there: when all were killed, a new one waits no longer
PATIENCE = 1.0  # seconds until what was not read back is written again, and until a stranger must be known
REFUSED = 0.3  # seconds until what was refused is written again
FULL = 256 * 1024  # bytes on their way at which those who talk must wait: some thousand lines


class Owner(Interface):
    """Who stays."""

    def on_end(self) -> None:
        """The log says that this stay is over."""

    def on_missing(self) -> None:
        """Something of the log cannot be read any more."""

    def on_back(self, member: Member, before: str) -> None:
        """Somebody of ours is in the rooms again, and was called `before`."""


class Stay:
    """From `begin` until its owner makes another."""

    def __init__(
        self, reactor: Reactor, shared: Log, hub: Hub, console: Console | None, owner: Owner, name: str, lease: float
    ) -> None:
        self.name = name
        self.lease = lease
        self.people = People(hub, name)
        self.replica = Replica(hub, self, console, name, lease)
        self.outbox = Outbox(1)  # 1 is the word with which we have joined
        self.counts: Counter[str] = Counter()
        self.contact = reactor.time()
        """When what was read back last was written: until then the others have heard us."""
        self._reactor = reactor
        self._log = shared
        self._hub = hub
        self._owner = owner
        self._open = False
        self._flushing = False
        self._refused = False
        self._written = self._resent = self._marked = self.contact
        self._waiting: dict[Member, None] = {}  # who may not talk because too much is on its way
        self._lost: str | None = None  # a server of which something is missing that is in the log no more
        self._strangers: dict[str, float] = {}  # servers whose joining was not read, and since when
        self.founded = False  # nobody was there: who is strange now was taken for gone, and has to join anew
        self._suspects: set[str] = set()  # who was strange before, and should be known by now
        self._disowned: dict[str, None] = {}
        self._standstill = Standstill(lease)
        self._warned = False  # that the log's time stands still

    def begin(self, id: EntryID) -> None:
        """The rooms are as the log has them at `id`: go on from there."""
        self._open = True
        self.contact = self._written = self._resent = self._reactor.time()
        self._log.mark_live(self.lease * LIVE)
        self._log.read_from(id)
        self._flush()

    def halt(self) -> None:
        """Read and write no more; what is still told is kept in the outbox."""
        if self._open:
            self._open = False
            self._log.stop_reading()
        waiting, self._waiting = self._waiting, {}
        for member in waiting:
            member.wait(False)

    # -- saying -------------------------------------------------------------------------------------------------

    def push(self, one: Input) -> None:
        """Say something to all, at the end of this tick."""
        self.outbox.push(one)
        if not self._flushing:
            self._flushing = True
            self._reactor.call_soon(self._flush)

    def push_of(self, member: Member, what: str, *more: str) -> None:
        """Say something of `member`, if it is still ours."""
        if (mid := self.people.number(member)) is not None:
            self.push([what, mid, *more])

    def hold_back(self, member: Member) -> None:
        """`member` has talked: let it wait if too much is on its way."""
        if self.outbox.size > FULL and member not in self._waiting:
            self._waiting[member] = None
            member.wait(True)

    def forget(self, member: Member) -> None:
        """`member` talks no more."""
        self._waiting.pop(member, None)

    def _flush(self, *, heartbeat: bool = False) -> None:
        self._flushing = False
        if self._open:
            now = self._reactor.time()
            for sent in self.outbox.flush(now, heartbeat=heartbeat):
                if not self._refused:
                    self._written = now
                    self._write(sent)

    def _write(self, sent: Sent) -> None:
        self._log.append(self.name, sent.seq, sent.data, self.outbox.read)

    def on_refused(self) -> None:
        """The log has not taken an entry. What comes behind it would not count, and waits for it."""
        self.counts["refused"] += 1
        if not self._refused:
            self._refused = True
            self._reactor.call_later(REFUSED, self._try_again)

    def _try_again(self) -> None:
        """Write the first again, and once more after a while; all others follow when it is read back."""
        if self._refused and self._open:
            self._reactor.call_later(REFUSED, self._try_again)
            if self._log.is_up and self.outbox.sent:
                self.counts["resent"] += 1
                self._written = self._reactor.time()
                self._write(self.outbox.sent[0])

    def resend(self) -> None:
        """Write all again that was not read back."""
        self._refused = False
        if self._open and self._log.is_up:
            self._written = self._resent = self._reactor.time()
            for sent in self.outbox.sent:
                self.counts["resent"] += 1
                self._write(sent)

    # -- reading ------------------------------------------------------------------------------------------------

    def on_entries(self, entries: list[Entry]) -> None:
        """Let happen what the entries say."""
        replica, own, now = self.replica, self.name, self._reactor.time()
        self.counts["entries"] += len(entries)
        for entry in entries:
            if not self._open:
                return
            verdict = replica.apply(entry)
            if verdict is COUNTS:
                self._standstill.note(entry, now)
            if verdict is LOST:
                self._lost = entry.node
            elif entry.node == own:
                self._on_own(entry, verdict)
            elif verdict is STRANGE:
                self._on_stranger(entry.node)
            elif self._strangers:
                self._strangers.pop(entry.node, None)
            if own not in replica.nodes:
                return self._owner.on_end()
            if self._lost is not None:
                return self._owner.on_missing()
        self._end_the_silent()
        for call in self.outbox.take_done():
            call()
        if self._waiting and self.outbox.size < FULL // 2:
            waiting, self._waiting = self._waiting, {}
            for member in waiting:
                member.wait(False)

    def _on_own(self, entry: Entry, verdict: Verdict) -> None:
        if verdict is GAP:
            if not self._refused and self._reactor.time() - self._resent >= REFUSED:
                self.resend()
        elif (at := self.outbox.acknowledge(entry.seq)) is not None:
            if at > self.contact:
                self.contact = at
            if self._refused:
                self.resend()

    def _on_stranger(self, node: str) -> None:
        if not (self.founded or node in self._suspects):
            self._strangers.setdefault(node, self._reactor.time())  # its joining may be what is missing here
        else:
            self._disown(node)

    def _disown(self, node: str) -> None:
        if node not in self._disowned:
            self._disowned[node] = None
            self.push(["disown", node])

    def _end_the_silent(self) -> None:
        """Where the log's time stands still, no lease ends by itself."""
        still = self._standstill
        if not still.is_long:
            self._warned = False
            return
        if not self._warned:
            self._warned = True
            log.warning(
                "the log's time stands still: the clock of Redis was ahead once, or is behind now; stamps are wrong"
            )
        for node in still.silent(self.replica.nodes):
            self._disown(node)

    def look(self, now: float) -> None:
        """Time has passed: say that we live, write again, notice what is missing."""
        if self.outbox.sent:
            if not self._refused and now - max(self.outbox.sent[0].at, self._resent) > PATIENCE:
                self.resend()
        elif now - self._written >= self.lease / HEARTBEATS:
            self._flush(heartbeat=True)
        if now - self._marked >= self.lease / HEARTBEATS and now - self.contact < self.lease / 2:
            self._marked = now
            self._log.mark_live(self.lease * LIVE)
        if any(now - since > PATIENCE for since in self._strangers.values()):
            self._owner.on_missing()

    def missing_since(self) -> float:
        """When the first of what is missing was said, at the earliest; seconds since 1970."""
        replica = self.replica
        if self._lost is None and not self._strangers:
            return replica.wall
        node = None if self._lost is None else replica.nodes.get(self._lost)
        return replica.wall - self.lease if node is None or self._strangers else node.wall

    # -- what the replica asks ----------------------------------------------------------------------------------

    def get(self, mid: int) -> Member | None:
        return self.people.get(mid)

    def on_entered(self, mid: int) -> None:
        self.people.enter(mid)

    def on_back(self, member: Member, before: str) -> None:
        self._owner.on_back(member, before)

    def on_sync(self, node: str, before: str, *, is_whole: bool) -> None:
        if before in self._strangers or not is_whole:
            self._lost = before  # what is missing of it comes no more, and must not be overtaken by what it says next
        else:
            self._log.offer_state(node, json.dumps(self.replica.dump()).encode())

    def on_never_read(self) -> None:
        for member in self._hub.members():
            if member.local:
                member.tell(MISSED)

    def now(self) -> float:
        return self._reactor.time()

    @property
    def lag(self) -> float:
        """Seconds since the oldest entry was written that is not read back."""
        return self._reactor.time() - self.outbox.sent[0].at if self.outbox.sent else 0.0

    def describe(self) -> list[str]:
        """The servers, a line each."""
        replica, lines = self.replica, []
        for name in replica.nodes:
            node = replica.nodes.get(name)
            assert node is not None
            people = sum(origin[0] == name for origin in replica.members)
            heard = "this server" if name == self.name else f"heard {replica.nodes.time - node.heard:.1f} s ago"
            lines.append(f"{node.title}: {heard}, {people:,} {'person' if people == 1 else 'people'}")
        return lines

    # -- going on under another name ----------------------------------------------------------------------------

    def take_over(self, before: Stay, counted: int) -> tuple[list[Input], list[Done]]:
        """What `before` had to say, of its entries after `counted`, as inputs of this stay; and who waits for it.

        Who comes back was given a number already; who has not been in the rooms yet comes as if for the first time.
        """
        self._suspects = set(before._strangers)
        inputs, done = before.outbox.take_all(counted)
        again: list[Input] = []
        numbers: dict[int, int] = {}
        for mid, member, entered in before.people.all():
            new = self.people.number(member)
            if new is None and entered is not None:
                new = self.people.add(member, entered)
                again.append(["enter", new, member.address])
            if new is not None:
                numbers[mid] = new
        for what, *rest in inputs:
            if what in ("typed", "bans"):
                again.append([what, *rest])
            elif what in ("announce", "hear", "promote") and rest[0] in numbers:
                again.append([what, numbers[rest[0]], *rest[1:]])
        return again, done
