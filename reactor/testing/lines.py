"""A client that keeps the lines it hears: the peer that most tests of text protocols want."""

from __future__ import annotations

from typing import Any

from ..framing import LineProtocol


class LineClient(LineProtocol):
    """Keeps what it hears in `lines`, as text; `say` sends a line; `lost` is what ended it, "open" until then.

    >>> from reactor.testing import LineClient, connected_pair
    >>> from reactor import LineProtocol
    >>> class Shout(LineProtocol):
    ...     def line_received(self, line):
    ...         self.send_line(line.upper())
    >>> with connected_pair(LineClient, Shout) as pair:
    ...     pair.protocol_a.say("hello")
    ...     pair.settle()
    ...     pair.protocol_a.lines
    ['HELLO']
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.lost: Any = "open"

    def line_received(self, line: bytes) -> None:
        self.lines.append(line.decode())

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost = exc

    def say(self, text: str) -> None:
        """Send one line."""
        self.send_line(text.encode())

    def heard(self) -> list[str]:
        """The lines since this was asked last."""
        lines, self.lines = self.lines, []
        return lines
