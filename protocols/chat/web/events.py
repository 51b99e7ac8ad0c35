"""Lines of the chat as the typed events of `chat.v1`. Pure; README.md of the chat describes them for its clients.

Every line here is one that the rooms have made, and its beginning says without doubt what it is: no name begins as the
server's lines do, or has a colon or a bracket in it (`rooms.names`). So nobody can forge one by a name or a text.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

from ...websocket.lines import texts
from ..rooms.hub import OPERATOR
from ..rooms.room import ACTION, NOTICE

PRIVATE = "[private] "  # follows OPERATOR in what the operator says to one alone

_PRIVATE = re.compile(r"\[private (from|to) ([^\]]+)\] ?(.*)", re.DOTALL)
_STAMPED = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d)\] (.*)", re.DOTALL)

Event = dict[str, Any]


def pack(event: Event) -> str:
    """An event as the text of a message."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def render(data: bytes) -> list[str]:
    """Whole lines as messages, one event each."""
    return [pack(read(line)) for line in texts(data)]


def read(line: str) -> Event:
    """What a line is.

    >>> read("Ada: hello"), read("* Bob joined"), read("[private from Ada] psst")
    ({'type': 'said', 'name': 'Ada', 'text': 'hello'}, {'type': 'notice', 'text': 'Bob joined'}, \
{'type': 'private', 'from': 'Ada', 'text': 'psst'})
    """
    if line.startswith(NOTICE):
        return {"type": "notice", "text": line.removeprefix(NOTICE)}
    if line.startswith(ACTION):
        return {"type": "did", "text": line.removeprefix(ACTION)}
    if line.startswith(OPERATOR):
        text = line.removeprefix(OPERATOR)
        alone = {"private": True} if text.startswith(PRIVATE) else {}
        return {"type": "operator", "text": text.removeprefix(PRIVATE), **alone}
    if found := _PRIVATE.fullmatch(line):
        return {"type": "private", found[1]: found[2], "text": found[3]}
    if found := _STAMPED.fullmatch(line):
        return {**read(found[2]), "at": _unix(found[1])}
    name, colon, text = line.partition(": ")
    return {"type": "said", "name": name, "text": text} if colon else {"type": "notice", "text": line}


def _unix(stamp: str) -> int:
    """The Unix time of a line that is replayed, to the minute: stamps are in the server's local time."""
    return int(time.mktime(time.strptime(stamp, "%Y-%m-%d %H:%M")))
