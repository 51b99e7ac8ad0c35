"""Telnet's commands taken out of text (RFC 854), wherever the segments are cut. Pure; knows no lines."""

from __future__ import annotations

import re

# 236 to 239 are EOF, SUSP, ABORT (RFC 1184) and EOR (RFC 885), 240 to 249 the commands of RFC 854, 250 begins a
# subnegotiation, 251 to 254 are followed by an option. No option has the numbers of LF and CR in practice (they were
# reserved for two that nobody implemented, RFC 652 and 655), nor those of commands. Refusing them lets no stray FF FE
# swallow the end of its line, which is then not UTF-8.
_OPTION = rb"[^\n\r\xec-\xff]"
_TOKEN = re.compile(
    rb"(?P<commands>(?:\xff(?:[\xec-\xf9]|[\xfb-\xfe]" + _OPTION + rb"))++)"
    rb"|(?P<escaped>(?:\xff\xff)++)"
    rb"|(?P<begin>\xff\xfa" + _OPTION + rb")"
    rb"|(?P<cut>\xff[\xfa-\xfe]?\Z)"
    rb"|\xff[\xfa-\xfe]?",
    re.DOTALL,
)  # fmt: skip
_BODY = re.compile(rb"(?:[^\xff]|\xff[^\xf0])*+(?P<end>\xff\xf0)?", re.DOTALL)
_DO_TIMING_MARK = b"\xff\xfd\x06"  # RFC 860


class Telnet:
    """Feed bytes, get the text in them.

    removed: bytes taken out so far; a flood of them must not be free. marks_wanted: requests for a timing mark. Both
    are set back by the owner. inside: bytes of a subnegotiation that has not ended.
    """

    __slots__ = ("_cut", "inside", "marks_wanted", "removed", "seen")

    def __init__(self) -> None:
        self._cut = b""  # the beginning of a command
        self.inside = 0
        self.removed = 0
        self.marks_wanted = 0
        self.seen = False
        """A command has come: the peer speaks telnet."""

    @property
    def idle(self) -> bool:
        """Whether the next byte is text, unless it is IAC."""
        return not self._cut and not self.inside

    def feed(self, data: bytes) -> bytes:
        """The text in `data`."""
        data = self._cut + data
        self._cut = b""
        text: list[bytes] = []
        at = self._end_of_body(data, 0) if self.inside else 0
        while (token := _TOKEN.search(data, at)) is not None:
            text.append(data[at : token.start()])
            at = token.end()
            kind = token.lastgroup
            if kind == "commands":
                self.marks_wanted += token[0].count(_DO_TIMING_MARK)
                self.seen = True
            elif kind == "escaped":
                text.append(token[0][: len(token[0]) // 2])
            elif kind == "begin":
                self.inside = 3
                at = self._end_of_body(data, at)
            elif kind == "cut":
                self._cut = token[0]
            else:
                text.append(token[0])  # no telnet
        text.append(data[at:])
        clean = b"".join(text)
        self.removed += len(data) - len(clean) - len(self._cut)
        return clean

    def _end_of_body(self, data: bytes, at: int) -> int:
        body = _BODY.match(data, at)
        assert body is not None, "it matches nothing as well"
        if body["end"]:
            self.inside = 0
            self.seen = True
            return body.end()
        self._cut = data[body.end() :]  # nothing, or an IAC
        self.inside += body.end() - at
        return len(data)
