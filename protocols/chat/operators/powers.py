"""What an operator can bring about, at the console or from afar: people sent away, bans, topics, the end of the server.

Knows no command and no words typed: that is `operator_commands`. Whatever is done here is logged with who did it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from reactor import Reactor, Timer

from ...admission import addresses
from ...admission.addresses import Network
from ..journal import record
from ..rooms.authority import Authority
from ..rooms.command_table import Table
from ..rooms.hub import OPERATOR, Hub
from ..rooms.room import Member, Room
from ..session import BANNED, Chat
from .ban_file import BanFile
from .bans import Ban
from .login import OperatorLogin

ADMIN = "Admin"  # who sets a topic there; a reserved name, so that nobody else is called so
PRIVATE = "[private] "  # follows OPERATOR in what is for one alone
REMINDERS = (600.0, 60.0, 10.0)  # seconds before a shutdown at which it is announced once more


@dataclass(frozen=True, slots=True)
class Caller:
    """An operator who does something. `who` is for the log; `member` None is the console, which is above all others."""

    who: str
    tell: Callable[..., None]
    member: Member | None = None


class Powers(Authority):
    """The operator's powers over a chat.

    `bans` says who may come in, `login` who becomes an operator, `commands` what one may type.
    """

    def __init__(
        self, chat: Chat, bans: BanFile, login: OperatorLogin, commands: Table[Powers, Caller] | None = None
    ) -> None:
        self.chat = chat
        self.hub: Hub = chat.hub
        self.reactor: Reactor = chat.reactor
        self.bans = bans
        self.login = login
        self._commands: Table[Powers, Caller] = Table() if commands is None else commands
        self.began = chat.reactor.time()
        self._ending: list[Timer] = []
        self.typed: Callable[[Caller, str], None] = lambda caller, text: None
        """Acts on a line typed at the console."""
        self.list_nodes: Callable[[], list[str]] = list_one_node
        self.bans.on_reread = self.sweep
        self.consoles: list[Callable[[str], None]] = []
        """Each is told what operators do who are members."""

    def refuses(self, address: str) -> str | None:
        now = self.bans.clock()
        ban = self.bans.bans.of_address(address, now)
        return None if ban is None else f"you are banned here{lasting(ban, now)}"

    def is_banned(self, name: str) -> bool:
        bans, now = self.bans.bans, self.bans.clock()
        return bans.of_name(name, now) is not None or bans.of_look(name, now) is not None

    # -- who operates -------------------------------------------------------------------------------------------

    @property
    def has_passwords(self) -> bool:
        return self.login.is_open

    def operate(self, member: Member, word: str, argument: str) -> bool:
        return self.run(Caller(member.operator, member.tell, member), word, argument)

    def run(self, caller: Caller, word: str, argument: str) -> bool:
        """Run an operator's command; false if `word` is none."""
        if caller.member is not None and word == "/topic" and not argument.startswith("#"):
            return False  # a member's own room has its topic from the member
        if caller.member is not None and not caller.member.local and self.is_local(word):
            return True  # that is for the server that this operator is connected to
        return self._commands.run(self, caller, word, argument)

    def is_local(self, word: str) -> bool:
        """Whether what this command does, or shows, is no affair of the other servers of a cluster."""
        return self._commands.is_local(word)

    def ask(self, member: Member, password: str) -> None:
        """`member` says that it is an operator. Until that is known, what it says next waits."""

        def answer(name: str | None, notice: str) -> None:
            record("oper", id=member.number, address=member.address or None, name=member.name, operator=name or "no")
            self._tell_of_login(member, name, notice)
            member.hold(False)
            if member.room is not None:  # has not left meanwhile
                if name:
                    self.chat.inputs.promote(member, name)
                member.tell(notice)

        member.hold(True)
        self.login.ask(password, member.address, member.number, answer)

    def _tell_of_login(self, member: Member, name: str | None, notice: str) -> None:
        """Whoever hosts the chat sees who operates it, and that somebody guesses; not each time: it may be a flood."""
        if name:
            self._tell_consoles(f"{member.name} is an operator now: {name}")
        elif self.chat.seldom.tell(("oper", member.address), self.chat.reactor.time()) is not None:
            self._tell_consoles(f"/oper from {member.name}{f', {member.address}' if member.address else ''}: {notice}")

    def _tell_consoles(self, notice: str) -> None:
        for tell in list(self.consoles):
            tell(notice)

    # -- what is said -------------------------------------------------------------------------------------------

    def say(self, caller: Caller, text: str) -> None:
        """Tell everybody in every room. The console has typed it itself, or is shown it."""
        self.log(caller, "say")
        self.hub.say_as_operator(text, echo=caller.member is not None)

    def to(self, caller: Caller, member: Member, text: str) -> None:
        """Tell `member` alone, in a line that begins as only the operator's do."""
        self.log(caller, "to", member)
        member.give(f"{OPERATOR}{PRIVATE}{text}\n".encode())

    def set_topic(self, caller: Caller, room: Room, topic: str) -> None:
        """Give a room its topic; an empty one takes it away."""
        self.log(caller, "topic", room=room.name)
        self.hub.set_topic(room, topic, ADMIN)

    # -- people -------------------------------------------------------------------------------------------------

    def is_spared(self, caller: Caller, member: Member) -> bool:
        """Whether this caller may do nothing to `member`: operators do not fight each other, the console decides."""
        return caller.member is not None and bool(member.operator)

    def kick(self, caller: Caller, member: Member, reason: str) -> None:
        """Send `member` away. It may come again."""
        self.log(caller, "kick", member, reason=reason or None)
        because = f": {reason}" if reason else ""
        self.hub.dismiss(member, f"you were kicked{because}", reason="kicked", word=f"was kicked{because}")

    def ban(self, caller: Caller, ban: Ban, members: Iterable[Member]) -> None:
        """Keep somebody out, and send these away who are in. Raises TooManyBans."""
        self.bans.add(ban)
        minutes = None if ban.until is None else round((ban.until - self.bans.clock()) / 60)
        self.log(caller, "ban", ban=str(ban), minutes=minutes)
        for member in members:
            self._send_away(caller, member, ban)

    def sweep(self) -> None:
        """The file of bans was edited: who is in it leaves, as with /ban. Operators too: the file is the host's."""
        caller, now = Caller("file", lambda *_: None), self.bans.clock()
        for member in list(self.hub.members()):
            ban = self.bans.bans.of_address(member.address, now) or self.bans.bans.of_name(member.name, now)
            if ban is not None:
                self._send_away(caller, member, ban)

    def _send_away(self, caller: Caller, member: Member, ban: Ban) -> None:
        self.log(caller, "kick", member, reason=BANNED)
        goodbye = f"you are banned here{lasting(ban, self.bans.clock())}"
        self.hub.dismiss(member, goodbye, reason=BANNED, word="was banned")

    def unban(self, caller: Caller, bans: list[Ban]) -> None:
        """Undo these."""
        self.bans.remove(bans)
        for ban in bans:
            self.log(caller, "unban", ban=str(ban))

    def within(self, network: Network) -> list[Member]:
        """Who is here from that network."""
        return [
            member
            for member in self.hub.members()
            if (ip := addresses.parse(member.address)) is not None and ip in network
        ]

    # -- the end ------------------------------------------------------------------------------------------------

    @property
    def is_ending(self) -> bool:
        return any(timer.active for timer in self._ending)

    def shut_down(self, caller: Caller, seconds: float) -> None:
        """Say goodbye to everybody and end, now or in a while that is announced."""
        self.log(caller, "shutdown", seconds=seconds)
        self._stop_ending()
        if not seconds:
            self.reactor.drain()
            return
        self._warn(seconds)
        for left in REMINDERS:
            if left < seconds:
                self._ending.append(self.reactor.call_later(seconds - left, self._warn, left))
        self._ending.append(self.reactor.call_later(seconds, self.reactor.drain))

    def stay(self, caller: Caller) -> None:
        """Take a shutdown back."""
        self.log(caller, "shutdown", seconds="cancel")
        self._stop_ending()
        self.hub.say_as_operator("the server stays")

    def _warn(self, seconds: float) -> None:
        self.hub.say_as_operator(f"the server shuts down in {exactly(seconds)}")

    def _stop_ending(self) -> None:
        for timer in self._ending:
            timer.cancel()
        self._ending.clear()

    def log(self, caller: Caller, did: str, member: Member | None = None, **fields: Any) -> None:
        """One line of what was done and by whom; never of what was said."""
        if member is not None:
            fields = {"id": member.number, "address": member.address or None, "name": member.name, **fields}
        record("operator", by=caller.who, did=did, **fields)
        if caller.member is not None:
            self._tell_consoles(f"operator {caller.who}: {did}{f' {member.name}' if member is not None else ''}")


