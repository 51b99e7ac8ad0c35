"""A line being typed: keys in, finished lines out. Pure: knows no terminal, no screen and no connection.

Why not the standard library's `readline`: it has no callback interface, so it would sit in `input()` in a thread while
messages are printed under it. What it does not tell is where its cursor stands, and it cannot be asked to redraw:
after `hello world`, five times Left, a message, `XY`, the screen says `hello worldXYworld` and the line is
`hello XYworld` (seen with readline 8.2). The keys below are those of readline's Emacs mode.
"""

from __future__ import annotations

import codecs
import enum
import re
from collections.abc import Callable

from ...text.sanitize import TAB
from .graphemes import end_after, start_before

MAX_TEXT = 64 * 1024  # characters in a line: as `LineProtocol.max_line`, and a paste of that size is a mistake
MAX_HISTORY = 500  # lines, as bash keeps them
MAX_ESCAPE = 64  # characters; no key sends as many, so what is longer is no key

_TOKEN = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-Z\\-~]"  # a control sequence (ECMA-48, 5.4)
    r"|\x1b\[\[."  # a function key of the Linux console
    r"|\x1bO."  # the keypad and arrows of an application
    r"|\x1b[^\[O\x1b]"  # Alt with a character
    r"|[^\x00-\x1f\x7f-\x9f]+"  # text
    r"|[^\x1b]"  # Ctrl with a character
)
_UNFINISHED = re.compile(r"\x1b(?:\[\[?[0-?]*[ -/]*|O)?")
_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"
_IN_PASTE = {"\r": "\n", "\n": "\n"}
_WORD, _BLANK_WORD = re.compile(r"\W*\w*"), re.compile(r"\s*\S*")  # with what stands before it


class Event(enum.Enum):
    """What keys ask for that is no change of the line."""

    END = "Ctrl-D on an empty line"
    CLEAR = "Ctrl-L"
    FULL = "the line takes no more"


