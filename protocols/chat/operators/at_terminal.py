"""The operator at a terminal: the line being typed stays whole while others speak, as in the client. POSIX only."""

from __future__ import annotations

from contextlib import AbstractContextManager

from reactor import StreamTransport

from ...text.faults import Fault
from ...text.sanitize import uncover
from ..client.log_above import log_above
from ..client.looks import SECRET
from ..client.terminal import Modes, Terminal
from ..rooms.hub import Posted
from ..rooms.room import NOTICE
from .console import FULL, as_shown
from .powers import Caller, Powers
from .typing import Typing


class PlainLooks:
    """Lines as they are: an operator's console is read by programs too."""

    def heard(self, line: str) -> str:
        return line

    def note(self, text: str) -> str:
        return text

    def said(self, line: str) -> str:
        return "> " + SECRET.sub(r"\1****", line)


class TerminalConsole:
    """Opens the terminal as the server's console. `protocol` is the factory for `reactor.open_stdio`."""

    def __init__(self, powers: Powers, modes: Modes) -> None:
        self._powers = powers
        self._modes = modes
        self._caller = Caller("console", self._tell)
        self._typing = Typing(powers.reactor, self._act_on, self._tell, lambda waits: None)
        self._unshown = 0  # lines dropped because the terminal is stalled
        self._log: AbstractContextManager[None] | None = None
        self._terminal: Terminal | None = None

    def protocol(self) -> Terminal:
        self._terminal = Terminal(self._powers.reactor, self, self._modes, PlainLooks(), of_server=True)
        self._powers.hub.audience.append(self._on_posted)
        self._powers.consoles.append(self._tell)
        self._log = log_above(self._powers.reactor, self._show)
        self._log.__enter__()
        return self._terminal

    # -- called by the terminal ---------------------------------------------------------------------------------

    def typed(self, line: str) -> bool:
        """A line was finished with Enter. It is shown above the row, and acted on in its turn."""
        self._powers.reactor.call_soon(self._typing.take, [uncover(line)])  # once the terminal has shown it
        return True

    def input_ended(self) -> None:
        """Ctrl-D: what is said is still shown."""
        self._tell("nothing more is taken here; what is said is still shown, and Ctrl-C ends the server")

    def output_stalls(self, stalls: bool) -> None:
        if not stalls and self._unshown:
            unshown, self._unshown = self._unshown, 0
            self._tell(f"{unshown:,} lines were not shown, for this terminal did not take them")

    def seat_lost(self, exc: Exception | None) -> None:
        self._powers.hub.audience.remove(self._on_posted)
        self._powers.consoles.remove(self._tell)
        self._typing.stop()
        if self._log is not None:
            self._log.__exit__(None, None, None)

    # -- what is shown ------------------------------------------------------------------------------------------

    def _act_on(self, item: str | Fault) -> None:
        if isinstance(item, str):
            self._powers.typed(self._caller, item)

    def _on_posted(self, posted: Posted) -> None:
        if posted.echo:
            self._show(as_shown(posted).decode().removesuffix("\n"))

    def _tell(self, *notices: str) -> None:
        for notice in notices:
            self._show(f"{NOTICE}{notice}")

    def _show(self, line: str) -> None:
        transport: StreamTransport | None = getattr(self._terminal, "transport", None)
        if self._terminal is None or transport is None or transport.get_write_buffer_size() > FULL:
            self._unshown += 1
        else:
            self._terminal.show(line)
