"""What a handler gave, as a body that can be sent: bytes, a part of a file, or pieces. Knows no connection."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from .limits import SLICE, WHOLE
from .response import TEXT, Response

BINARY = "application/octet-stream"


class FilePart(NamedTuple):
    """`count` bytes of an open file from `offset` on; the file is closed once they are sent or cannot be."""

    file: IO[bytes]
    offset: int
    count: int


Pieces = Iterator[bytes | str]
Content = tuple[bytes | FilePart | Pieces, int | None, str | None]
"""The body, its length where it is known, and its type where the headers do not say it."""


def as_response(result: Any) -> Response:
    """What a handler gave, with a status. Raises TypeError for what is no answer."""
    if isinstance(result, Response):
        return result
    return Response(204 if result is None else 200, result)


def content(body: Any) -> Content:
    """The body of a response. Raises TypeError for what is none, OSError for a file that cannot be opened."""
    if body is None:
        return b"", 0, None
    if isinstance(body, str):
        return content(body.encode())[:2] + (TEXT,)
    if isinstance(body, (bytes, bytearray, memoryview)):
        return (bytes(body) if len(body) <= WHOLE else _slices(memoryview(body))), len(body), BINARY
    if isinstance(body, FilePart):
        return body, body.count, BINARY
    if isinstance(body, Path):
        return _whole_file(open_regular(os.fspath(body)))
    if hasattr(body, "read"):
        return _whole_file(body)
    if isinstance(body, Iterable) and not isinstance(body, dict):
        return iter(body), None, BINARY
    raise TypeError(f"a handler gives bytes, str, a Response, None, a Future, an iterator or a file, not {body!r}")


def open_regular(path: str, dir_fd: int | None = None, flags: int = 0) -> IO[bytes]:
    """Open a regular file for reading, without waiting for the writer of a pipe. Raises OSError for anything else."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags, dir_fd=dir_fd)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise IsADirectoryError(f"{path} is no regular file")
        return open(fd, "rb", buffering=0)
    except BaseException:
        os.close(fd)
        raise


def discard(body: Any) -> None:
    """Give up a body that is not sent: close its file or its iterator. What that raises is nobody's business here."""
    close = getattr(body.file if isinstance(body, FilePart) else body, "close", None)
    if close is not None:
        with suppress(Exception):
            close()


def _whole_file(file: Any) -> Content:
    """What is left of an open file, from its position on."""
    if isinstance(file, io.TextIOBase):
        raise TypeError("a file to be sent is opened in binary mode")
    if not file.seekable():
        return iter(partial(file.read, SLICE), b""), None, BINARY
    start = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(start)
    return FilePart(file, start, max(0, size - start)), max(0, size - start), BINARY


def _slices(view: memoryview) -> Iterator[bytes]:
    view = view.cast("B")
    for at in range(0, len(view), SLICE):
        yield bytes(view[at : at + SLICE])
