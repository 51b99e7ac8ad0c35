"""What a server has to say to all: inputs, packed into the entries of the log. Pure.

An entry holds all that happened to one server's people in one tick: to read an entry costs 5 microseconds with one
line in it and 0.5 a line with twenty (CPython 3.11), so the number of entries is what counts.

    ["enter", mid, address]       somebody has come
    ["announce", mid]             the others may know of it
    ["hear", mid, text]           it has sent a message
    ["leave", mid, returns, reason]  its connection is over; it may be back at once, or the server has ended it
    ["promote", mid, name]        it has become an operator
    ["back", mid, room, topic, known]    it was here before this server was cut off, see `people`
    ["room", name, topic, lines]  a room that only this server has
    ["typed", text]               a line at this server's console
    ["bans", bans]                these hold and no others: the file was edited
    ["sweep"]                     who is banned goes: this server's people did not know of the bans
    ["sync", title, before, read, stay]  this server joins, and is no longer called `before`, whose entry `read` was its
                                  last; with `stay` its people keep their places, and come back into them
    ["here"]                      all that are still there have come back
    ["bye"]                       it goes
    ["disown", node]              what that server says does not count: it has not joined

No input at all says that the server is alive.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring
from typing import Any, NamedTuple

Input = list[Any]

MAX_ENTRY = 128 * 1024  # bytes of inputs in one entry: a hundred of them, as many as are read at once, are 13 MB


class EntryID(NamedTuple):
    """When Redis took an entry, in milliseconds of its clock, and which of that millisecond it was."""

    ms: int
    number: int

    def __str__(self) -> str:
        return f"{self.ms}-{self.number}"


BEGINNING = EntryID(0, 0)


def parse_id(text: bytes) -> EntryID:
    """Raises ValueError."""
    ms, _, number = text.partition(b"-")
    return EntryID(int(ms), int(number))


class Entry(NamedTuple):
    """One entry of the log. `seq` counts what `node` has written, from 1; up to `read` it had read that back."""

    id: EntryID
    node: str
    seq: int
    data: bytes
    read: int


class BadEntry(ValueError):
    """It was not written by a chat server of this version."""


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode


def pack(inputs: Iterable[Input]) -> Iterator[bytes]:
    """The data of as few entries as will do.

    >>> list(pack([["hear", 1, "hi"], ["leave", 1]]))
    [b'[["hear",1,"hi"],["leave",1]]']
    """
    parts: list[str] = []
    size = 0
    for one in inputs:
        part = _packed(one)
        if size + len(part) > MAX_ENTRY // 4 and size:  # a character has 4 bytes at most
            yield f"[{','.join(parts)}]".encode()
            parts, size = [], 0
        parts.append(part)
        size += len(part)
    yield f"[{','.join(parts)}]".encode()


def _packed(one: Input) -> str:
    """One input as JSON. What is said, which is most, is put together here: `json` makes an encoder a list."""
    if one[0] == "hear":
        _, mid, text = one
        return f'["hear",{mid},{encode_basestring(text)}]'
    return _encode(one)


def unpack(data: bytes) -> list[Input]:
    """The opposite. Raises BadEntry.

    >>> unpack(b'[["leave",1]]')
    [['leave', 1]]
    """
    try:
        text = data.decode()
        inputs, end = _decode(text)
    except (ValueError, RecursionError):
        raise BadEntry("no JSON") from None
    if end != len(text) or type(inputs) is not list or [one for one in inputs if type(one) is not list or not one]:
        raise BadEntry("no list of inputs")
    return inputs
