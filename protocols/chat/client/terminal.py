"""A person at a terminal: a line being typed at the bottom, what others say above it.

Between the pure parts (`editor`, `screen`, `looks`) and the reactor: modes, signals, bytes. POSIX only.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
from typing import Any, Protocol as Interface

from reactor import Protocol, Reactor, StreamTransport, Timer

from ...text.sanitize import sanitize
from .editor import MAX_TEXT, Event, LineEditor
from .looks import SECRET
from .screen import Screen

BELL = "\a"
_PASTE_ON, _PASTE_OFF = b"\x1b[?2004h", b"\x1b[?2004l"  # bracketed paste: terminals say what is pasted
_HANDED_OVER = 0.05  # seconds, after which what was written is on the terminal: a thread writes it, in microseconds
LOOK = 0.5  # seconds between two looks of a server in the background, whether it is in the foreground again


class Owner(Interface):
    """Who is told what happens here."""

    def typed(self, line: str) -> bool: ...
    def input_ended(self) -> None: ...
    def output_stalls(self, stalls: bool) -> None: ...
    def seat_lost(self, exc: Exception | None) -> None: ...


class Appearance(Interface):
    """How lines look: `Looks`, or what behaves like it."""

    def heard(self, line: str) -> str: ...
    def said(self, line: str) -> str: ...
    def note(self, text: str) -> str: ...


class Modes:
    """The modes of the terminal, which is given back as it was on every way out. A context manager.

    Ctrl-C, Ctrl-Z and Ctrl-S stay with the kernel; lines and echo are ours meanwhile.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._before = termios.tcgetattr(fd)

    def enter(self) -> None:
        """Take over. From the background this stops the program until `fg`, as job control has it."""
        modes = [*self._before[:6], list(self._before[6])]
        modes[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        self._set(modes, _PASTE_ON)

    def leave(self) -> None:
        """Give back, unless it is somebody else's: a shell that has put us into the background has its own modes."""
        if self.in_foreground():
            self._set(self._before, _PASTE_OFF)

    def in_foreground(self) -> bool:
        """Whether the terminal is ours to change: it is not while a shell has put us into the background."""
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:
            return True  # not our controlling terminal: no job control

    def __enter__(self) -> Modes:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def _set(self, modes: list[Any], codes: bytes) -> None:
        try:
            termios.tcsetattr(self._fd, termios.TCSANOW, modes)
            if select.select([], [self._fd], [], 0)[1]:  # not where Ctrl-S stalls it
                os.write(self._fd, codes)
        except (OSError, termios.error):
            pass  # it is gone; or a signal came, and SIGCONT has us try again


class Terminal(Protocol):
    """For `reactor.open_stdio`, with stdin and stdout a terminal.

    of_server: the program goes on in the background, where it shows no row, and does by itself what SIGHUP asks for.
    """

    transport: StreamTransport

    def __init__(
        self, reactor: Reactor, owner: Owner, modes: Modes, looks: Appearance, *, of_server: bool = False
    ) -> None:
        self._reactor = reactor
        self._owner = owner
        self._modes = modes
        self._looks = looks
        self._editor = LineEditor(sys.stdin.encoding)
        self._screen = Screen(columns())
        self._ended = False  # nothing is typed any more: no row for it
        self._suspending = False
        self._told_full = False  # of the line being typed
        self._of_server = of_server
        self._look: Timer | None = None  # runs in the background

    def show(self, line: str) -> None:
        """A line from the server."""
        self._above(self._looks.heard(line))

    def said(self, line: str) -> None:
        """A line that was typed here is on its way."""
        self._above(self._looks.said(sanitize(line)))

    def note(self, text: str) -> None:
        """Something that this program has to say."""
        self._above(self._looks.note(text))

    # -- the reactor's calls ------------------------------------------------------------------------------------

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport
        self._modes.enter()
        handle = self._reactor.add_signal_handler
        handle(signal.SIGWINCH, self._resize)
        handle(signal.SIGTSTP, self._suspend)
        handle(signal.SIGCONT, self._resume)
        handle(signal.SIGQUIT, self._reactor.drain)  # their default would leave the terminal as it is
        if not self._of_server:
            handle(signal.SIGHUP, self._reactor.drain)
        self._draw()

    def data_received(self, data: bytes) -> None:
        if self._suspending and self._of_server:
            self._resume()  # `fg` of what already ran
        for event in [] if self._ended else self._editor.feed(data):
            if isinstance(event, str):
                self._enter(event)
            else:
                EVENTS[event](self)
        self._draw()

    def eof_received(self) -> bool:
        self._end()
        return True  # what is said is still to be shown

    def pause_writing(self) -> None:
        self._owner.output_stalls(True)

    def resume_writing(self) -> None:
        self._owner.output_stalls(False)

    def draining(self, grace: float) -> None:
        if self._editor.text.strip():
            self.note(f"not sent: {sanitize(self._editor.text)}")
        self._close_row()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        self._owner.seat_lost(exc)

    # -- the row ------------------------------------------------------------------------------------------------

    def _enter(self, line: str) -> None:
        self._told_full = False
        if not SECRET.match(line):
            self._editor.remember(line)
        if self._owner.typed(line):
            self.said(line)

    def _end(self) -> None:
        if not self._ended:
            self._close_row()
            self._owner.input_ended()

    def _close_row(self) -> None:
        self._write(self._screen.erase())
        self._ended = True

    def _clear(self) -> None:
        self._write(self._screen.clear())

    def _on_full(self) -> None:
        """A paste is cut: told once, and not for each of its characters."""
        if not self._told_full:
            self._told_full = True
            self._write(BELL)
            self.note(f"a line takes {MAX_TEXT:,} characters: what is behind them is left out")

    def _above(self, text: str) -> None:
        self._write(f"{self._screen.erase()}{text}\n")
        self._reactor.call_soon(self._draw)  # once for all that comes in one tick

    def _draw(self) -> None:
        if not self._ended and not self._suspending:
            self._write(self._screen.draw(self._editor.text, self._editor.at))

    def _write(self, text: str) -> None:
        self.transport.write(text.encode(sys.stdout.encoding, "replace"))

    # -- signals ------------------------------------------------------------------------------------------------

    def _resize(self) -> None:
        self._write(self._screen.resize(columns()))
        self._draw()

    def _suspend(self) -> None:
        self._suspending = True
        self._write(self._screen.erase())
        self._reactor.call_later(_HANDED_OVER, self._stop)

    def _stop(self) -> None:
        self._modes.leave()
        self._reactor.remove_signal_handler(signal.SIGTSTP)  # its default stops us, unless no shell could continue us
        os.kill(os.getpid(), signal.SIGTSTP)
        self._reactor.add_signal_handler(signal.SIGTSTP, self._suspend)
        self._resume()

    def _resume(self) -> None:
        if self._of_server and not self._modes.in_foreground():
            # `bg`: a server serves on, and taking the terminal over would stop it. No signal tells of `fg` then.
            if self._look is None or not self._look.active:
                self._look = self._reactor.call_later(LOOK, self._resume)
            return
        self._suspending = False
        self._modes.enter()
        self._resize()


EVENTS = {Event.END: Terminal._end, Event.CLEAR: Terminal._clear, Event.FULL: Terminal._on_full}


def columns() -> int:
    """How wide the terminal is; 80 where it does not know."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80
