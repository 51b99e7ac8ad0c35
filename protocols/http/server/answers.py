"""What a handler gave, as a body that can be sent: bytes, a part of a file, or pieces. Knows no connection."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from ..client.response import Response as Fetched
from .limits import SLICE, WHOLE
from .response import BODILESS, TEXT, Ready, Response, has_close, head_end, head_start

BINARY = "application/octet-stream"
OF_ITS_CONNECTION = frozenset(
    {"connection", "content-encoding", "upgrade", "trailer", "te", "proxy-authenticate", "alt-svc"}
)
"""Fields of what was fetched that are not passed on (RFC 9110, 7.6.1); its coding is undone. Others are `OURS`."""

_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: %d\r\n"
_BINARY_HEAD, _TEXT_HEAD = _HEAD.format(BINARY).encode(), _HEAD.format(TEXT).encode()


class FilePart(NamedTuple):
    """`size` bytes of an open file from `offset` on; the file is closed once they are sent or cannot be."""

    file: IO[bytes]
    offset: int
    size: int


Pieces = Iterator[bytes | str]
Content = tuple[bytes | FilePart | Pieces, int | None, str | None]
"""The body, its length where it is known, and its type where the headers do not say it."""


def as_response(result: Any) -> Response:
    """What a handler gave, with a status. Raises TypeError for what is no answer."""
    if isinstance(result, Response):
        return result
    if isinstance(result, Fetched):
        fields = [field for field in result.headers.raw if field[0].lower() not in OF_ITS_CONNECTION]
        return Response(result.status, result.body, fields)
    return Response(204 if result is None else 200, result)


def as_ready(body: bytes | str) -> Ready | Response:
    """The answer of the handler that gives only this: the head is soon made, and not much else is to be asked."""
    if len(body) > WHOLE:
        return Response(200, body)
    if isinstance(body, str):
        data = body.encode()
        return Ready(200, _TEXT_HEAD % len(data), data)
    return Ready(200, _BINARY_HEAD % len(body), body)


def content(body: Any) -> Content:
    """The body of a response. Raises TypeError for what is none, OSError for a file that cannot be opened."""
    if body is None:
        return b"", 0, None
    if isinstance(body, str):
        return (*content(body.encode())[:2], TEXT)
    if isinstance(body, (bytes, bytearray, memoryview)):
        return (bytes(body) if len(body) <= WHOLE else _slices(memoryview(body))), len(body), BINARY
    if isinstance(body, FilePart):
        return body, body.size, BINARY
    if isinstance(body, Path):
        return _whole_file(open_regular(os.fspath(body)))
    if hasattr(body, "read"):
        return _whole_file(body)
    if isinstance(body, Iterable) and not isinstance(body, dict):
        return iter(body), None, BINARY
    if isinstance(body, Coroutine):
        body.close()
        raise TypeError(
            f"no handler is a coroutine, such as {body!r}: give a Future, or start a task on the loop of reactor.aio"
        )
    text = f"a handler gives bytes, str, a Response, None, a Future, an iterator or a file, not {body!r}"
    raise TypeError(f"{text}; for JSON: Response.json(value)" if isinstance(body, (dict, int, float)) else text)


def as_bytes(piece: Any) -> bytes:
    """A piece of a body. Raises TypeError for what is none: a number would be so many zeros."""
    try:
        return piece if type(piece) is bytes else bytes(memoryview(piece))
    except TypeError:
        raise TypeError(f"a piece of a body is bytes or str, not {type(piece).__name__}") from None


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


class Framing:
    """How pieces become bytes on the wire: chunks, so many bytes, or until the connection ends (RFC 9112, 6)."""

    __slots__ = ("_chunked", "_left", "_silent")

    def __init__(self, *, chunked: bool, length: int | None, silent: bool) -> None:
        """`silent`: nothing is sent of it, for the request was HEAD."""
        self._chunked = chunked
        self._left = length
        self._silent = silent

    @property
    def is_delimited(self) -> bool:
        """The end of the body is not that of the connection."""
        return self._chunked or self._left is not None

    def frame(self, data: bytes) -> bytes:
        """A piece. Raises ValueError for more than was announced."""
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise ValueError("a body that is longer than its Content-Length")
        if self._silent or not data:  # an empty chunk would be the last one
            return b""
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data

    def end(self) -> bytes:
        """What ends the body. Raises ValueError where less has come than was announced."""
        if self._left and not self._silent:
            raise ValueError("a body that is shorter than its Content-Length")
        return b"0\r\n\r\n" if self._chunked and not self._silent else b""


class Answer(NamedTuple):
    """A response as it goes out."""

    head: bytes
    payload: bytes | FilePart | Pieces
    """b"" where none is sent."""
    framing: Framing
    keep: bool
    """The connection lives on."""


def prepare(response: Response, *, version: str = "1.1", head_only: bool = False, keep: bool = False) -> Answer:
    """The head and the body of an answer. Raises what `content` raises."""
    status, headers = response.status, response.headers
    payload, length, kind = content(response.body)
    if status in BODILESS:
        discard(payload)
        payload, length, kind = b"", None, None
    elif length is None and "content-length" in headers:
        length = int(headers["content-length"])
    chunked = length is None and status not in BODILESS and version != "1.0"
    keep = keep and not has_close(headers) and (length is not None or chunked or status in BODILESS)
    coding = b"Transfer-Encoding: chunked\r\n" if chunked else b""
    head = head_start(status, headers, length, kind) + coding + head_end(version, keep)
    if head_only:
        discard(payload)
        payload = b""
    return Answer(head, payload, Framing(chunked=chunked, length=length, silent=head_only), keep)


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
