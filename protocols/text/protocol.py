"""The text layer that chat, greeting and bot share: people's clients in, messages out. Knows nothing of what is said.

The cutting of bytes is in `framer`, the cleaning of text in `sanitize`; both are pure. Here they meet
connections and the clock.
"""

from __future__ import annotations

import logging

from reactor import Protocol, Reactor, StreamTransport, Timer, adopt

from ..admission.quiet import tell
from ..admission.rounds import ROUND_TIME
from .faults import Fault
from .framer import Item, TextFramer
from .sanitize import sanitize

__all__ = ["QUIET_GAP", "UNFINISHED_GAP", "WORDS", "Fault", "TextFramer", "TextProtocol", "sanitize"]

log = logging.getLogger("protocols.text")

QUIET_GAP = 0.2  # seconds of silence that end a message of a client without newlines: longer than a LAN's jitter
UNFINISHED_GAP = 0.6  # seconds more for what is plainly unfinished: with the gap still within a browser's one second
LONE_KEY_GAP = (
    1.5  # seconds of silence after a single character, which may be the first of several keys: a slow typist's
)
SLICE = 16 * 1024  # bytes handled in one call: milliseconds at most, after which the other connections have their turn
LATE_SLICE = 512  # of them, of many short lines, where all connections together have taken a round's time

_WONT_TIMING_MARK = b"\xff\xfc\x06"  # any answer will do (RFC 860), and this one promises nothing

AT_ONCE = 64  # messages that were held back handled in one call: a sender who is paused after each is not asked again
_FAULT = "\r"  # begins a fault among texts that are held back; no text has one, for it ends lines
_STAND_IN = b"\n"  # stands in `transport.unread` for what is held back here as messages

WORDS = {
    Fault.LINE_TOO_LONG: "* that line was not taken: it is longer than 2,048 bytes",
    Fault.NOT_UTF8: "* that line was not taken: it is not UTF-8",
    Fault.NO_NEWLINE: "* goodbye: that was 8 KiB without the end of a line",
    Fault.IRC: "* goodbye: this is no IRC server, but a chat for telnet and nc: what you type is said",
}
"""What a sender is told. Strangers behind whom nobody sits are told nothing."""


