"""What a client of the chat may believe of itself: its name, its room, and that the server ends. Pure.

The server's words and what people choose (names, topics, texts) come as lines of one form, so no line is believed for
its looks. Believed are three things that nobody else can bring about: the welcome, which is the first line of a
connection; an answer to a request of this client's own, word for word with what it asked for; and a goodbye, in the
server's exact words, with which the connection ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from enum import Enum

ASKED = 64  # requests whose answers are waited for; a server that answers none is not asked for its answers
LOBBY = "lobby"

_WELCOME = re.compile(r"\* welcome, ([^:]+):.*")
_REFUSED = re.compile(r"(?:not said, )?you stay ([^:]+): ")
_SENT_AWAY = re.compile(r"\* goodbye(?:: .*)?")
_ENDS = "* the server is shutting down, goodbye"
_GOES_ON = "* the chat goes on without this server: connect again"
_STYLE = re.compile("[\ufe0e\ufe0f]")


class Answer(Enum):
    """What a line was to this client."""

    NAMED = "it is called `name` now"
    REFUSED = "it may not be called what it asked for"
    MOVED = "it is in `room` now"


class Standing:
    """Tell it what is sent (`asked`) and what comes (`heard`); read `name`, `room` and `goodbye`.

    >>> standing = Standing()
    >>> standing.asked("/nick Ada")
    >>> standing.heard("* you are Eve now"), standing.name
    (None, '')
    >>> standing.heard("* you are Ada now").name, standing.name
    ('NAMED', 'Ada')
    """

    def __init__(self) -> None:
        self.name = ""
        self.room = ""
        self.goodbye = False
        """The last line was the server's farewell: if the connection ends now, it was meant to.

        It is none where the server, one of several, has said just before that the chat goes on.
        """
        self._goes_on = False
        self._asked: deque[tuple[bool, str]] = deque(maxlen=ASKED)  # whether for a name; and the key of what
        self._first = True

    def connected(self) -> None:
        """A connection has been made: nothing is asked of it yet."""
        self._asked.clear()
        self._first = True
        self.goodbye = self._goes_on = False

    def asked(self, line: str) -> None:
        """This client sends `line`."""
        word, _, argument = line.strip().partition(" ")
        word, argument = word.lower(), argument.strip()
        if word == "/nick":
            self._asked.append((True, key(argument)))
        elif word == "/join":
            self._asked.append((False, key(argument.removeprefix("#"))))
        elif word in ("/part", "/leave"):
            self._asked.append((False, LOBBY))
        elif "::" in line:
            self._asked.append((True, key(line.split("::", 1)[0])))

    def heard(self, line: str) -> Answer | None:
        """The server sends `line`. Gives what that was to this client; None for anything else."""
        first, self._first = self._first, False
        self.goodbye = _SENT_AWAY.fullmatch(line) is not None or (line == _ENDS and not self._goes_on)
        self._goes_on = line == _GOES_ON
        if first and (welcome := _WELCOME.fullmatch(line)):
            self.name = welcome[1]
        if not line.startswith("* "):
            return None
        for number, (is_name, wanted) in enumerate(self._asked):
            if answer := self._answer(line.removeprefix("* "), is_name, wanted):
                for _ in range(number + 1):
                    self._asked.popleft()  # they are answered in the order in which they were asked
                return answer
        return None

    def _answer(self, notice: str, is_name: bool, wanted: str) -> Answer | None:
        for end in (" now", " already"):
            if notice.startswith("you are ") and notice.endswith(end):
                given = notice[len("you are ") : -len(end)]
                if is_name and key(given) == wanted:
                    self.name = given
                    return Answer.NAMED
                if not is_name and given.startswith("in ") and key(given[3:]) == wanted:
                    self.room = given[3:]
                    return Answer.MOVED
        refused = _REFUSED.match(notice) if is_name else None
        if refused and self.name in ("", refused[1]):
            self.name = refused[1]
            return Answer.REFUSED
        return None


def key(name: str) -> str:
    """What names that count as the same have in common."""
    text = unicodedata.normalize("NFKC", _STYLE.sub("", name))
    return unicodedata.normalize("NFKC", " ".join(text.split()).casefold())
