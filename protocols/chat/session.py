"""One person's connection to the chat: bytes, the clock and the limits. What is said and meant is elsewhere, pure."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from reactor import LimitExceeded, Limits, PeerError, Reactor, StreamTransport, Timeouts, Timer, WriteTimeout

from ..admission.buckets import ANSWER, KeptBuckets, TokenBucket, cost
from ..admission.door import Door
from ..admission.pace import Pace
from ..admission.seldom import Seldom
from ..text.faults import Fault
from ..text.protocol import WORDS, TextProtocol
from ..text.sanitize import uncover
from .journal import record
from .newcomers import SILENT_TIME, Newcomers
from .rooms.authority import Authority
from .rooms.history import LINES
from .rooms.hub import Hub
from .rooms.inputs import Inputs
from .rooms.room import NOTICE, Member

INTRODUCTION = 0.3  # seconds a newcomer has to say who it is, before it is welcomed and others may hear of it: longer
# than the quiet gap, after which a tutorial's client that speaks first has named itself
WELCOME = "welcome, {}: type to talk, /nick NAME, /help for more, exit to leave"  # fits 80 columns
SOFT = 64 * 1024  # bytes waiting for a member at which nothing is taken from it any more
HARD = 256 * 1024  # bytes waiting for a member at which it is evicted: minutes of a busy room
LIMITS = Limits(output=HARD)
TIMEOUTS = Timeouts(write=60.0, close=10.0)

SLOW, HELD, FLOOD, BEHIND = "slow", "held", "flood", "behind"  # reasons for which a member is not heard for a while

BANNED = "banned"  # the reason for which a member is sent away that may not come back
EVICTIONS = frozenset(
    {"flood", "idle", "silent", "timeout"}
)  # reasons for which the server ends a connection by itself

MEMBERS_TOLD = 60  # who come from one address in a minute with a log line each: two classes behind one router

_TCP_CLOSE = 7  # tcp_states.h


@dataclass(slots=True)
class Settings:
    """What an operator may set.

    flood_rate, flood_burst: messages a second, and at once; a rate of 0 is no limit.
    history: lines of each room that are kept for newcomers; 0 keeps none.
    idle: seconds without a message after which somebody is sent away; 0 is no limit.
    motd: the message of the day, as complete lines.
    """

    flood_rate: float = 2.0
    flood_burst: float = 10.0
    history: int = LINES
    idle: float = 0.0
    motd: bytes = b""


class Chat:
    """What all sessions share. `session` is the factory to listen with, `LIMITS` and `TIMEOUTS` go with it."""

    def __init__(
        self,
        reactor: Reactor,
        settings: Settings | None = None,
        door: Door | None = None,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.reactor = reactor
        self.settings = settings or Settings()
        self.door = Door() if door is None else door
        self.hub = Hub(
            reactor.call_soon, reactor.call_later, flush=reactor.flush, lines=self.settings.history, wall=wall
        )
        self.inputs = Inputs(self.hub)
        self.newcomers: Newcomers[Session] = Newcomers()
        self.kept_buckets = KeptBuckets()
        self.seldom = Seldom()  # of what strangers can bring about at will, so many log lines a minute
        self._told = Seldom(MEMBERS_TOLD)
        self.hub.tells = lambda event, address: self._told.tell((event, address), reactor.time())
        self.counts: Counter[str] = Counter()  # who `came` in, was `refused`; `waits` that a flood was made to make
        self.ends: Counter[str] = Counter()  # of connections, by their reasons
        self._evicting: Timer | None = None

    @property
    def authority(self) -> Authority:
        """What operators decide; set it to let operators in."""
        return self.hub.authority

    @authority.setter
    def authority(self, authority: Authority) -> None:
        self.hub.authority = authority

    def session(self) -> Session:
        """A protocol for one newcomer."""
        return Session(self)

    def refuses(self, address: str, held: int = 0) -> str | None:
        """Why a newcomer from `address`, which has `held` connections to its listener, is not let in; None if it is."""
        return self.authority.refuses(address) or self.door.refuses(address, held)

    @property
    def limits(self) -> Limits:
        """LIMITS, and who is banned or has too many connections already is refused at accept, before any handshake."""
        return LIMITS.replace(refuse=self.refuse)

    def refuse(self, peername: Any, held: int) -> bytes | None:
        """What a newcomer is told who is not let in; None for one who is. For `Limits.refuse`."""
        address = peername[0] if isinstance(peername, tuple) else ""
        if (reason := self.refuses(address, held)) is None:
            return None
        self.note_refused(address, reason)
        return f"{NOTICE}goodbye: {reason}\n".encode()

    def note_refused(self, address: str, reason: str) -> None:
        """Somebody was not let in, by whatever port: it is counted, and logged as far as that does not fill a disk."""
        self.counts["refused"] += 1
        if (untold := self.seldom.tell((reason, address), self.reactor.time())) is not None:
            record("refused", address=address or None, reason=reason, untold=untold or None)

    def evict_silent(self) -> None:
        """When the server is full, who has not said anything for too long makes room: one for each who is missing."""
        if not self.door.full:
            return
        now = self.reactor.time()
        if overdue := self.newcomers.overdue(now):
            overdue.send_away(f"the server is full, and nothing came from you for {SILENT_TIME:.0f} seconds", "silent")
        elif (self._evicting is None or not self._evicting.active) and (due := self.newcomers.due) is not None:
            self._evicting = self.reactor.call_at(due, self.evict_silent)


class Session(TextProtocol):
    """One person."""

    __slots__ = ("_began", "_chat", "_counted", "_idle", "_introduced", "_introduction", "_member", "_pace")

    raw = True  # names are refused for what sanitizing would remove

    def __init__(self, chat: Chat) -> None:
        super().__init__(chat.reactor)
        self._chat = chat
        self._began = chat.reactor.time()
        self._member: Member | None = None
        self._counted = False  # is counted at the door
        self._introduced = False  # the time to say who it is has passed
        self._introduction: Timer | None = None
        self._idle: Timer | None = None
        self._pace: Pace | None = None

    def connection_made(self, transport: StreamTransport) -> None:
        super().connection_made(transport)
        chat, settings = self._chat, self._chat.settings
        peername = transport.get_extra_info("peername")
        address = peername[0] if isinstance(peername, tuple) else ""
        if (word := chat.refuse(peername, 0)) is not None:
            transport.write(word)
            return transport.close()
        transport.set_write_buffer_limits(high=SOFT)
        if settings.flood_rate:
            self._pace = self._make_pace(address)
        if settings.idle:
            self._idle = chat.reactor.call_later(settings.idle, self._on_idle)
        self._enter(address)

    def _make_pace(self, address: str) -> Pace:
        chat, now = self._chat, self._began
        bucket = chat.kept_buckets.take(chat.door.key(address), now)
        if bucket is None:
            bucket = TokenBucket(chat.settings.flood_rate, chat.settings.flood_burst, now)
        pace = Pace(chat.reactor, bucket, self._on_paid)
        pace.begin()
        if pace.waiting:
            self.pause_for(FLOOD)
        return pace

    def _enter(self, address: str) -> None:
        chat = self._chat
        member = self._member = Member(self.transport.write, self._on_dismissed)
        member.address = address
        member.hold, member.wait = partial(self._keep_waiting, HELD), partial(self._keep_waiting, BEHIND)
        member.spoke = self._began
        self._counted = True
        chat.counts["came"] += 1
        chat.door.enter(address)
        chat.newcomers.add(self, self._began)
        chat.evict_silent()
        chat.inputs.enter(member, self._on_entered)

    def _on_entered(self, member: Member) -> None:
        if self._member is None:
            return  # it has gone meanwhile
        chat, lobby = self._chat, self._chat.hub.lobby
        topic = f"{NOTICE}the topic is: {lobby.topic}\n".encode() if lobby.topic else b""
        member.promise_welcome(self.welcome().format(member.name), chat.settings.motd, topic, lobby.history.replay())
        self._introduction = chat.reactor.call_later(INTRODUCTION, self._on_introduced, member)

    def welcome(self) -> str:
        """What a newcomer is told first; {} is its name."""
        return WELCOME

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._introduction, self._idle):
            if timer is not None:
                timer.cancel()
        member, self._member = self._member, None
        if member is not None:
            self._chat.inputs.leave(member)
            self._leave_door(member)
        if self._pace is not None:
            self._pace.stop()
        self._introduction = self._idle = self._pace = None  # they refer to this: it would wait for the collector
        if member is not None:
            self._chat.ends[member.reason or _reason(exc)] += 1
            if member.logged or self._was_evicted(member):
                self._log_end(member, exc)

    def _was_evicted(self, member: Member) -> bool:
        """Whether the server has ended somebody of whom nobody heard; not each time: strangers can cause it."""
        reason = member.reason
        return reason in EVICTIONS and self._chat.seldom.tell((reason, member.address), self.reactor.time()) is not None

    def _on_dismissed(self) -> None:
        self.transport.close()
        if self._member is not None:
            self._leave_door(self._member)  # now, for whoever is at the door: the end itself may take seconds

    def _leave_door(self, member: Member) -> None:
        if self._counted:
            chat, self._counted = self._chat, False
            chat.newcomers.discard(self)
            chat.door.leave(member.address)
            if self._pace is not None:
                if member.announced:  # its coming and going were lines on every screen: whoever comes next pays for it
                    self._pace.bucket.spend(1, self.reactor.time())
                chat.kept_buckets.leave(chat.door.key(member.address), self._pace.bucket, self.reactor.time())

    def _log_end(self, member: Member, exc: Exception | None) -> None:
        evicted = member.reason in EVICTIONS if member.reason else isinstance(exc, PeerError)
        record(
            "evict" if evicted else "disconnect", id=member.number, address=member.address or None, name=member.name,
            reason=member.reason or (str(exc) if exc else "closed"),
            duration=self.reactor.time() - self._began,
            bytes_in=self.transport.bytes_in, bytes_out=self.transport.bytes_out,
        )  # fmt: skip

    def eof_received(self) -> bool | None:
        """Who was too quick to be welcomed is welcomed now: `echo hi | nc` shows at least whom it spoke to."""
        super().eof_received()
        if not self._chat.inputs.when_done(self._on_answered):
            return True  # what it has said is not said yet
        self._take_leave()
        return None

    def _on_answered(self) -> None:
        self._take_leave()
        self.transport.close()

    def _take_leave(self) -> None:
        if (member := self._member) is not None:
            member.greet()
            if member.room is not None:
                member.room.deliver()  # what was said in this tick; from now on it hears no more

    def giving_way(self) -> int:
        """Who has not said anything yet, not even a name, makes room for newcomers."""
        return 2 if self._member is not None and self._member.silent else 0

    def draining(self, grace: float) -> None:
        """The server goes."""
        if self._member is not None:
            self._chat.inputs.farewell(self._member)

    def _on_introduced(self, member: Member) -> None:
        self._introduced = True
        self._introduction = None
        member.greet()
        if not member.silent:  # else it may be a probe, and nobody hears of who ends before it has said anything
            self._chat.inputs.announce(member)

    def message_received(self, text: str) -> None:
        if (member := self._member) is not None:
            member.spoke = self.reactor.time()
            if member.silent:
                self._on_first_message(member, text)
            self._chat.inputs.hear(member, uncover(text))
        if self._pace is not None:
            self._pay(self._pace.pay(cost(text) + self._answered()))

    def _answered(self) -> int:
        """What the answers since the last message cost."""
        if self._member is None:
            return 0
        tokens, self._member.answered = divmod(self._member.answered, ANSWER)
        return tokens

    def _on_first_message(self, member: Member, text: str) -> None:
        self._chat.newcomers.discard(self)
        if text and not text.isspace():  # scanners send an empty line
            member.silent = False
            if self._introduced and not self._names_itself(text):
                self._chat.inputs.announce(member)

    def _names_itself(self, text: str) -> bool:
        """Whether it is to be announced only once `text` is acted on."""
        return False

    def waste_received(self, size: int) -> None:
        if self._pace is not None:
            self._pay(self._pace.pay_for_waste(size))

    def log_fatal(self, fault: Fault) -> None:
        address = self._member.address if self._member is not None else ""
        if self._chat.seldom.tell((fault, address), self.reactor.time()) is not None:
            super().log_fatal(fault)

    def fault_received(self, fault: Fault) -> None:
        member = self._member
        if member is not None and fault in WORDS:
            member.greet()
            if member.room is not None:
                member.room.deliver()  # what was said before comes before the word about this
        super().fault_received(fault)
        if member is not None and fault.fatal:
            member.reason = fault.value
            self._chat.inputs.leave(member)
        if self._pace is not None:
            self._pay(self._pace.pay(1))

    # -- limits -------------------------------------------------------------------------------------------------

    def send_away(self, goodbye: str, reason: str) -> None:
        """End this connection, and tell it why."""
        if self._member is not None and not self.transport.is_closing():
            self._chat.inputs.dismiss(self._member, goodbye, reason)

    def pause_writing(self) -> None:
        """The member does not keep up: what it would add waits."""
        self.pause_for(SLOW)

    def resume_writing(self) -> None:
        self.resume_from(SLOW)

    def _keep_waiting(self, reason: str, held: bool) -> None:
        """While `held`, what comes next depends on something that takes a while, and waits for it."""
        if held:
            self.pause_for(reason)
        else:
            self.resume_from(reason)

    def _pay(self, paid: bool) -> None:
        """What came is billed, and `paid` unless this has gone on for too long."""
        assert self._pace is not None
        if not paid:
            self.send_away("that was too much at once, and the rest is not said", "flood")
        elif self._pace.waiting:
            self._chat.counts["waits"] += 1
            self.pause_for(FLOOD)

    def _on_paid(self) -> None:
        if _is_reset(self.transport.get_extra_info("socket")):
            self.transport.abort()
        else:
            self.resume_from(FLOOD)

    def _on_idle(self) -> None:
        if self._member is None or self._idle is None:
            return
        left = self._member.spoke + self._chat.settings.idle - self.reactor.time()
        if left > 0:
            self._idle.reset(left)
        else:
            self.send_away(f"nothing came from you for {self._chat.settings.idle:g} seconds", "idle")


def _reason(exc: Exception | None) -> str:
    """Why a connection ended that nobody here ended, in few words: they are counted."""
    if exc is None:
        return "closed"
    return "too slow" if isinstance(exc, LimitExceeded | WriteTimeout) else type(exc).__name__


def _is_reset(sock: socket.socket) -> bool:
    """Whether the peer has reset the connection: nobody watches a socket that is not read, and a name hangs on it."""
    if not hasattr(socket, "TCP_INFO"):
        return False
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE
    except OSError:
        return False  # not a TCP socket
