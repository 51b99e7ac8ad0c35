"""Which of the lines that a server replays stand on the screen already. Pure.

A connection that is made again gets the room's history once more. Where what was heard and what is replayed meet, only
what follows is new. A client's own lines come back to it only here, and of people who were ignored for a while
screen and history have not the same: such lines say nothing about the place, and are left out of the comparison.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Sequence

KEPT = 200  # lines remembered: four times what our server replays
ENOUGH = 10  # lines that tell a place where what was heard and what is replayed are not the same before these

_STAMP = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d\] ")
_NEVER_REPLAYED = ("* ", "[private ", "From Server, Admin:[private] ")


class Past:
    """Tell it what comes (`hear`) and what happens to the connection; what it gives is to be shown.

    >>> past = Past()
    >>> past.hear("Bob: hi"), past.connected_again(passing=False)
    (['Bob: hi'], None)
    >>> past.hear("[2026-11-22 21:05] Bob: hi"), past.hear("[2026-11-22 21:06] Bob: where are you?")
    ([], [])
    >>> past.flush()
    ['[2026-11-22 21:06] Bob: where are you?']
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        """All that this client was ever called."""
        self.ever_ignored: set[str] = set()
        self._seen: deque[str] = deque(maxlen=KEPT)  # what others have said in this room, as a history has it
        self._held: list[str] = []  # replayed, and not shown yet
        self._replays = True  # a history may come: nobody has said anything since the connection or the room began
        self._again = False  # and it may stand on the screen
        self._asked = False  # for a history, with /history: what is stamped stands on the screen already
        self._ignored: Sequence[str] = ()  # whose lines the server may replay before it knows that
        self._passing = False  # in the lobby, on the way to the room of before

    def connected_again(self, *, passing: bool, ignored: Sequence[str] = ()) -> None:
        """A lost connection is made again; passing: the room that it begins in is not the one of before.

        ignored: names of people whose lines are not shown, where they are replayed now.
        """
        self._ignored = ignored
        self._replays = self._again = True
        self._passing = passing
        self._held.clear()

    def moved(self) -> None:
        """This client is in another room now, or back in the one of before."""
        self._held.clear()
        if self._passing:
            self._passing = False
        else:
            self._seen.clear()
            self._replays, self._again = True, False

    def asked(self, line: str) -> None:
        """This client sends `line`: a history that it asks for is to be shown, whatever stands on the screen."""
        if line.strip().partition(" ")[0].lower() == "/history":
            self._replays = self._again = False
            self._asked = True

    @property
    def holds(self) -> bool:
        """Lines wait for `flush`, soon: the history comes in one piece."""
        return bool(self._held)

    def hear(self, line: str) -> list[str]:
        """What to show now that `line` has come."""
        if self._again and _STAMP.match(line):
            if not _is_of(self._ignored, _STAMP.sub("", line, count=1)):
                self._held.append(line)
            return []
        before = self.flush()
        if not line.startswith(_NEVER_REPLAYED):
            stamped = _STAMP.match(line) is not None
            if not (stamped and self._asked):  # one of several servers tells so what it had missed
                self._see(line)
            if not stamped:
                self._replays = self._again = self._asked = False
        return [*before, line]

    def flush(self) -> list[str]:
        """What to show of what was held."""
        held, self._held = self._held, []
        if self._passing:
            return []
        new = held[self._known(held) :]
        for line in new:
            self._see(line)
        return new

    def _see(self, line: str) -> None:
        if not self._is_own(bare := _STAMP.sub("", line, count=1)):
            self._seen.append(bare)

    def _is_own(self, line: str) -> bool:
        return _is_of(self.names, line)

    def _known(self, replayed: Sequence[str]) -> int:
        """How many of these stand on the screen already."""
        lines = [_STAMP.sub("", line, count=1) for line in replayed]
        known = 0
        for most in (len(lines), ENOUGH):
            known = known or max(self._meeting(lines, unequal, most) for unequal in ((), self.ever_ignored))
        while known < len(lines) and self._is_own(lines[known]):
            known += 1
        return known

    def _meeting(self, lines: Sequence[str], unequal: Collection[str], most: int) -> int:
        """Up to where they are known by the lines of all others but these, of which the last `most` are compared."""
        others = [place for place, line in enumerate(lines) if not self._is_own(line) and not _is_of(unequal, line)]
        seen = [line for line in self._seen if not _is_of(unequal, line)]
        for count in range(len(others), 0, -1):
            size = min(count, len(seen), most)
            if size and seen[-size:] == [lines[place] for place in others[count - size : count]]:
                return others[count - 1] + 1
        return 0


def _is_of(names: Collection[str], line: str) -> bool:
    """Whether one of them has said or done this."""
    return any(line.startswith((f"{name}: ", f"~ {name} ", f"~ [{name}] ")) for name in names)
