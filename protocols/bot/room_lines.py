"""What the chat server's lines mean to a bot among its members: who says what, and whether it is for us. Pure.

    NAME: text                          said in the room
    From Server, Admin:text             the operator says it
    [private from NAME] text            said to us alone
    * ...    ~ NAME does    [private to NAME] text    [2026-11-22 21:05] NAME: text    nothing to answer

What is replayed of the past is marked by its time, so it is never answered again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

OPERATOR = "Admin"

_OPERATOR = re.compile(r"From Server, Admin:(.*)")
_PRIVATE = re.compile(r"\[private from ([^\]:]+)\] (.*)")
_SAID = re.compile(r"(?![*~\[/<>=#+|-])([^:]{1,64}): (.*)")


class Heard(NamedTuple):
    """Somebody says something."""

    who: str
    text: str
    private: bool = False


def hear(line: str) -> Heard | None:
    """What is said in a line of the server's; None where that is nothing a person says now.

    >>> hear("Ada: hello"), hear("[private from The Weeknd] psst: you")
    (Heard(who='Ada', text='hello', private=False), Heard(who='The Weeknd', text='psst: you', private=True))
    >>> hear("* Ada joined: hello"), hear("[2026-11-22 21:05] Ada: hello"), hear("~ Ada waves: hello")
    (None, None, None)
    """
    if found := _PRIVATE.fullmatch(line):
        return Heard(found[1], found[2], private=True)
    if found := _OPERATOR.fullmatch(line):
        return Heard(OPERATOR, found[1])
    if found := _SAID.fullmatch(line):
        return Heard(found[1], found[2])
    return None


def question(text: str, names: Iterable[str]) -> str | None:
    """What somebody asks of whoever has one of `names`; None where others are meant.

    >>> question("Bot: hi", ["Bot"]), question("@bot hi", ["Bot"]), question("你好 @小图", ["小图"])
    ('hi', 'hi', '你好')
    >>> question("robot: hi", ["Bot"]), question("the Bot is here", ["Bot"])
    (None, None)
    """
    text = text.strip()  # not by the pattern, which would try it anew at each of a thousand blanks
    for name in filter(None, names):
        called = re.escape(name)
        edge = r"(?!\w)" if name.isascii() else ""  # nobody puts a space between Chinese characters
        at = rf"@{called}{edge}"
        pattern = rf"(?:{at}\s*[:：,，]?|{called}\s*[:：,，])\s*(.*)|(.*?\S)\s*{at}\W*"
        if found := re.fullmatch(pattern, text, re.IGNORECASE):
            return found[1] if found[1] is not None else found[2]
    return None
