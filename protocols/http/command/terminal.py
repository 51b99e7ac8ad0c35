"""What may be shown on a terminal: text. Its colours stay, what else a terminal would obey does not. Pure."""

from __future__ import annotations

import re

from ..errors import HTTPError

_UNFINISHED = re.compile(rb"(?:\x1b(?:\[[0-9;:]{0,64}+)?+|\xc2)\Z")  # what the next piece may complete
_OBEYED = re.compile(rb"\x1b(?!\[[0-9;:]*+m)|[\x01-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|\xc2[\x80-\x9f]")


class BinaryOutput(HTTPError):
    """What comes is no text, and would only disturb a terminal."""


class TerminalText:
    """Makes the pieces of a body safe to be shown.

    >>> TerminalText().feed(b"\\x1b[31mred\\x1b[0m \\x1b]0;renamed\\x07")
    b'\\x1b[31mred\\x1b[0m ?]0;renamed?'
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What can be shown now. Raises BinaryOutput where there is a NUL, which no text has."""
        if b"\0" in data:
            raise BinaryOutput("what comes is binary: -o FILE saves it, and -o - shows it all the same")
        data = self._held + data
        unfinished = _UNFINISHED.search(data, max(0, len(data) - 80))
        end = len(data) if unfinished is None else unfinished.start()
        self._held = data[end:]
        return _OBEYED.sub(b"?", data[:end])

    def finish(self) -> bytes:
        """What was held back."""
        held, self._held = self._held, b""
        return _OBEYED.sub(b"?", held)