class LineEditor:
    """`text` with the cursor before its character `at`. A paste of several lines waits in it for Enter, as one.

    >>> editor = LineEditor()
    >>> editor.feed(b"word\\x1b[Dl\\r"), editor.feed(b"half")
    (['world'], [])
    >>> editor.text, editor.at
    ('half', 4)
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        self.text = ""
        self.at = 0
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._rest = ""  # the beginning of an escape sequence
        self._pasting = False
        self._cut = ""  # what Ctrl-Y brings back
        self._history: list[str] = []
        self._past = 0  # where in the history we are; its length: in none of it
        self._draft = ""  # what was being typed before going there

    def feed(self, data: bytes) -> list[str | Event]:
        """Act on keys. Gives the lines that Enter finished, without blank ones, and events, in their order."""
        keys, self._rest = self._rest + self._decoder.decode(data), ""
        events: list[str | Event] = []
        at = 0
        while at < len(keys):
            token = _TOKEN.match(keys, at)
            if token is None:
                beginning = _UNFINISHED.match(keys, at)
                assert beginning is not None  # whatever does not begin with ESC is a token
                if beginning.end() == len(keys) and len(beginning[0]) <= MAX_ESCAPE:
                    self._rest = beginning[0]
                at = beginning.end()  # a sequence that is none is dropped
            else:
                at = token.end()
                events += self._press(token[0])
        return events

    def remember(self, line: str) -> None:
        """Have `line` come back with the Up key."""
        if self._history[-1:] != [line]:
            self._history.append(line)
            del self._history[:-MAX_HISTORY]
        self._past = len(self._history)

    def _press(self, key: str) -> list[str | Event]:
        if key in (_PASTE_BEGINS, _PASTE_ENDS):
            self._pasting = key == _PASTE_BEGINS
        elif self._pasting and key == "\t":
            return self._insert(" " if self.text[: self.at].rpartition("\n")[2].strip() else TAB)
        elif self._pasting:
            return self._insert(_IN_PASTE.get(key, key)) if key in _IN_PASTE or key >= " " else []
        elif key in "\r\n":
            return self._enter()
        elif key in KEYS:
            event = KEYS[key](self)
            return [] if event is None else [event]
        elif key >= " " and not "\x7f" <= key[0] <= "\x9f":
            return self._insert(key)
        return []

    def _insert(self, text: str) -> list[str | Event]:
        fits = text[: MAX_TEXT - len(self.text)]
        self.text = self.text[: self.at] + fits + self.text[self.at :]
        self.at += len(fits)
        return [Event.FULL] if fits != text else []

    def _enter(self) -> list[str | Event]:
        lines = self.text.split("\n")
        self._set("")
        self._past = len(self._history)
        return [line for line in lines if line.strip()]

    def _set(self, text: str) -> None:
        self.text, self.at = text, len(text)

    # -- moving -------------------------------------------------------------------------------------------------

    def _before(self) -> int:
        """Where the character before the cursor begins, as a reader sees it."""
        return start_before(self.text, self.at)

    def _after(self) -> int:
        return end_after(self.text, self.at)

    def _left(self) -> None:
        self.at = self._before()

    def _right(self) -> None:
        self.at = self._after()

    def _home(self) -> None:
        self.at = 0

    def _end(self) -> None:
        self.at = len(self.text)

    def _word_before(self, word: re.Pattern[str] = _WORD) -> int:
        """Read backwards: looking for a word's end from each place on takes minutes in a long one."""
        found = word.match(self.text[: self.at][::-1])
        return self.at - (found.end() if found else 0)

    def _word_after(self) -> int:
        found = _WORD.match(self.text, self.at)
        return found.end() if found else self.at

    def _word_left(self) -> None:
        self.at = self._word_before()

    def _word_right(self) -> None:
        self.at = self._word_after()

    # -- removing -----------------------------------------------------------------------------------------------

    def _remove(self, start: int, end: int) -> str:
        removed = self.text[start:end]
        self.text = self.text[:start] + self.text[end:]
        self.at = start
        return removed

    def _kill(self, start: int, end: int) -> None:
        self._cut = self._remove(start, end) or self._cut

    def _backspace(self) -> None:
        self._remove(self._before(), self.at)

    def _delete(self) -> None:
        self._remove(self.at, self._after())

    def _delete_or_end(self) -> Event | None:
        if not self.text:
            return Event.END
        self._delete()
        return None

    def _kill_right(self) -> None:
        self._kill(self.at, len(self.text))

    def _kill_left(self) -> None:
        self._kill(0, self.at)

    def _kill_word_left(self) -> None:
        self._kill(self._word_before(), self.at)

    def _kill_blank_word_left(self) -> None:
        self._kill(self._word_before(_BLANK_WORD), self.at)

    def _kill_word_right(self) -> None:
        self._kill(self.at, self._word_after())

    def _yank(self) -> Event | None:
        return Event.FULL if self._insert(self._cut) else None

    # -- the past -----------------------------------------------------------------------------------------------

    def _older(self) -> None:
        if self._past == len(self._history):
            self._draft = self.text
        self._go(max(self._past - 1, 0))

    def _newer(self) -> None:
        self._go(min(self._past + 1, len(self._history)))

    def _go(self, past: int) -> None:
        if past != self._past:
            self._past = past
            self._set(self._draft if past == len(self._history) else self._history[past])

    def _clear(self) -> Event:
        return Event.CLEAR


_E = LineEditor
KEYS: dict[str, Callable[[LineEditor], Event | None]] = {
    key: action
    for keys, action in {
        ("\x01", "\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"): _E._home,
        ("\x05", "\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~"): _E._end,
        ("\x02", "\x1b[D", "\x1bOD"): _E._left,
        ("\x06", "\x1b[C", "\x1bOC"): _E._right,
        ("\x1bb", "\x1b[1;5D", "\x1b[1;3D", "\x1b[5D"): _E._word_left,
        ("\x1bf", "\x1b[1;5C", "\x1b[1;3C", "\x1b[5C"): _E._word_right,
        ("\x10", "\x1b[A", "\x1bOA"): _E._older,
        ("\x0e", "\x1b[B", "\x1bOB"): _E._newer,
        ("\x7f", "\x08"): _E._backspace,
        ("\x1b[3~",): _E._delete,
        ("\x04",): _E._delete_or_end,
        ("\x0b",): _E._kill_right,
        ("\x15",): _E._kill_left,
        ("\x17",): _E._kill_blank_word_left,
        ("\x1b\x7f", "\x1b\x08"): _E._kill_word_left,
        ("\x1bd",): _E._kill_word_right,
        ("\x19",): _E._yank,
        ("\x0c",): _E._clear,
    }.items()
    for key in keys
}
"""What terminals send for a key, and what it does. The sequences are xterm's, rxvt's and the Linux console's."""