class TextProtocol(Protocol):
    """Messages of people. Define `message_received`; answer with `send_line`.

    `transport.pause_reading()` inside `message_received` holds back the messages after it, `transport.close()` drops
    them; the end of the peer's stream comes after its last message, and a last line without its end is a message.
    """

    __slots__ = ("_framer", "_held", "_quiet", "_reasons", "reactor", "transport")

    transport: StreamTransport
    raw = False
    """True in a class that wants messages as they were sent, and sanitizes what it shows itself."""
    opening = True
    """False in a class whose peers are known to speak text, so that none is a stranger with another protocol."""

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self._framer = TextFramer(raw=self.raw, opening=self.opening)
        self._held = ""  # messages, each with a newline behind it
        self._quiet: Timer | None = None
        self._reasons: frozenset[str] = frozenset()  # why nothing is read now

    def message_received(self, text: str) -> None:
        """One message. Unless `raw`, it is sanitized and may be shown to anybody."""

    def fault_received(self, fault: Fault) -> None:
        """Something that is no message came. Tells its sender, and closes after a fatal fault."""
        if fault in WORDS:
            self.send_line(WORDS[fault])
        if fault.fatal:
            self.log_fatal(fault)
            self.transport.close()

    def log_fatal(self, fault: Fault) -> None:
        """One line for a connection that is closed for what it sent. It never says what that was."""
        tell(log, self.reactor, "%r closed: it sent %s", self.transport, fault.value)

    def waste_received(self, size: int) -> None:
        """That many bytes came which are no message: telnet's commands, lines that were refused. For who bills them."""

    def send_line(self, text: str) -> None:
        """Send one line; its end is added."""
        self.transport.write(f"{text}\n".encode())

    def pause_for(self, reason: str) -> None:
        """Take nothing more from the peer until `resume_from` this reason, and from every other one there is."""
        self._reasons |= {reason}
        self.transport.pause_reading()

    def resume_from(self, reason: str) -> None:
        """This reason is over. Harmless where it was none."""
        self._reasons -= {reason}
        if not self._reasons:
            self.transport.resume_reading()

    def connection_made(self, transport: StreamTransport) -> None:
        """Keeps the transport as `self.transport`. A subclass that overrides this calls it."""
        self.transport = adopt(transport, self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clock. A subclass that overrides this calls it."""
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None

    def giving_way(self) -> int:
        """Who has sent nothing yet makes room for newcomers."""
        return 0 if self.transport.bytes_in else 2

    def data_received(self, data: bytes) -> None:
        transport, framer = self.transport, self._framer
        if self._held:
            transport.unread(data[len(_STAND_IN) :])
            return self._go_on()
        if len(data) > LATE_SLICE and len(data) > (most := self._share(data)):
            transport.unread(data[most:])
            data = data[:most]
        self.batch_received(framer.feed(data))
        if wasted := framer.take_waste():
            self.waste_received(wasted)
            if marks := framer.take_marks():  # a request for one is telnet, and so is waste
                transport.write(_WONT_TIMING_MARK * marks)
        if self._quiet is not None or (not framer.plain and framer.waiting):
            self._mind_the_gap(LONE_KEY_GAP if framer.lone_key else QUIET_GAP)

    def _share(self, data: bytes) -> int:
        """Bytes of `data` that may be handled in this call. It is lines that cost, and not their bytes."""
        late = self.reactor.time() >= self.reactor.now + ROUND_TIME
        return LATE_SLICE if late and data.count(b"\n") + data.count(b"\r") > AT_ONCE else SLICE

    def eof_received(self) -> bool | None:
        """A last line without its end is a message; then our side is closed too."""
        for item in self._framer.finish():
            self._handle_one(item)
        return None

    def batch_received(self, items: list[Item]) -> None:
        """What came together: calls `message_received` and `fault_received` until one pauses reading or closes.

        An override is for speed only, and leaves to this all but plain messages that do neither.
        """
        transport = self.transport
        message_received = self.message_received
        queue = iter(items)
        for item in queue:
            if item.__class__ is str:
                message_received(item)
            else:
                self.fault_received(item)  # type: ignore[arg-type]
            if not transport.is_reading():
                self._hold(list(queue))
                return

    def _handle_one(self, item: Item) -> None:
        if isinstance(item, str):
            self.message_received(item)
        else:
            self.fault_received(item)

    def _hold(self, items: list[Item]) -> None:
        """Keep messages until reading is resumed: what is given back brings `data_received` again, in its turn.

        They are kept as one text, because as many short lines as make 16 KiB take 20 times that as objects.
        """
        if items and not self.transport.is_closing():
            self._held = "\n".join([item if isinstance(item, str) else _FAULT + item.name for item in items]) + "\n"
            self.transport.unread(_STAND_IN)

    def _go_on(self) -> None:
        """Handle some of what is held."""
        *some, rest = self._held.split("\n", AT_ONCE)
        self._held = ""
        self.batch_received([Fault[text[1:]] if text.startswith(_FAULT) else text for text in some])
        if rest and not self.transport.is_closing():
            if not self._held:
                self.transport.unread(_STAND_IN)
            self._held += rest

    def _mind_the_gap(self, seconds: float) -> None:
        if not self._framer.waiting:
            if self._quiet is not None:
                self._quiet.cancel()
                self._quiet = None
        elif self._quiet is None:
            self._quiet = self.reactor.call_later(seconds, self._on_quiet)
        else:
            self._quiet.reset(seconds)

    def _on_quiet(self) -> None:
        if self.transport.is_closing():
            return  # sent away meanwhile; its end may be seconds off
        for item in self._framer.flush_quiet():
            self._handle_one(item)
        self._mind_the_gap(UNFINISHED_GAP)
