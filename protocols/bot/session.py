"""One person's connection to the bot: bytes, the clock and the limits. Answers come from `asker`.

What the tutorial's client needs: it sends no newline, it takes what one `recv(1024)` brings for the whole answer, and
a character that is cut there breaks it. So whoever has never sent a newline gets each answer in one piece of less than
that. Everybody else gets the lines of an answer as they are complete.
"""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass, field
from typing import Any

from reactor import Limits, StreamTransport, Timeouts, Timer

from ..admission.buckets import TokenBucket, cost
from ..admission.door import Door
from ..admission.pace import Pace
from ..admission.quiet import tell
from ..text.faults import Fault as TextFault
from ..text.protocol import TextProtocol
from .answer import fit
from .asker import Asker
from .bot import Bot
from .sayings import TEXT_FAULTS, WELCOME, Saying

log = logging.getLogger("protocols.bot")

ONE_RECV = 1000  # bytes of an answer for a client without newlines, whose `recv(1024)` must bring all of it
LONGEST_NAME = 32  # characters before a `::`; what is longer is no name

SOFT = 64 * 1024  # bytes waiting for somebody at which nothing is taken from it any more
LIMITS = Limits(output=256 * 1024)  # bytes waiting for somebody who does not read: thirty answers
TIMEOUTS = Timeouts(write=60.0, close=10.0)

FLOOD_RATE = 2.0  # messages a second: nobody types faster for long
FLOOD_BURST = 10.0  # messages at once: a paste

FIRST_PROBE, PROBE_INTERVAL = 0.25, 1.0  # seconds to a look at whether a peer that has ended its side is still there


@dataclass(slots=True)
class BotServer:
    """What all sessions share. `session` is the factory to listen with; `limits` and `TIMEOUTS` go with it."""

    bot: Bot
    door: Door = field(default_factory=Door)

    @property
    def limits(self) -> Limits:
        """LIMITS, and who has too many connections already is refused at accept."""
        return LIMITS.replace(refuse=self.refuse)

    def session(self) -> Session:
        return Session(self)

    def refuse(self, peername: Any, held: int) -> bytes | None:
        """What a newcomer is told who is not let in; None for one who is. For `Limits.refuse`."""
        address = peername[0] if isinstance(peername, tuple) else ""
        reason = self.door.refuses(address, held)
        if reason is None:
            return None
        tell(log, self.bot.reactor, "%s turned away: %s", address or "a newcomer", reason)
        return f"{Saying.FULL.say(True)}\n".encode()


