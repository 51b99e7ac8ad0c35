"""How wide text is on a terminal. Knows only Unicode's tables.

By characters as readers see them: a hand with a colour of skin, a family and a flag are pictures of two columns on most
terminals of these years, whatever their code points would take one by one.
"""

from __future__ import annotations

import functools
import unicodedata

from .graphemes import end_after, is_emoji


@functools.cache
def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf") or "\u1160" <= char <= "\u11ff":
        return 0  # marks that stand on the character before, joiners, the vowels and ends of Korean syllables
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


@functools.cache
def _cluster_width(cluster: str) -> int:
    if len(cluster) == 1:
        return _width(cluster)
    if is_emoji(cluster):
        return 2
    first, *rest = map(_width, cluster)
    return first if first == 2 else first + sum(rest)  # a mark that has a column, after a letter of one


def cells(text: str) -> int:
    """The columns that `text` takes, where it has no control characters (UAX #11).

    >>> cells("abc"), cells("你好"), cells("e\\u0301"), cells("\\u2764\\ufe0f")
    (3, 4, 1, 2)
    """
    if text.isascii():
        return len(text)
    at, columns = 0, 0
    while at < len(text):
        end = end_after(text, at)
        columns += _cluster_width(text[at:end])
        at = end
    return columns
