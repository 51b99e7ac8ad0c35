"""Pieces of text into lines that may be shown: clean, without secrets, bounded. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..text.sanitize import sanitize

LONGEST = 8000  # characters of an answer: four screens, and a bound to what one question costs in memory

_ENDS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")  # as str.splitlines has them
_THOUGHTS = re.compile(r"\s*<think>")  # how some models think aloud before they answer
_THOUGHTS_END = "</think>"


class Answer:
    """One answer, as it comes. Lines are given out when they are complete; empty ones are left out.

    secrets: what is never shown, whoever says it; compared without regard to case, once everything invisible is gone.

    >>> answer = Answer(["k3y"])
    >>> answer.feed("one\\n\\ntwo K"), answer.feed("3Y\\r"), answer.feed("\\nthree"), answer.finish()
    (['one'], ['two ***'], [], ['three'])
    """

    def __init__(self, secrets: Iterable[str] = (), longest: int = LONGEST) -> None:
        self._secrets = re.compile("|".join(map(re.escape, filter(None, secrets))) or r"(?!)", re.IGNORECASE)
        self._pending = ""
        self._left = longest
        self._beginning = True  # nothing but white space has come, or the thoughts are not over
        self.lines: list[str] = []
        self.cut = False
        """More came than may be shown: there is no need to go on."""

    def feed(self, text: str) -> list[str]:
        """The lines that are complete now."""
        self._pending += text
        if self._beginning and not self._begin():
            return []
        *lines, self._pending = _ENDS.split(self._pending)
        self.cut = self.cut or len(self._pending) + sum(map(len, lines)) > self._left
        return self._clean(lines)

    def finish(self) -> list[str]:
        """The answer is over: its last line."""
        if self._beginning and _THOUGHTS.match(self._pending):
            self._pending = ""
        line, self._pending = self._pending, ""
        return self._clean(_ENDS.split(line))

    def _begin(self) -> bool:
        """Whether what is pending belongs to the answer, and not to the thoughts before it."""
        start = self._pending = self._pending.lstrip()  # for good: blanks that come for ever cost nothing
        if not start or (len(start) < len("<think>") and "<think>".startswith(start)):
            return False
        if start.startswith("<think>"):
            end = start.find(_THOUGHTS_END)
            if end < 0:
                self._pending = "<think>" + start[-len(_THOUGHTS_END) :]  # bounded, however long it thinks
                return False
            self._pending = start[end + len(_THOUGHTS_END) :].lstrip()
        self._beginning = False
        return True

    def _clean(self, lines: list[str]) -> list[str]:
        shown = []
        for raw in lines:
            line = self.redact(sanitize(raw).rstrip())
            if not line.strip() or not self._left:
                continue
            if line[0] == " " != line[1]:
                line = line[1:]  # one blank is a slip of the model's, more are an indentation
            self.cut = self.cut or len(line) > self._left
            shown.append(line[: self._left])
            self._left -= len(shown[-1])
        self.lines += shown
        return shown

    def redact(self, line: str) -> str:
        """`line` without secrets."""
        return self._secrets.sub("***", line)


def fit(text: str, size: int, note: str) -> str:
    """`text`, or as much of its beginning as fits with `note` into `size` bytes of UTF-8; no character is cut.

    >>> fit("你好吗", 9, "…"), fit("你好吗？", 9, "…")
    ('你好吗', '你好…')
    """
    data = text.encode()
    if len(data) <= size:
        return text
    return data[: size - len(note.encode())].decode(errors="ignore").rstrip() + note