class Session(TextProtocol):
    """One person."""

    __slots__ = (
        "_address",
        "_asker",
        "_ended",
        "_lines",
        "_pace",
        "_probe",
        "_server",
        "_spoken",
        "_unsaid",
    )  # fmt: skip

    def __init__(self, server: BotServer) -> None:
        super().__init__(server.bot.reactor)
        self._server = server
        self._asker = Asker(server.bot, self._tell, self._notice)
        self._address: str | None = None  # as the door counts it; None while outside
        self._lines = False  # it has sent a newline
        self._spoken = False  # it has said something plain, so that not all that has a `::` is a name and a text
        self._unsaid: list[str] = []  # of an answer that is to be written in one piece
        self._ended = False  # it has ended its side
        self._pace = Pace(self.reactor, TokenBucket(FLOOD_RATE, FLOOD_BURST, self.reactor.time()), self._on_paid)
        self._probe: Timer | None = None

    def connection_made(self, transport: StreamTransport) -> None:
        super().connection_made(transport)
        peername = transport.get_extra_info("peername")
        address = peername[0] if isinstance(peername, tuple) else ""
        if (word := self._server.refuse(peername, 0)) is not None:
            transport.write(word)
            return transport.close()
        self._server.door.enter(address)
        self._address = address
        transport.set_write_buffer_limits(high=SOFT)
        self.send_line(WELCOME)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._pace.stop()
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None
        self._asker.leave()
        if self._address is not None:
            self._server.door.leave(self._address)
            self._address = None

    def data_received(self, data: bytes) -> None:
        self._lines = self._lines or 10 in data  # LF, as a number: ten times as quick as b"\n"
        super().data_received(data)

    def eof_received(self) -> bool | None:
        """What was asked is answered still, if anybody is there to read it: see `_probe_peer`."""
        super().eof_received()
        self._ended = True
        if not self._asker.waiting or self.transport.is_closing():
            return None
        self._probe_peer()
        return True

    def draining(self, grace: float) -> None:
        """The server goes."""
        self._leave(Saying.CLOSING)

    def message_received(self, text: str) -> None:
        text = self._without_name(text.strip())
        if text.strip().lower() == "exit":
            return self._leave(Saying.BYE)
        self._asker.ask(text)
        self._pay(self._pace.pay(cost(text)))

    def fault_received(self, fault: TextFault) -> None:
        if fault in TEXT_FAULTS:
            self.send_line(TEXT_FAULTS[fault][0 if self._asker.chinese else 1])
        if fault.fatal:
            self.log_fatal(fault)
            self._asker.leave()
            self.transport.close()
        else:
            self._pay(self._pace.pay(1))

    def _without_name(self, text: str) -> str:
        """What `text` says, without the name that some clients put before it."""
        name, separator, rest = text.partition("::")
        name = name.strip()
        if not separator or not 0 < len(name) <= LONGEST_NAME:
            self._spoken = True
            return text
        of_code = self._spoken and (name[0].islower() or any(map(str.isspace, name)))
        if name != self._asker.name and (self._asker.name or of_code):
            return text  # "std::vector", from somebody who talks plainly or has another name
        self._asker.name = name
        return rest

    def _tell(self, lines: list[str], end: bool) -> None:
        """Lines of an answer."""
        self._unsaid += lines
        if not (self._lines or end):
            return
        text, self._unsaid = "\n".join(self._unsaid), []
        if not self._lines:
            text = fit(text, ONE_RECV, Saying.CUT.say(self._asker.chinese))
        if text:
            self.send_line(text)
        if end:
            self._close_if_all_is_said()

    def _notice(self, line: str) -> None:
        """What is no answer, perhaps in the midst of one."""
        self.send_line(line)
        self._close_if_all_is_said()

    def _close_if_all_is_said(self) -> None:
        if self._ended:
            self.reactor.call_soon(self._close_unless_waiting)

    def _close_unless_waiting(self) -> None:
        if not self._asker.waiting:
            self.transport.close()

    def _leave(self, saying: Saying) -> None:
        """Say goodbye, and end."""
        self._asker.leave()
        self.send_line(saying.say(self._asker.chinese))
        self.transport.close()

    # -- limits -----------------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """It does not keep up: what it would ask waits."""
        self.pause_for("slow")

    def resume_writing(self) -> None:
        self.resume_from("slow")

    def waste_received(self, size: int) -> None:
        self._pay(self._pace.pay_for_waste(size))

    def _pay(self, paid: bool) -> None:
        if not paid:
            tell(log, self.reactor, "%r cut off: it floods", self.transport)
            self._leave(Saying.FLOOD)
        elif self._pace.waiting:
            self.pause_for("flood")

    def _on_paid(self) -> None:
        self.resume_from("flood")

    # -- whether it is still there ------------------------------------------------------------------------------------

    def _probe_peer(self) -> None:
        """Find out whether the other side still exists, which its end of file does not tell.

        `printf ... | nc -N` has said all and waits for the answer; a client that has closed is gone, and its call is
        to be cancelled. Both look the same until something is sent. One byte of urgent data (RFC 6093) is seen by
        nobody who has not asked for it, and brings a reset from where nobody is. A second one is not sent: where the
        first is not read over yet, it would turn that into text.
        """
        sock = self.transport.get_extra_info("socket")
        if not isinstance(sock, socket.socket) or sock.family not in (socket.AF_INET, socket.AF_INET6):
            return
        try:
            sock.send(b"\0", socket.MSG_OOB)
        except OSError:
            pass  # what is wrong with it is seen below
        self._probe = self.reactor.call_later(FIRST_PROBE, self._look_at_peer, sock)

    def _look_at_peer(self, sock: socket.socket) -> None:
        if self.transport.is_closing():
            return
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
        else:
            self._probe = self.reactor.call_later(PROBE_INTERVAL, self._look_at_peer, sock)
