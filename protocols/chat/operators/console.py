"""The operator at the server's own keyboard: what is typed reaches everybody, what is said is shown.

For `reactor.open_stdio`: `Console` where standard input or output is a pipe or a file, `at_terminal.TerminalConsole`
where somebody sits at both.
"""

from __future__ import annotations

import os
import stat

from reactor import Limits, Protocol, StreamTransport

from ...text.faults import Fault
from ...text.framer import TextFramer
from ..rooms.hub import LOBBY, Posted
from ..rooms.room import NOTICE
from .powers import Caller, Powers
from .typing import Typing

LIMITS = Limits(output=1024 * 1024)  # a terminal stopped with Ctrl-S for an evening; beyond it lines are dropped
FULL = 512 * 1024  # bytes waiting from which lines are dropped, so that the console itself is never evicted

ENDLESS = 1024 * 1024  # bytes without a line after which no more is read: < /dev/zero would take a core for ever


class Console(Protocol):
    """Standard input and output of the server.

    An input that has ended, was never open, or is a file takes nothing away but the typing: lines are still shown. An
    output that is stalled takes nothing away but the lines that it has no room for.
    """

    def __init__(self, powers: Powers) -> None:
        self._powers = powers
        self._framer = _framer()
        self._skipping = False  # the rest of a line that was too long
        self._skipped = 0  # bytes of such rests
        self._unshown = 0  # lines dropped because the output is stalled
        self._caller = Caller("console", self._show)
        self._typing = Typing(powers.reactor, self._act_on, self._show, self._pause)

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport
        self._powers.hub.audience.append(self._on_posted)
        self._powers.consoles.append(self._show)
        if _is_file(transport.get_extra_info("stdin")):
            transport.pause_reading()  # `< file` is how scripts say that nobody types

    def connection_lost(self, exc: Exception | None) -> None:
        self._powers.hub.audience.remove(self._on_posted)
        self._powers.consoles.remove(self._show)
        self._typing.stop()

    def data_received(self, data: bytes) -> None:
        if self._skipping:
            rest, end, data = data.partition(b"\n")
            self._skipping = not end
            self._skipped += len(rest)
            if self._skipping and self._skipped > ENDLESS:
                return self.transport.pause_reading()
        items = self._framer.feed(data)
        if items and items[-1] is Fault.NO_NEWLINE:  # after which this framer gives nothing more
            self._framer, self._skipping = _framer(), True
        self._typing.take(items)

    def eof_received(self) -> bool:
        self._typing.take(self._framer.finish())
        return True  # go on showing

    def resume_writing(self) -> None:
        """The output takes something again."""
        if self._unshown:
            unshown, self._unshown = self._unshown, 0
            self._show(f"{unshown:,} lines were not shown, for this output did not take them")

    def _pause(self, waits: bool) -> None:
        if waits:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _act_on(self, item: str | Fault) -> None:
        if isinstance(item, Fault):
            self._show(f"that line was not taken: {item.value}")
        else:
            self._powers.typed(self._caller, item)

    def _on_posted(self, posted: Posted) -> None:
        if posted.echo:
            self._write(as_shown(posted))

    def _show(self, *notices: str) -> None:
        self._write("".join(f"{NOTICE}{notice}\n" for notice in notices).encode())

    def _write(self, lines: bytes) -> None:
        if self.transport.get_write_buffer_size() > FULL:
            self._unshown += lines.count(b"\n")
        else:
            self.transport.write(lines)


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
