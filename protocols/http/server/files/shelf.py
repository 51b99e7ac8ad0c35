"""Small files, ready to be sent: each is looked at once a request (one stat), and read again when it has changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from ...headers import Headers
from ..response import Ready

SMALL = 64 * 1024  # bytes: from there on sendfile costs less than to keep and to copy
ROOM = 16 * 1024 * 1024  # bytes of all that is kept: the pages, scripts and pictures of a site, and not of a library
SETTLED = (
    0.1  # seconds since the last change: within a tick of the kernel's clock, 10 ms, another shows in no time stamp
)

Key = tuple[tuple[str, ...], bool]
"""The names, and whether it is the compressed form."""
Signature = tuple[int, int, int, int, int]

signature: Callable[[os.stat_result], Signature] = attrgetter(
    "st_ino", "st_mtime_ns", "st_ctime_ns", "st_size", "st_dev"
)
"""What changes when a file does, or another takes its place."""


class File:
    """What is told of a file."""

    __slots__ = ("headers", "modified", "size", "tag")

    def __init__(self, about: os.stat_result, fields: list[tuple[str, str]]) -> None:
        self.size = about.st_size
        self.modified = float(int(about.st_mtime))
        self.headers = Headers(fields)
        self.tag = self.headers["etag"]


class Kept(NamedTuple):
    """A file as it was read."""

    path: str
    signature: Signature
    answer: Ready
    file: File


class Shelf:
    """What is kept, perhaps not true any more: compare its signature. The oldest goes when there is no room."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._size = 0
        self.kept: dict[Key, Kept] = {}

    def put(self, key: Key, kept: Kept) -> None:
        """Keep it in place of what was there."""
        self.drop(key)
        self._size += len(kept.answer.body) + len(kept.answer.head)
        self.kept[key] = kept
        while self._size > self._room:
            self.drop(next(iter(self.kept)))

    def drop(self, key: Key) -> None:
        """Forget it."""
        kept = self.kept.pop(key, None)
        if kept is not None:
            self._size -= len(kept.answer.body) + len(kept.answer.head)
