"""The operator at a terminal: what is typed reaches everybody, what is said is shown. For `reactor.open_stdio`."""

from __future__ import annotations

import os
import stat
from collections import deque

from reactor import Limits, Protocol, StreamTransport, Timer

from ...admission.buckets import TokenBucket, cost
from ...admission.pace import LONGEST_WAIT, Pace
from ...text.faults import Fault
from ...text.framer import TextFramer
from ..rooms.hub import LOBBY, Posted
from ..rooms.room import NOTICE
from .powers import Caller, Powers

LIMITS = Limits(output=1024 * 1024)  # a terminal stopped with Ctrl-S for an evening; beyond it the display goes

BURST = 50.0  # lines at once: a page of rules. What everybody is told is at most 100 KiB then, less than evicts anybody
RATE = 20.0  # lines a second from then on: 40 KiB at most, which a slow line still takes
ENDLESS = 1024 * 1024  # bytes without a line after which no more is read: < /dev/zero would take a core for ever
CALM = 1.0  # seconds without input after which a paste that was too much is over


class Console(Protocol):
    """Standard input and output of the server.

    An input that has ended, was never open, or is a file takes nothing away but the typing: lines are still shown.
    A paste is told to everybody at a pace that everybody can take; what would take a minute is cut, with a word.
    """

    def __init__(self, powers: Powers) -> None:
        self._powers = powers
        self._framer = _framer()
        self._skipping = False  # the rest of a line that was too long
        self._skipped = 0  # bytes of such rests
        self._caller = Caller("console", self._show)
        self._pace = Pace(powers.reactor, TokenBucket(RATE, BURST, powers.reactor.time()), self._go_on)
        self._typed: deque[str | Fault] = deque()
        self._dropped = 0  # lines of a paste that was too much
        self._calm: Timer | None = None  # runs while lines are dropped

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport
        self._powers.hub.audience.append(self._on_posted)
        if _is_file(transport.get_extra_info("stdin")):
            transport.pause_reading()  # `< file` is how scripts say that nobody types

    def connection_lost(self, exc: Exception | None) -> None:
        self._powers.hub.audience.remove(self._on_posted)
        self._pace.stop()
        if self._calm is not None:
            self._calm.cancel()

    def data_received(self, data: bytes) -> None:
        if self._skipping:
            rest, end, data = data.partition(b"\n")
            self._skipping = not end
            self._skipped += len(rest)
            if self._skipping and self._skipped > ENDLESS:
                return self.transport.pause_reading()
        self._typed.extend(self._framer.feed(data))
        if self._typed and self._typed[-1] is Fault.NO_NEWLINE:  # after which this framer gives nothing more
            self._framer, self._skipping = _framer(), True
        if self._calm is not None:
            self._calm.reset(CALM)
        self._go_on()

    def eof_received(self) -> bool:
        self._typed.extend(self._framer.finish())
        self._go_on()
        return True  # go on showing

    def _go_on(self) -> None:
        """Act on what was typed, as far as the pace allows; the rest waits, here and in the pipe."""
        while self._typed and not self._pace.waiting:
            if self._calm is not None:
                self._dropped += len(self._typed)
                self._typed.clear()
            else:
                self._act_on(self._typed.popleft())
        if self._pace.waiting:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _act_on(self, item: str | Fault) -> None:
        if isinstance(item, Fault):
            self._show(f"that line was not taken: {item.value}")
        else:
            self._powers.typed(self._caller, item)
        if not self._pace.pay(cost(item) if isinstance(item, str) else 1):
            self._calm = self._powers.reactor.call_later(CALM, self._on_calm)

    def _on_calm(self) -> None:
        self._calm = None
        self._show(
            f"that was too much at once: {self._dropped:,} lines of it, after {LONGEST_WAIT:.0f} seconds, went nowhere"
        )
        self._dropped = 0

    def _on_posted(self, posted: Posted) -> None:
        if posted.echo:
            self.transport.write(as_shown(posted))

    def _show(self, *notices: str) -> None:
        self.transport.write("".join(f"{NOTICE}{notice}\n" for notice in notices).encode())


def as_shown(posted: Posted) -> bytes:
    """A public line with its room before it, unless that is the lobby or every room."""
    if posted.room is None or posted.room.name == LOBBY:
        return posted.line
    return b"[%s] %s" % (posted.room.name.encode(), posted.line)


def _framer() -> TextFramer:
    return TextFramer(opening=False)  # the operator is no stranger, whatever the first line begins with


def _is_file(fd: int | None) -> bool:
    try:
        return fd is not None and stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return False
