"""The bot as a member of a chat room: a client of the chat server that answers when it is spoken to.

    lobby = Lobby(bot, name="小图", room="python")
    ReconnectingClient(reactor, lambda factory: reactor.connect_tcp(factory, host, port), lobby.member)

It answers what is said to it by name, and what is said to it in private, there in private. Its answers begin with whom
they are for in a way that is no address, so that two bots do not talk to each other for ever; and nobody gets more than
ASKER_BURST answers at once, for there are other bots.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass

from reactor import LineProtocol, StreamTransport

from ..admission.buckets import TokenBucket
from ..text.sanitize import sanitize
from ..text.standing import Answer, Standing
from .answer import fit
from .asker import Asker
from .bot import Bot
from .room_lines import hear, question
from .sayings import Saying

log = logging.getLogger("protocols.bot")

NAME = "小图"  # the tutorial's robot
NAMES_TRIED = 5  # NAME, NAME-2, ... before it answers to the guest name it was given

LONGEST_LINE = 1800  # bytes of an answer: the chat takes lines of 2,048, with our name and the asker's before it
ASKERS = 256  # people that are remembered at a time; whoever has been silent longest is forgotten first

ASKER_RATE, ASKER_BURST = 0.1, 6.0  # answers a second to one asker, and at once: a conversation, but no endless one
ROOM_RATE, ROOM_BURST = 1.0, 8.0  # and to all of them: a room where the bot says every second line is the bot's


@dataclass(slots=True)
class Lobby:
    """What lasts when the connection does not. `member` is the factory for each connection."""

    bot: Bot
    name: str = NAME
    room: str = ""

    def member(self) -> Member:
        return Member(self)


class Talk:
    """One asker in one place, the room or a private talk."""

    def __init__(self, member: Member, who: str, private: bool) -> None:
        self.asker = Asker(member.lobby.bot, self._tell, self._notice)
        self.asker.name = who
        self.bucket = TokenBucket(ASKER_RATE, ASKER_BURST, member.lobby.bot.reactor.time())
        self.told_to_wait = False
        self._member = member
        self._private = private
        self._lines: list[str] = []

    def _tell(self, lines: list[str], end: bool) -> None:
        """A room gets an answer in one line: what others say would come in between."""
        self._lines += lines
        if end:
            text, self._lines = " ".join(map(str.strip, self._lines)), []
            self._notice(text)

    def _notice(self, line: str) -> None:
        self._member.say(self.asker.name, line, private=self._private, chinese=self.asker.chinese)


class Member(LineProtocol):
    """One connection to the chat server."""

    max_line = 16 * 1024  # bytes: four times what a server may put around the longest line of a person

    def __init__(self, lobby: Lobby) -> None:
        self.lobby = lobby
        self._standing = Standing()
        self._tried = 0
        self._talks: OrderedDict[tuple[str, bool], Talk] = OrderedDict()
        self._bucket = TokenBucket(ROOM_RATE, ROOM_BURST, lobby.bot.reactor.time())

    def connection_made(self, transport: StreamTransport) -> None:
        super().connection_made(transport)
        self._claim_name()
        if self.lobby.room:
            self._send(f"/join {self.lobby.room}")

    def connection_lost(self, exc: Exception | None) -> None:
        for talk in self._talks.values():
            talk.asker.leave()
        self._talks.clear()

    def line_received(self, line: bytes) -> None:
        text = sanitize(line.decode(errors="replace"))
        answer = self._standing.heard(text)
        if answer is Answer.REFUSED:
            self._claim_name()
        elif heard := hear(text):
            self._hear(*heard)

    def say(self, who: str, text: str, *, private: bool, chinese: bool) -> None:
        """An answer to `who`."""
        if private:
            line = f"/msg {who} {text}"
        else:
            line = f"答 {who}：{text}" if chinese else f"To {who}: {text}"
            # NAME::text under our own name, or a `::` in the answer would be taken for a claim of a name
            line = f"{self.name}::{line}" if self.name else line.replace("::", ": :")
        self._send(fit(line, LONGEST_LINE, Saying.CUT.say(chinese)))

    def _hear(self, who: str, text: str, private: bool) -> None:
        if who.casefold() in (self.name.casefold(), self.lobby.name.casefold()):
            return  # ourselves, or the ghost of a connection of ours
        asked = text if private else question(text, (self.name, self.lobby.name))
        if asked is None:
            return
        talk = self._talk(who, private)
        now = self.lobby.bot.reactor.time()
        if talk.bucket.spend(0, now) or self._bucket.spend(0, now):
            return self._tell_to_wait(talk, who, private)
        talk.told_to_wait = False
        talk.bucket.spend(1, now)
        self._bucket.spend(1, now)
        talk.asker.ask(asked)

    def _tell_to_wait(self, talk: Talk, who: str, private: bool) -> None:
        """Once, until it is answered again: two bots that tell each other to wait would have found their loop."""
        if not talk.told_to_wait:
            talk.told_to_wait = True
            self.say(who, Saying.SLOWER.say(talk.asker.chinese), private=private, chinese=talk.asker.chinese)

    def _talk(self, who: str, private: bool) -> Talk:
        key = who.casefold(), private
        talk = self._talks.get(key)
        if talk is None:
            if len(self._talks) >= ASKERS:
                self._forget_one()
            talk = self._talks[key] = Talk(self, who, private)
        self._talks.move_to_end(key)
        return talk

    def _forget_one(self) -> None:
        """The one that has been silent longest, and waits for no answer if there is such a one."""
        idle = (key for key, talk in self._talks.items() if not talk.asker.waiting)
        self._talks.pop(next(idle, next(iter(self._talks)))).asker.leave()

    def _claim_name(self) -> None:
        if self._tried >= NAMES_TRIED:
            return log.info("the chat server lets us have no name but %s", self.name)
        self._tried += 1
        self._send(f"/nick {self.lobby.name}" + (f"-{self._tried}" if self._tried > 1 else ""))

    @property
    def name(self) -> str:
        """What the server calls us."""
        return self._standing.name

    def _send(self, line: str) -> None:
        self._standing.asked(line)
        self.send_line(line.encode())
