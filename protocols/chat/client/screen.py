"""The row at the bottom of a terminal in which a line is typed, and text above it. Pure: gives what is to be written.

A line longer than the row is scrolled sideways, as irssi and weechat do it: one row can always be taken away and put
back, where several have been wrapped anew by the terminal, each in its own way, by the time a resize is known.
"""

from __future__ import annotations

from ...text.sanitize import sanitize
from .cells import cells
from .graphemes import end_after, start_before

PROMPT, CUT_PROMPT = "> ", "< "  # the second: there is more to the left
NEWLINE = "↵"  # how a pasted line's end is shown


class Screen:
    """What was drawn last, and how to take it away. `columns` is how wide the terminal is.

    Bytes for the terminal are a little VT100: CR, EL (`\\x1b[K`), ED, CUU, and save and restore the cursor (`\\x1b7`,
    `\\x1b8`), which needs no opinion on how wide this terminal draws an emoji.
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._cursor: int | None = None  # its column; None: the row is not drawn

    def draw(self, text: str, at: int) -> str:
        """Draw the row, with the cursor before the character `at`, where the row is or at the beginning of a line."""
        before, after, cut = view(text, at, max(1, self.columns - len(PROMPT) - 1))
        left = (CUT_PROMPT if cut else PROMPT) + visible(before)
        self._cursor = cells(left)
        return f"\r{left}\x1b7{visible(after)}\x1b[K\x1b8"

    def erase(self) -> str:
        """Take the row away: what is written next stands in its place."""
        if self._cursor is None:
            return ""
        self._cursor = None
        return "\r\x1b[K"

    def clear(self) -> str:
        """Take everything away."""
        self._cursor = None
        return "\x1b[H\x1b[2J"

    def resize(self, columns: int) -> str:
        """Take the row away after a resize: a row that has become too long was wrapped, as most terminals do it."""
        self.columns = columns
        if self._cursor is None:
            return ""
        rows = self._cursor // columns
        self._cursor = None
        return (f"\x1b[{rows}A" if rows else "") + "\r\x1b[J"


def view(text: str, at: int, room: int) -> tuple[str, str, bool]:
    """What of `text` is shown before and after the cursor in `room` columns, and whether something before it is not.

    >>> view("hello", 2, 10)
    ('he', 'llo', False)
    >>> view("0123456789", 10, 8)
    ('456789', '', True)
    """
    if len(text) <= room and cells(text) <= room:
        return text[:at], text[at:], False
    start = at
    used = 0
    while start:
        before = start_before(text, start)
        if (more := used + cells(text[before:start])) > room * 3 // 4:  # some of what follows is seen as well
            break
        start, used = before, more
    end = at
    while end < len(text):
        after = end_after(text, end)
        if (more := used + cells(text[end:after])) > room:
            break
        end, used = after, more
    return text[start:at], text[at:end], start > 0


def visible(text: str) -> str:
    """`text` as it may stand in the row."""
    return sanitize(text.replace("\n", NEWLINE))
