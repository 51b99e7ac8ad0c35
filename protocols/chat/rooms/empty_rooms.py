"""Which of the rooms that are empty is forgotten when there are too many. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping


def least_worth(rooms: Iterable[str], owners: Mapping[str, str]) -> str:
    """The oldest room of the address that has opened the most; the oldest of all where none has opened two.

    Otherwise somebody who says a line in a hundred rooms would have everybody else's forgotten. A room without an owner
    is nobody's share: it was there before this server began.

    >>> least_worth(["homework", "r1", "r2"], {"homework": "ada", "r1": "eve", "r2": "eve"})
    'r1'
    >>> least_worth(["homework", "r1"], {"homework": "ada", "r1": "eve"})
    'homework'
    """
    rooms = list(rooms)
    shares = Counter(owner for key in rooms if (owner := owners.get(key)))
    for owner, most in shares.most_common(1):
        if most > 1:
            return next(key for key in rooms if owners.get(key) == owner)
    return rooms[0]
