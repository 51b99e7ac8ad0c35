"""Files in the stream: a carrier that puts a file where the transport put a placeholder of one byte.

    transport   ..head..  0  ..tail..            what it queued: 0 stands for the file
    FileCarrier ..head..  the file  ..tail..     what it hands down

To the transport, the byte is sent when the file is. So everything that it does for bytes that wait (watermarks,
deadlines, the order of writes, the end after the last of them) it does for files, and nothing of a file is in memory
but the piece that is being sent. The carrier is there only while files wait, or for as long as the TLS that was started
on top of it.
"""

from __future__ import annotations

import errno
import io
import os
import socket
import stat
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from operator import index
from typing import IO, Any

from ..errors import FileTruncated
from .carrier import carrier_info

PLACEHOLDER = b"\0"
TURN = 1024 * 1024  # bytes of a file sent before the other connections have their turn
UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOVERFLOW})  # this kind of file (sendfile(2))
BEYOND = 1 << 62  # an offset beyond the end of every file, and still one that the kernel takes
CHUNK = 64 * 1024  # bytes read at once where the kernel cannot copy from the file to the carrier by itself


class FileJob:
    """One file, or a part of one, and the future of the bytes sent, which the transport sets.

    Raises ValueError or TypeError for what has no bytes to be read at will.
    """

    __slots__ = ("_by_kernel", "_chunk", "_count", "_file", "_is_regular", "_offset", "future", "sent")

    future: Future[int]

    def __init__(self, file: IO[bytes], offset: int, count: int | None) -> None:
        offset, count = index(offset), None if count is None else index(count)
        if offset < 0 or (count is not None and count < 0):
            raise ValueError(f"offset and count must not be negative: {offset}, {count}")
        if isinstance(file, io.TextIOBase):
            raise TypeError("sendfile() needs a file opened in binary mode")
        self._file = file
        self._is_regular = _is_regular(file)
        self._by_kernel = self._is_regular and hasattr(os, "sendfile")
        if not (self._is_regular or file.seekable()):
            raise ValueError(f"sendfile() sends regular files and what can seek, not {file!r}")
        if file.writable():
            file.flush()
        self._offset = min(offset, BEYOND)
        self._count = max(0, self._size() - offset) if count is None else count
        self._chunk: bytes | memoryview = b""  # read, and not taken by the carrier yet
        self.sent = 0

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size if self._is_regular else self._file.seek(0, os.SEEK_END)

    def send_some(self, below: Any) -> int:
        """Send a turn's worth; how much went. Raises FileTruncated, OSError of the carrier, anything of the file."""
        left = self._count - self.sent
        if not left:
            return 0
        try:
            sent = self._copy(below, left) if self._by_kernel and isinstance(below, socket.socket) else None
            if sent is None:
                sent = below.send(self._next_chunk(left))
                self._chunk = memoryview(self._chunk)[sent:]
        except ValueError as exc:  # closed meanwhile; its number may be another file's by now
            raise OSError(errno.EBADF, f"sendfile() of {self._name()}: {exc}") from None
        self.sent += sent
        return sent

    def _copy(self, below: socket.socket, left: int) -> int | None:
        """From the file to the socket inside the kernel; None if it cannot."""
        try:
            sent = os.sendfile(below.fileno(), self._file.fileno(), self._offset + self.sent, min(left, TURN))
        except OSError as exc:
            if exc.errno not in UNSUPPORTED:
                raise
            self._by_kernel = False
            return None
        if not sent:
            raise self._truncated()
        return sent

    def _next_chunk(self, left: int) -> bytes | memoryview:
        if not self._chunk:
            position, size = self._offset + self.sent, min(left, CHUNK)
            if self._is_regular:
                self._chunk = os.pread(self._file.fileno(), size, position)
            else:
                self._file.seek(position)
                self._chunk = self._file.read(size)
            if not self._chunk:
                raise self._truncated()
        return self._chunk

    def is_done(self) -> bool:
        """All of it is sent."""
        return self.sent == self._count

    def _truncated(self) -> FileTruncated:
        text = f"{self._name()} has only {self.sent} of the {self._count} bytes to be sent: it is shorter than it was"
        return FileTruncated(errno.ENODATA, text)

    def _name(self) -> str:
        return repr(getattr(self._file, "name", self._file))


class FileCarrier:
    """Between a transport and its carrier while files wait. All but `send` is the carrier's own."""

    __slots__ = ("_finished", "_jobs", "_progress", "below")

    def __init__(self, below: Any, progress: Callable[[int], None], finished: Callable[[FileJob], None]) -> None:
        self.below = below
        self._jobs: deque[tuple[list[int], FileJob]] = deque()  # each with the bytes that go before it
        self._progress = progress
        self._finished = finished

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the carrier's."""
        return carrier_info(self.below, name, default)

    def add(self, size: int, job: FileJob) -> None:
        """Let `job` follow the `size` bytes that wait in the transport, placeholders counted."""
        self._jobs.append(([size - sum(before[0] + 1 for before, _ in self._jobs)], job))

    def close(self) -> None:
        """Close the carrier and let go of all that refers back to it.

        The transport refers to this; a job's future holds the error, whose traceback leads to the job.
        """
        self._progress = self._finished = _nobody
        while self._jobs:
            del self._jobs.pop()[1].future
        self.below.close()

    def is_empty(self) -> bool:
        """No file waits."""
        return not self._jobs

    def send(self, data: bytes | memoryview) -> int:
        """As the carrier's, and 1 for a placeholder once its file is sent."""
        if not self._jobs:
            return int(self.below.send(data))
        before, job = self._jobs[0]
        if before[0]:
            sent: int = self.below.send(memoryview(data)[: before[0]])
            before[0] -= sent
            return sent
        if job.future.running() or job.future.set_running_or_notify_cancel():
            self._progress(job.send_some(self.below))
            if not job.is_done():
                raise BlockingIOError
        self._jobs.popleft()
        self._finished(job)
        return len(PLACEHOLDER)


def _nobody(what: object) -> None:
    """Is told once the carrier is closed, and does nothing."""


def _is_regular(file: IO[bytes]) -> bool:
    if not isinstance(getattr(file, "raw", file), io.FileIO):
        return False  # in memory, or what has a descriptor of other bytes: gzip's is that of the compressed file
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
