"""The last things said in a room. Pure: callers pass the time, and lines as people saw them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LINES = 50  # lines kept: two screens, enough to see what is talked about
MAX_BYTES = 32 * 1024  # of lines kept: fifty long pastes must not greet every newcomer; half the soft cap of output

LAST_MOMENT = 253_402_300_800.0  # the year 10000: from there on `time.localtime` and the like raise

_STAMP = "[%Y-%m-%d %H:%M] "  # no person's line begins like this, see names.clean


class Said(NamedTuple):
    """One line, complete with its end, and the unix time at which it was said."""

    when: float
    line: bytes


class History:
    """The last `lines` lines, fewer if they are long. 0 keeps none."""

    __slots__ = ("_replay", "_said", "_size", "lines")

    def __init__(self, lines: int = LINES) -> None:
        self.lines = lines
        self._said: deque[Said] = deque()
        self._size = 0
        self._replay: bytes | None = None

    def __len__(self) -> int:
        return len(self._said)

    def add(self, when: float, line: bytes) -> None:
        """`line` was said."""
        said = self._said
        said.append(Said(when, line))
        self._size += len(line)
        self._replay = None
        while said and (len(said) > self.lines or self._size > MAX_BYTES):
            self._size -= len(said.popleft().line)

    @property
    def is_full(self) -> bool:
        """The next line may cost the oldest its place, and others may have lost theirs."""
        return len(self._said) >= self.lines or self._size > MAX_BYTES - 4096

    def clear(self) -> None:
        """Keep nothing of what was said."""
        self._said.clear()
        self._size, self._replay = 0, None

    def __iter__(self) -> Iterator[Said]:
        """What is kept, oldest first."""
        return iter(self._said)

    def replay(self) -> bytes:
        """All that is kept, marked and stamped: one object for all who come before the next line is said."""
        if self._replay is None:
            self._replay = self.last(len(self._said))
        return self._replay

    def last(self, count: int) -> bytes:
        """The last `count` lines, marked and stamped with the server's local time.

        >>> History().last(10)
        b''
        """
        skipped = max(0, len(self._said) - count)
        return stamped(list(self._said)[skipped:])


def stamped(lines: Iterable[Said]) -> bytes:
    """Lines as who was not there when they were said is shown them."""
    return b"".join([_stamp(said.when) + said.line for said in lines])


def _stamp(when: float) -> bytes:
    return time.strftime(_STAMP, time.localtime(when)).encode()
