"""A file that has its name only once it is whole, and the rest of one that is not. Knows no network.

What comes is written beside the target, into its directory, and renamed when complete: nobody ever finds half of it
under the target's name, and a failed download does not cost the file that was there. There is no fsync: a download can
be made again, and waiting for the disk costs more than the network does.

With `resume`, what came is kept as `NAME.part` until it is whole, with a note (`NAME.part.json`) of which version of
what it is a part: the rest of another version must not be put behind it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from typing import IO

from ...errors import HTTPError
from ..response import Response
from .ranges import content_range, rest_after, strong_validator

MODE = 0o666  # less the umask, as for any file; mkstemp's 0600 would be kept by the rename

NO_REST = frozenset({412, 416})  # another version is there now, or no such part of this one (RFC 9110, 15.5.13 and 17)
WHOLE = {"Accept-Encoding": "identity"}  # the size is known then, and a part of what comes is a part of the file


class DownloadError(HTTPError):
    """What came cannot become the file, or the file cannot be written."""


class Download:
    """One file being fetched. `fields` go with the request; `on_head` and `write` are for `fetch`; then one of
    `complete` and `abandon`. Raises OSError where the directory or the target does not let itself be written to.

    path: a link is followed; a target that is no regular file (/dev/null, a pipe) is written to directly.
    resume: go on from what an earlier attempt has left, and leave what this one gets.
    takes_parts: the request has a Range of its own, and what comes of it is the file.
    """

    def __init__(self, path: str, url: str, *, resume: bool = False, takes_parts: bool = False) -> None:
        given = Path(path)
        self._direct = given.exists() and not given.is_file()
        self.path = given if self._direct else Path(os.path.realpath(path))  # /dev/stdout may lead to what has no path
        self.fields = dict(WHOLE)
        self.must_restart = False
        """What is there cannot be continued: call `restart` and fetch again."""
        self._url = url
        self._resume = resume
        self._takes_parts = takes_parts
        self._offset = 0  # bytes that are there already
        self._total: int | None = None
        self._file: IO[bytes] | None = None
        self._from_target = False  # what is there is the target itself
        self._done = False  # nothing was missing
        self._begun = False  # the part is of our making
        if self.path.is_dir():
            raise IsADirectoryError(None, "it is a directory")
        if not self.path.parent.is_dir():
            raise FileNotFoundError(None, "there is no such directory")
        if not self._direct and not os.access(self.path.parent, os.W_OK):
            raise PermissionError(None, "its directory cannot be written to")
        self._part = self.path.with_name(f"{self.path.name}.part")
        self._note = self.path.with_name(f"{self.path.name}.part.json")
        if resume and not self._direct:
            self._find_rest()
        else:
            self._part = self.path.with_name(f".{self.path.name[:200]}.{secrets.token_hex(4)}.part")

    @property
    def offset(self) -> int:
        """Bytes that need not come any more."""
        return self._offset

    def restart(self) -> None:
        """Forget what is there; the next fetch asks for all of it."""
        self._remove()
        self.fields = dict(WHOLE)
        self._offset, self._from_target, self.must_restart = 0, False, False

    def can_use(self, status: int) -> bool:
        """Whether this status, though it is that of an error, says something about what is there already."""
        return bool(self._offset) and status in NO_REST

    def _find_rest(self) -> None:
        """What an earlier attempt has left: our own part, or a file that somebody else's program has cut."""
        validator = self._noted()
        with suppress(OSError):
            if validator is not None:
                self._offset = self._part.stat().st_size
                self._ask(validator)
                return
        with suppress(OSError):
            found = self.path.stat()
            self._offset = found.st_size
            self._from_target = True
            self._ask(None)
            # Who has not changed since it was written is what it was written from.
            self.fields |= {"If-Unmodified-Since": formatdate(found.st_mtime, usegmt=True)} if self._offset else {}

    def _noted(self) -> str | None:
        """By what the version of our part is known again; None where nothing usable is noted."""
        try:
            note = json.loads(self._note.read_bytes())
        except (OSError, ValueError):
            return None
        if not isinstance(note, dict) or note.get("url") != self._url:
            return None
        validator = note.get("validator")
        return validator if isinstance(validator, str) else None

    def _ask(self, validator: str | None) -> None:
        if self._offset:
            self.fields |= rest_after(self._offset, validator)

    # -- the answer ---------------------------------------------------------------------------------------------

    def on_head(self, response: Response) -> None:
        """What the server gives: all, the rest, or neither. Raises HTTPError and OSError."""
        status = response.status
        if not self._offset:
            return self._begin(response)
        if status == 206:
            return self._go_on(response)
        if status == 200:
            self._offset = 0
            return self._begin(response)
        if status == 416 and (found := content_range(response.headers)) and found.total == self._offset:
            self._done = True  # it was whole already
        elif status in NO_REST:
            self.must_restart = True
        else:
            raise DownloadError(f"{status} in answer to the request for the rest: what was there is kept")

    def write(self, data: bytes) -> None:
        """Some content."""
        if self._file is not None:
            self._file.write(data)

    def _begin(self, response: Response) -> None:
        if response.status == 206 and not self._takes_parts:
            raise DownloadError("the server sent a part, and was asked for the whole")
        if self._direct:
            self._file = open(self.path, "wb", buffering=0)  # noqa: SIM115
            return
        exclusive = 0 if self._resume else os.O_EXCL
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | exclusive | getattr(os, "O_BINARY", 0)
        self._open(os.open(self._part, flags, MODE))
        if self._resume:
            self._write_note(response)

    def _go_on(self, response: Response) -> None:
        found = content_range(response.headers)
        if found is None or found.first != self._offset or "content-encoding" in response.headers:
            raise DownloadError("the server sent another part than it was asked for")
        self._total = found.total
        if self._from_target:
            shutil.copyfile(self.path, self._part)
            self._write_note(response)
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), MODE)
        self._open(descriptor)
        os.ftruncate(descriptor, self._offset)
        os.lseek(descriptor, 0, os.SEEK_END)

    def _open(self, descriptor: int) -> None:
        # A buffer would only copy: what comes is up to 120 KiB at a time. But a raw file may take less than all of it.
        self._file = os.fdopen(descriptor, "wb", 64 * 1024)
        self._begun = True

    def _write_note(self, response: Response) -> None:
        validator = None if "content-encoding" in response.headers else strong_validator(response.headers)
        note = {"url": self._url, "validator": validator}
        self._note.write_text(json.dumps(note))

    # -- the end ------------------------------------------------------------------------------------------------

    def complete(self) -> None:
        """All has come: give the file its name. Raises OSError (a full disk says so late) and DownloadError."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
        if self._direct or self.must_restart:
            return
        if file is None:
            if self._done and not self._from_target:
                self._rename()
            return
        size = self._part.stat().st_size
        if self._total is not None and size != self._total:
            raise DownloadError(f"the file has {size} bytes now, and should have {self._total}")
        self._rename()

    def abandon(self) -> None:
        """It failed. What can be continued is kept, if that was asked for; else nothing is left."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()  # a full disk
        if self._direct:
            return
        with suppress(OSError):
            if self._resume and self._part.stat().st_size and self._noted() is not None:
                return
        if self._begun or not self._resume:  # Ctrl-C may come before the file is known to be ours
            self._remove()

    def _rename(self) -> None:
        with suppress(OSError):
            os.chmod(self._part, stat.S_IMODE(self.path.stat().st_mode))  # as if it had been written over
        os.replace(self._part, self.path)
        with suppress(OSError):
            self._note.unlink()

    def _remove(self) -> None:
        for path in (self._part, self._note) if self._resume else (self._part,):
            with suppress(OSError):
                path.unlink()
