"""How far a download is, in one line on a terminal: `  45% [====>     ] 12.3/27.4 MiB  3.1 MiB/s  0:04 left`."""

from __future__ import annotations

import os
import sys

from reactor import Reactor

from ..client.response import Response
from .messages import size

INTERVAL = 0.2  # seconds between two looks: as often as an eye can read a number
SHORT = 0.5  # seconds before the first: what is done by then needs no progress
ERASE = "\r\x1b[K"


class Progress:
    """The progress of everything that is fetched, together. Says nothing where stderr is no terminal."""

    def __init__(self, reactor: Reactor, wanted: bool) -> None:
        self._reactor = reactor
        self._begun = reactor.time()
        self._come = 0  # bytes that came
        self._had = 0  # bytes that were there already
        self._total: int | None = 0  # bytes in the end; None: nobody knows
        self._drawn = False
        self._timer = None
        if wanted and sys.stderr is not None and sys.stderr.isatty():
            self._timer = reactor.call_every(INTERVAL, self._draw)

    def expect(self, response: Response, had: int = 0) -> None:
        """An answer has begun, of which `had` bytes are here already."""
        length = response.headers.get("content-length")
        self._had += had if response.status == 206 else 0
        if length is None or not length.isdigit() or "content-encoding" in response.headers or self._total is None:
            self._total = None
        else:
            self._total += int(length) + (had if response.status == 206 else 0)

    def advance(self, size: int) -> None:
        """Some content has come."""
        self._come += size

    def clear(self) -> None:
        """Make room for a line of something else."""
        if self._drawn:
            self._show(ERASE)
            self._drawn = False

    def end(self) -> None:
        """Leave what was reached in sight."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            if self._drawn:
                self._draw()
                self._show("\n")

    def _draw(self) -> None:
        seconds = self._reactor.time() - self._begun
        if seconds >= SHORT:
            self._drawn = True
            self._show(ERASE + line(self._come, self._had, self._total, seconds, _width() - 1))

    def _show(self, text: str) -> None:
        try:
            print(text, end="", file=sys.stderr, flush=True)
        except OSError:
            pass  # the terminal is gone: a signal tells


def line(come: int, had: int, total: int | None, seconds: float, width: int) -> str:
    """The line, no wider than the terminal.

    >>> line(50 << 20, 0, 200 << 20, 10.0, 79)
    ' 25% [=====>              ]  50.0 MiB of 200.0 MiB   5.0 MiB/s  0:30 left'
    >>> line(3000, 0, None, 2.0, 79)
    '2.9 KiB   1.5 KiB/s'
    """
    rate = come / seconds if seconds else 0.0
    speed = f"{size(rate)}/s"
    if not total:
        return f"{size(come + had)}   {speed}"[:width]
    share = min(1.0, (come + had) / total)
    left = f"  {clock((total - come - had) / rate)} left" if rate and share < 1 else ""
    numbers = f"  {size(come + had)} of {size(total)}   {speed}{left}"
    room = min(20, width - len(numbers) - 8)
    bar = ""
    if room >= 5:
        filled = int(share * room)
        bar = f"[{'=' * filled}{'>' if filled < room else ''}{' ' * (room - filled - 1)}]"
    return f"{share:4.0%} {bar}{numbers}"[:width]


def clock(seconds: float) -> str:
    """`0:30`, `1:02:03`."""
    minutes, rest = divmod(int(min(seconds, 359_999)) + (seconds > int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _width() -> int:
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80
