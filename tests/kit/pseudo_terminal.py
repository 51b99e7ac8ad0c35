"""A pseudo-terminal as a person sits at it: keys are typed, and all that programs write is collected."""

from __future__ import annotations

import os
import pty
import struct
import termios
import threading
from collections.abc import Callable
from fcntl import ioctl
from typing import Any

from .grid import Grid

DEADLINE = 60  # seconds of real time after which a scene has failed


class PseudoTerminal:
    """`theirs` is for a program's standard streams; `before` are the modes that it must leave."""

    def __init__(self, columns: int) -> None:
        self.ours, self.theirs = pty.openpty()
        self.columns = columns
        self.resize(columns)
        self.before = termios.tcgetattr(self.theirs)
        self.data = b""
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        try:
            while data := os.read(self.ours, 65536):
                with self._more:
                    self.data += data
                    self._more.notify_all()
        except OSError:
            pass  # nobody has the other end any more

    def types(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def resize(self, columns: int) -> None:
        """As a window does it; `columns` stays what the rows are shown in."""
        ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    @property
    def text(self) -> str:
        return self.data.decode(errors="ignore").replace("\r\n", "\n")

    @property
    def rows(self) -> list[str]:
        grid = Grid(self.columns)
        grid.feed(self.data.decode(errors="ignore"))
        return list(grid.text)

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait for it, while text comes; gives what it gave."""
        with self._more:
            found = self._more.wait_for(condition, DEADLINE)
        assert found, self.rows
        return found

    def close(self) -> None:
        """Once all programs that had it have ended. The thread ends first: it would read on by the number of a
        descriptor that is closed under it, and that is the next terminal's.
        """
        os.close(self.theirs)
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "a program still has the terminal"
        os.close(self.ours)
