"""How a line of the chat looks on a terminal: its time and its colours. Pure but for the clock, which it is given.

Colours go by what the server's own words look like, never by what people say. `line` is sanitized by the caller.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable

BOLD, DIM, PRIVATE = "1", "2", "35"
NAMES = ("31", "32", "33", "34", "36", "91", "92", "93", "94", "96")  # readable on black and on white
SECRET = re.compile(r"(/oper\s+)\S.*", re.IGNORECASE)

_OPERATOR = re.compile(r"(From Server, Admin:)(.*)")
_PRIVATE = re.compile(r"(\[private (?:from|to) [^\]]*\])(.*)")
_REPLAYED = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d\] .*")
_SPEECH = re.compile(r"([^:]{1,64}):( .*)")  # a name has no colon in it, and at most 32 characters


class Looks:
    """Dresses lines; without `colour` they only get their time. `clock` gives what stands before each line.

    >>> Looks(False, lambda: "21:05").heard("Ada: hello")
    '21:05 Ada: hello'
    """

    def __init__(self, colour: bool, clock: Callable[[], str] = lambda: time.strftime("%H:%M")) -> None:
        self._colour = colour
        self._clock = clock

    def heard(self, line: str) -> str:
        """A line from the server."""
        if _REPLAYED.fullmatch(line):
            return self._paint(DIM, line)  # has its own time
        return self._stamped(self._dressed(line))

    def said(self, line: str) -> str:
        """A line that was typed here; a password is not left on the screen."""
        shown = SECRET.sub(r"\1****", line)
        return self._stamped(self._paint(BOLD, f"> {shown}"))

    def note(self, text: str) -> str:
        """Something that the client itself has to say."""
        return self._stamped(self._paint(DIM, f"-- {text}"))

    def _dressed(self, line: str) -> str:
        if line.startswith(("* ", "~ ")):
            return self._paint(DIM, line)
        if found := _OPERATOR.fullmatch(line):
            return self._paint(BOLD, found[1]) + found[2]
        if found := _PRIVATE.fullmatch(line):
            return self._paint(PRIVATE, found[1]) + found[2]
        if found := _SPEECH.fullmatch(line):
            return self._paint(NAMES[zlib.crc32(found[1].encode()) % len(NAMES)], f"{found[1]}:") + found[2]
        return line

    def _stamped(self, text: str) -> str:
        return f"{self._paint(DIM, self._clock())} {text}"

    def _paint(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour else text
