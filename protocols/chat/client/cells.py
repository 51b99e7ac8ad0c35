"""How wide text is on a terminal. Knows only Unicode's tables."""

from __future__ import annotations

import functools
import unicodedata


@functools.cache
def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0  # marks that stand on the character before, joiners
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cells(text: str) -> int:
    """The columns that `text` takes, where it has no control characters (UAX #11).

    >>> cells("abc"), cells("你好"), cells("e\\u0301")
    (3, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(_width, text))
