"""Whom this client ignores, to be said again to a server that has forgotten it with the connection. Pure.

Believed are answers to commands of this client's own, word for word; see `protocols.text.standing`. And that somebody
whom it ignores has another name now: no name and no topic can make such a line, as names have neither colon nor comma.
"""

from __future__ import annotations

import re
from collections import Counter

from ...text.standing import key

MOST = 100  # names: as many as our server has for one member
LINE = 1000  # bytes of names in one command: half of what a line may have

_BEGUN = re.compile(r"\* you ignore (?P<name>.{1,64}) now(?:, who is not here)?; /unignore (?P=name) ends it")
_RENAMED = re.compile(
    r"\* you ignore (?P<name>[^:,]{1,64}) now, who was (?P<old>[^:,]{1,64}); /unignore (?P=name) ends it"
)
_ENDED = re.compile(r"\* you hear (?P<name>.{1,64}) again")


class Ignored:
    """Tell it what is sent (`asked`) and what comes (`heard`).

    >>> ignored = Ignored()
    >>> ignored.asked("/ignore bob")
    >>> for line in ("* you ignore Eve now; /unignore Eve ends it", "* you ignore Bob now; /unignore Bob ends it"):
    ...     ignored.heard(line)
    >>> ignored.again()
    ['/ignore Bob']
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._asked: Counter[str] = Counter()  # how many answers may tell of a name, by its key

    @property
    def names(self) -> list[str]:
        """As the server has written them."""
        return list(self._names.values())

    def asked(self, line: str) -> None:
        """This client sends `line`."""
        word, _, argument = line.strip().partition(" ")
        if word.lower() in ("/ignore", "/unignore"):
            for name in argument.split(",")[: 2 * MOST]:
                self._asked[key(name)] += 1
            while len(self._asked) > 2 * MOST:
                del self._asked[next(iter(self._asked))]

    def heard(self, line: str) -> None:
        """The server sends `line`."""
        if (renamed := _RENAMED.fullmatch(line)) and self._names.pop(key(renamed["old"]), None):
            self._names[key(renamed["name"])] = renamed["name"]
        answer = _BEGUN.fullmatch(line) or _ENDED.fullmatch(line)
        if answer is None or not self._asked[key(name := answer["name"])]:
            return
        self._asked[key(name)] -= 1
        if answer.re is _ENDED:
            self._names.pop(key(name), None)
        elif len(self._names) < MOST:
            self._names[key(name)] = name

    def again(self) -> list[str]:
        """What to send on a new connection, of which nothing is asked yet."""
        self._asked.clear()
        lines: list[str] = []
        for name in self._names.values():
            if lines and len(f"{lines[-1]}, {name}".encode()) <= LINE:
                lines[-1] += f", {name}"
            else:
                lines.append(f"/ignore {name}")
        return lines
