"""Standard output for several sources at once: each in its turn, the others wait in temporary files."""

from __future__ import annotations

import os
import select
import sys
from typing import IO

from ..errors import HTTPError

IN_MEMORY = 64 * 1024  # bytes of one source that wait in memory; more goes to a file
CHUNK = 256 * 1024  # bytes copied at once


class StdoutFailed(HTTPError):
    """Nothing can be written to stdout any more. `quiet`: because its reader has gone, as `head` does."""

    def __init__(self, message: str, *, quiet: bool = False) -> None:
        super().__init__(message)
        self.quiet = quiet


class Queue:
    """Lets `size` sources write at once, and stdout see them one after the other."""

    def __init__(self, size: int) -> None:
        self._turn = 0
        self._finished = [False] * size
        self._kept: dict[int, IO[bytes]] = {}
        self.is_terminal = sys.stdout is not None and sys.stdout.isatty()

    def write(self, position: int, data: bytes) -> None:
        """Write of the source at `position`. Raises StdoutFailed, and OSError where the temporary file fails."""
        if position == self._turn:
            return write_stdout(data)
        if position not in self._kept:
            import tempfile  # a few milliseconds that one URL alone does not need

            self._kept[position] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        self._kept[position].write(data)

    def finish(self, position: int) -> None:
        """Nothing more comes from this source: perhaps it is the next one's turn."""
        self._finished[position] = True
        while self._turn < len(self._finished) and self._finished[self._turn]:
            self._turn += 1
            if (kept := self._kept.pop(self._turn, None)) is not None:
                with kept:
                    kept.seek(0)
                    while data := kept.read(CHUNK):
                        write_stdout(data)

    def close(self) -> None:
        """Remove what waits still."""
        while self._kept:
            self._kept.popitem()[1].close()


def write_stdout(data: bytes) -> None:
    """All of it, as it is. Not through a buffer, which would be written once more, and complain, at exit."""
    if sys.stdout is None:  # closed at the start: its number may be a socket's by now
        raise StdoutFailed("standard output is closed")
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(1, left) :]
        except BlockingIOError:  # somebody else has made it non-blocking, and shares it with us
            select.select([], [1], [])
        except BrokenPipeError:
            raise StdoutFailed("nobody reads standard output any more", quiet=True) from None
        except OSError as error:
            raise StdoutFailed(f"cannot write to standard output: {error.strerror}") from None
