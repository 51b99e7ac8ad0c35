"""One person's connection to the chat: bytes, the clock and the limits. What is said and meant is elsewhere, pure."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass, field

from reactor import Limits, Reactor, StreamTransport, Timeouts, Timer

from ..text import WORDS, Fault, TextProtocol
from .flood import Door, TokenBucket, cost
from .hub import Hub
from .room import Member
from .speech import hear

log = logging.getLogger("protocols.chat")

INTRODUCTION = 0.3  # seconds a newcomer has to say who it is, before it is welcomed and the others hear of it: longer
# than the quiet gap, after which a tutorial's client that speaks first has named itself
WELCOME = "welcome, {}: type to talk, /nick NAME to be called so, /help for more, exit to leave"
SOFT = 64 * 1024  # bytes waiting for a member at which nothing is taken from it any more
HARD = 256 * 1024  # bytes waiting for a member at which it is evicted: minutes of a busy room
LIMITS = Limits(output=HARD)
TIMEOUTS = Timeouts(write=60.0, close=10.0)

FLOOD_PATIENCE = 60.0  # seconds in a row that messages may wait: a paste of 130 lines. Beyond it the sender is cut off,
# or what it left in the buffers would speak for hours, after it has gone as well

_TCP_CLOSE = 7  # tcp_states.h


@dataclass(slots=True)
class Chat:
    """What all sessions share. `session` is the factory to listen with, `LIMITS` and `TIMEOUTS` go with it.

    flood_rate, flood_burst: messages a second, and at once; a rate of 0 is no limit.
    """

    reactor: Reactor
    flood_rate: float = 2.0
    flood_burst: float = 10.0
    door: Door = field(default_factory=Door)
    hub: Hub = field(init=False)

    def __post_init__(self) -> None:
        self.hub = Hub(self.reactor.call_soon)

    def session(self) -> Session:
        return Session(self)


class Session(TextProtocol):
    """One person."""

    __slots__ = ("_address", "_bucket", "_chat", "_crowded", "_flood", "_flooding_since", "_introduction", "_member")

    raw = True  # names are refused for what sanitizing would remove

    def __init__(self, chat: Chat) -> None:
        super().__init__(chat.reactor)
        self._chat = chat
        self._member: Member | None = None
        self._address = ""
        self._crowded = False
        self._introduction: Timer | None = None
        self._flood: Timer | None = None
        self._flooding_since: float | None = None
        self._bucket: TokenBucket | None = None

    def connection_made(self, transport: StreamTransport) -> None:
        super().connection_made(transport)
        chat = self._chat
        peername = transport.get_extra_info("peername")
        self._address = peername[0] if isinstance(peername, tuple) else ""
        if reason := chat.door.refuses(self._address):
            log.info("%r turned away: %s", transport, reason)
            self.send_line(f"* goodbye: {reason}")
            transport.close()
            return
        chat.door.enter(self._address)
        transport.set_write_buffer_limits(high=SOFT)
        if chat.flood_rate:
            self._bucket = TokenBucket(chat.flood_rate, chat.flood_burst, chat.reactor.time())
        member = self._member = Member(transport.write, transport.close)
        chat.hub.enter(member)
        member.owe(WELCOME.format(member.name))
        self._introduction = chat.reactor.call_later(INTRODUCTION, self._on_introduced, member)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._introduction, self._flood):
            if timer is not None:
                timer.cancel()
        if self._member is not None:
            self._chat.hub.leave(self._member)
            self._chat.door.leave(self._address)
            self._member = None

    def eof_received(self) -> bool | None:
        """Who was too quick to be welcomed is welcomed now: `echo hi | nc` shows at least whom it spoke to."""
        super().eof_received()
        if self._member is not None:
            self._member.greet()
        return None

    def draining(self, grace: float) -> None:
        """The server goes."""
        if self._member is not None:
            self._chat.hub.farewell(self._member)

    def _on_introduced(self, member: Member) -> None:
        member.greet()
        self._chat.hub.announce(member)

    def message_received(self, text: str) -> None:
        if self._member is not None:
            hear(self._chat.hub, self._member, text)
        if self._bucket is not None:
            self._pay(cost(text))

    def fault_received(self, fault: Fault) -> None:
        member = self._member
        if member is not None and fault in WORDS:
            member.greet()
            if member.room is not None:
                member.room.deliver()  # what was said before comes before the word about this
        super().fault_received(fault)
        if member is not None and fault.fatal:
            self._chat.hub.leave(member)
        if self._bucket is not None:
            self._pay(1)

    # -- limits -------------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The member does not keep up: what it would add waits."""
        self._crowded = True
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self._crowded = False
        self._resume()

    def _pay(self, tokens: int) -> None:
        assert self._bucket is not None
        now = self.reactor.time()
        wait = self._bucket.spend(tokens, now)
        if not wait:
            self._flooding_since = None
        elif self._flooding_since is not None and now - self._flooding_since > FLOOD_PATIENCE:
            self._cut_off()
        else:
            self._flooding_since = now if self._flooding_since is None else self._flooding_since
            self.transport.pause_reading()
            if self._flood is None:
                self._flood = self.reactor.call_later(wait, self._on_paid)
            else:
                self._flood.reset(wait)

    def _cut_off(self) -> None:
        if self._member is not None and not self.transport.is_closing():
            log.info("%r cut off: it floods", self.transport)
            self._member.tell("goodbye: that was too much at once, and the rest is not said")
            self._chat.hub.leave(self._member)
            self.transport.close()

    def _on_paid(self) -> None:
        if _is_reset(self.transport.get_extra_info("socket")):
            self.transport.abort()
        else:
            self._resume()

    def _resume(self) -> None:
        if not self._crowded and (self._flood is None or not self._flood.active):
            self.transport.resume_reading()


def _is_reset(sock: socket.socket) -> bool:
    """Whether the peer has reset the connection: nobody watches a socket that is not read, and a name hangs on it."""
    if not hasattr(socket, "TCP_INFO"):
        return False
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE
    except OSError:
        return False  # not a TCP socket
