"""The message of the day: a file of the operator's, shown to newcomers after the welcome."""

from __future__ import annotations

import os
from pathlib import Path

from ..text.sanitize import sanitize
from .rooms.room import NOTICE

MAX_BYTES = 4096  # of the file: a screen; every newcomer gets all of it before it can say a word


def read_motd(path: str | os.PathLike[str]) -> bytes:
    """The lines of the file as a member is told them. Raises OSError; ValueError if it is long or not UTF-8."""
    with Path(path).open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{os.fspath(path)!r} is longer than {MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{os.fspath(path)!r} is not UTF-8") from None
    lines = [sanitize(line).rstrip() for line in text.rstrip().split("\n")] if text.strip() else []
    return "".join(f"{NOTICE}{line}\n" for line in lines).encode()
