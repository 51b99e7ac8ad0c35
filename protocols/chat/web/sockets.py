"""One browser's connection: a session like every other, inside a WebSocket; lines, or typed events where asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...text.sanitize import uncover
from ...websocket.closing import INTERNAL_ERROR
from ...websocket.lines import LineSocket, SharedFrames, texts
from ..rooms import names
from ..rooms.room import NO_NAMES, Member, Room
from ..rooms.speech import asks_to_operate
from ..session import BANNED, HELD, Chat, Session
from .events import pack, read
from .states import States

PROTOCOL = "chat.v1"
"""The subprotocol of typed events; without it a message is a line of the chat without its end."""

WELCOME = "welcome, {}: type to talk, /help for more"  # it has buttons for a name and for leaving

MAX_MESSAGE = 16 * 1024  # bytes: several lines that are pasted at once; a longer line is refused as on TCP


class WebSession(Session):
    """One person in a browser.

    on_named, on_operator: called behind the notice that answers its `/nick`, its `/oper`: whether that was refused.
    """

    __slots__ = ("_asks_powers", "_at_password", "_on_named", "_on_operator", "is_page")

    opening = False  # a handshake came before: what looks like a request here is something that somebody types

    def __init__(self, chat: Chat, on_named: Callable[[bool], None], on_operator: Callable[[bool], None]) -> None:
        super().__init__(chat)
        self.is_page = False  # or another client with typed events
        self._on_named = on_named
        self._on_operator = on_operator
        self._asks_powers = self._at_password = False  # for an operator's powers; until its password is looked at

    def welcome(self) -> str:
        return WELCOME if self.is_page else super().welcome()

    def message_received(self, text: str) -> None:
        text = uncover(text)
        if asks := asks_to_operate(text):
            self._asks_powers = True
        super().message_received(text)
        if self._names_itself(text):
            self._when_done(partial(self._decided, text.strip().partition(" ")[2]))
        elif asks and not self._at_password:
            self._on_looked_at()

    def _when_done(self, decided: Callable[[], None]) -> None:
        if self._chat.inputs.when_done(decided):
            decided()

    def _keep_waiting(self, reason: str, held: bool) -> None:
        super()._keep_waiting(reason, held)
        if reason == HELD:
            self._at_password = held
            if not held:
                self._chat.reactor.call_soon(self._on_looked_at)

    def _on_looked_at(self) -> None:
        if self._asks_powers:
            self._asks_powers = False
            self._when_done(self._operator_decided)

    def _operator_decided(self) -> None:
        if self._member is not None:
            self._on_operator(not self._member.operator)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._member is not None and self._member.reason is None:
            self._member.returns = exc is None  # a page that is loaded again ends so
        super().connection_lost(exc)

    def _names_itself(self, text: str) -> bool:
        """The page asks for a name first: who comes by it is announced under that."""
        return text.strip().partition(" ")[0].lower() == "/nick"

    def _decided(self, asked: str) -> None:
        if self._member is not None:
            if self._introduced and self._member.named:  # who is asked again comes by the next name
                self._chat.inputs.announce(self._member)
            self._on_named(not _is_called(self._member, asked))

    @property
    def member(self) -> Member | None:
        """Who it is, while it is here."""
        return self._member


class ChatSocket(LineSocket):
    """The WebSocket around it. `inner` is the session."""

    subprotocols = (PROTOCOL,)
    max_message = MAX_MESSAGE

    def __init__(self, chat: Chat, states: States, lines: SharedFrames, events: SharedFrames) -> None:
        super().__init__(WebSession(chat, self._tell_named, self._tell_operator), lines)
        self._states = states
        self._events = events
        self._member: Member | None = None
        self._room: Room | None = None
        self._name = self._operator = ""
        self._ignored = NO_NAMES

    def connection_made(self, transport: Any) -> None:
        if self.subprotocol == PROTOCOL:
            self.frames, self.inner.is_page = self._events, True
        super().connection_made(transport)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._member is not None:
            self._states.forget(self, self._member, self._room)
            self._member = None  # it refers to this
        super().connection_lost(exc)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End it: with 1008 (RFC 6455, 7.4.1: a policy) where it is no use to come back. Nothing after the end."""
        member = None if self.inner is None else self.inner.member
        super().close(1008 if code == 1000 and member is not None and member.reason == BANNED else code, reason)

    def _on_silence(self, seconds: float) -> None:
        """A browser sleeps, or its network is gone: the session's line of its end says so, with who it was."""
        if (member := self.inner.member) is None:
            return super()._on_silence(seconds)
        member.reason = member.reason or "timeout"
        self._fail(INTERNAL_ERROR, "no answer to a ping")

    def lines_written(self, data: bytes) -> None:
        self._look()
        super().lines_written(data)

    def _look(self) -> None:
        """Whatever a line means, what has changed is told before it."""
        if self.inner is None or self.subprotocol is None:
            return
        member = self.inner.member
        if member is None or member.room is None:
            return
        if member.name is not self._name or member.operator is not self._operator:
            self._name, self._operator = member.name, member.operator
            self.send(pack(_you(member)))
        if member.ignored is not self._ignored:
            self._ignored = member.ignored
            self.send(pack({"type": "ignored", "names": list(member.ignored.values())}))
        if member.room is not self._room:
            old, self._room, self._member = self._room, member.room, member
            member.tell_own = self._tell_own
            self._states.place(self, member, old)
            if old is None:
                self._states.tell_rooms([self])

    def _tell_own(self, lines: bytes) -> None:
        """What it has said or done; a notice about it is for the others."""
        for event in map(read, texts(lines)):
            if event["type"] in ("said", "did"):
                self.send(pack({**event, "own": True}))

    def _tell_named(self, refused: bool) -> None:
        """The answer to a `/nick`, behind what people are told: no client has to guess which line that is."""
        member = self.inner.member
        if member is not None and self.subprotocol is not None:
            self.send(pack({**_you(member), "refused": True} if refused else _you(member)))

    def _tell_operator(self, refused: bool) -> None:
        if self.subprotocol is not None:
            self.send(pack({"type": "oper", "refused": refused}))


def _is_called(member: Member, asked: str) -> bool:
    try:
        return names.key(names.clean(asked)) == names.key(member.name)
    except names.BadName:
        return False


def _you(member: Member) -> dict[str, Any]:
    return {"type": "you", "name": member.name, "named": member.named, "operator": bool(member.operator)}