def list_one_node() -> list[str]:
    """The servers, where there is but one."""
    return ["this server is alone; --cluster makes it one of several"]


_UNITS = ((60, 1, "second"), (120 * 60, 60, "minute"), (48 * 3600, 3600, "hour"), (math.inf, 86400, "day"))


def lasting(ban: Ban, now: float) -> str:
    """How long it will, to be added to a sentence.

    >>> lasting(Ban("Eve"), 0.0), lasting(Ban("Eve", until=90.0), 0.0), lasting(Ban("Eve", until=90.0), 60.5)
    ('', ' for 2 minutes', ' for 30 seconds')
    """
    return "" if ban.until is None else f" for {span(math.ceil(ban.until - now))}"


def exactly(seconds: float) -> str:
    """Whole seconds in the largest unit that holds them exactly.

    >>> exactly(90), exactly(120), exactly(5400)
    ('90 seconds', '2 minutes', '90 minutes')
    """
    size, unit = next((size, unit) for _, size, unit in reversed(_UNITS) if seconds % size == 0)
    return _counted(int(seconds // size), unit)


def span(seconds: float) -> str:
    """A time as people say it, rounded up to what they say it in.

    >>> span(0.2), span(59), span(61), span(7200), span(200_000)
    ('1 second', '59 seconds', '2 minutes', '2 hours', '3 days')
    """
    size, unit = next((size, unit) for below, size, unit in _UNITS if seconds < below)
    return _counted(max(1, math.ceil(seconds / size)), unit)


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"
