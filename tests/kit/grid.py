"""A terminal that renders into rows of text, so that a test sees what a person would see. Knows a little VT100."""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b([78])|(.)", re.DOTALL)


def width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Grid:
    """Rows of cells; the second cell of a wide character is empty. Scrolled rows stay in `rows`, none is ever lost."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows: list[list[str]] = [[]]
        self.y = self.x = 0
        self._saved = 0, 0

    def feed(self, text: str) -> None:
        for number, final, escape, char in _TOKEN.findall(text):
            if char:
                self._put(char)
            elif escape == "7":
                self._saved = self.y, self.x
            elif escape == "8":
                self.y, self.x = self._saved
            elif number[:1] != "?":
                self._control(final, int(number or 0) if number.isdigit() or not number else 0)

    def _control(self, final: str, number: int) -> None:
        if final == "K":
            del self.rows[self.y][self.x :]
        elif final == "J":
            del self.rows[self.y][self.x :], self.rows[self.y + 1 :]
        elif final == "A":
            self.y -= number
        elif final != "m":
            raise AssertionError(f"the grid knows no {final!r}")

    def _put(self, char: str) -> None:
        if char == "\r":
            self.x = 0
        elif char == "\n":
            self._down()
        elif char == "\a":
            pass
        elif not width(char):
            row = self.rows[self.y]
            row[self.x - 1 if row[self.x - 1] else self.x - 2] += char
        else:
            self._place(char)

    def _place(self, char: str) -> None:
        if self.x + width(char) > self.columns:
            self._down()
        row = self.rows[self.y]
        row += [" "] * (self.x - len(row))
        row[self.x : self.x + width(char)] = [char, ""][: width(char)]
        self.x += width(char)

    def _down(self) -> None:  # the kernel makes CR LF of a newline
        self.x = 0
        self.y += 1
        if self.y == len(self.rows):
            self.rows.append([])

    def resize(self, columns: int) -> None:
        """Wrap anew what has become too long, as tmux does it; the cursor stays on its character."""
        rows: list[list[str]] = []
        y = 0
        for number, row in enumerate(self.rows):
            parts = [row[at : at + columns] for at in range(0, len(row), columns)] or [[]]
            if number == self.y:
                y = len(rows) + self.x // columns
                self.x %= columns
            rows += parts
        self.rows, self.y, self.columns = rows, y, columns

    @property
    def text(self) -> list[str]:
        """The rows as text, without spaces at their ends."""
        return ["".join(row).rstrip() for row in self.rows]

    @property
    def before_cursor(self) -> str:
        return "".join(self.rows[self.y][: self.x])
