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
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from typing import IO

from ....places import check_place
from ...errors import HTTPError
from ...url import parse_url
from ..response import Response
from .part import InUse, NotOurs, Part, fit, read_own, replace_with
from .ranges import content_range, rest_after, strong_validator

NO_REST = frozenset({412, 416})  # another version is there now, or no such part of this one (RFC 9110, 15.5.13 and 17)
WHOLE = {"Accept-Encoding": "identity"}  # the size is known then, and a part of what comes is a part of the file
MAX_NOTE = 256 * 1024  # bytes: a URL of 64 KiB, escaped, and a validator


class DownloadError(HTTPError):
    """What came cannot become the file, or the file cannot be written."""


class Download:
    """One file being fetched. `fields` go with the request; `on_head` and `write` are for `fetch`; then one of
    `complete` and `abandon`. Raises OSError where the directory or the target does not let itself be written to, and
    DownloadError where the same file is being downloaded by another process, which would be damaged.

    path: a link is followed; a target that is no regular file (/dev/null, a pipe) is written to directly. What another
        user may have put there, in a directory for everybody, is an OSError (`check_place`).
    resume: go on from what an earlier attempt has left, and leave what this one gets. A `NAME.part` of somebody else's
        is left alone: nothing is kept then.
    takes_parts: the request has a Range of its own, and what comes of it is the file.
    """

    def __init__(self, path: str, url: str, *, resume: bool = False, takes_parts: bool = False) -> None:
        given = Path(path)
        check_place(path)
        self._direct = given.exists() and not given.is_file()
        self.path = given if self._direct else Path(os.path.realpath(path))  # /dev/stdout may lead to what has no path
        self.fields = dict(WHOLE)
        self.must_restart = False
        """What is there cannot be continued: call `restart` and fetch again."""
        self.kept = 0
        """Bytes that the next attempt need not fetch, once this one is abandoned."""
        self._url = _without_password(url)
        self._takes_parts = takes_parts
        self._offset = 0  # bytes that are there already
        self._total: int | None = None
        self._part: Part | None = None
        self._stream: IO[bytes] | None = None  # to a target that is no file
        self._from_target = False  # what is there is the target itself
        self._done = False  # nothing was missing
        if self.path.is_dir():
            raise IsADirectoryError(None, "it is a directory")
        if not self.path.parent.is_dir():
            raise FileNotFoundError(None, "there is no such directory")
        if not self._direct and not os.access(self.path.parent, os.W_OK):
            raise PermissionError(None, "its directory cannot be written to")
        self._note = self.path.with_name(fit(self.path, "{}.part.json"))
        self._resume = resume and not self._direct
        if self._resume:
            self._find_rest()

    @property
    def offset(self) -> int:
        """Bytes that need not come any more."""
        return self._offset

    @property
    def part_path(self) -> Path | None:
        """Where what came is, while it is not whole."""
        return None if self._part is None else self._part.path

    def restart(self) -> None:
        """Forget what is there; the next fetch asks for all of it."""
        self._forget()
        self.fields = dict(WHOLE)
        self._offset, self._from_target, self.must_restart = 0, False, False

    def can_use(self, status: int) -> bool:
        """Whether this status, though it is that of an error, says something about what is there already."""
        return bool(self._offset) and status in NO_REST

    def _find_rest(self) -> None:
        """What an earlier attempt has left: our own part, or a file that somebody else's program has cut."""
        try:
            self._part = Part.reopen(self.path)
        except NotOurs:
            self._resume = False
        except InUse:
            raise DownloadError(f"another download of {self.path.name} is under way") from None
        if self._part is not None and (validator := self._noted()) is not None:
            self._offset = self._part.size
            self._ask(validator)
            return
        with suppress(OSError):
            found = self.path.stat()
            self._offset = found.st_size
            self._from_target = True
            self._ask(None)
            # A file that the server has not changed since ours was written is what ours was written from.
            self.fields |= {"If-Unmodified-Since": formatdate(found.st_mtime, usegmt=True)} if self._offset else {}

    def _noted(self) -> str | None:
        """By what the version of our part is known again; None where nothing usable is noted."""
        try:
            note = json.loads(read_own(self._note, MAX_NOTE))
        except (OSError, ValueError, NotOurs, RecursionError):
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
        if self._done or self.must_restart:
            return  # the page that comes with an error
        if self._part is not None:
            self._part.write(data)
        elif self._stream is not None:
            while data:
                data = data[self._stream.write(data) :]

    def _begin(self, response: Response) -> None:
        if response.status == 206 and not self._takes_parts:
            raise DownloadError("the server sent a part, and was asked for the whole")
        if self._direct:
            self._stream = open(self.path, "wb", buffering=0)  # noqa: SIM115
            return
        if self._part is None:
            self._part = Part.create(self.path)
        self._part.begin()
        self._write_note(response)

    def _go_on(self, response: Response) -> None:
        found = content_range(response.headers)
        if found is None or found.first != self._offset or "content-encoding" in response.headers:
            raise DownloadError("the server sent another part than it was asked for")
        self._total = found.total
        if self._part is None:
            self._part = Part.create(self.path)
        if self._from_target:
            self._part.copy_from(self.path)
            self._write_note(response)
        self._part.begin(self._offset)

    def _write_note(self, response: Response) -> None:
        """What this is a part of. Nothing is noted of what cannot be known again."""
        if not self._resume:
            return
        validator = None if "content-encoding" in response.headers else strong_validator(response.headers)
        with suppress(OSError):
            if validator is None:
                self._note.unlink()
            else:
                replace_with(self._note, json.dumps({"url": self._url, "validator": validator}).encode())

    # -- the end ------------------------------------------------------------------------------------------------

    def complete(self) -> None:
        """All has come: give the file its name. Raises OSError (a full disk says so late) and DownloadError."""
        if self._stream is not None:
            self._stream.close()
        if self.must_restart or self._part is None:
            return
        if self._done and self._from_target:
            return self._forget(close=True)
        size = self._part.size
        if self._total is not None and size != self._total:
            raise DownloadError(f"the file has {size} bytes now, and should have {self._total}")
        self._part.become(self.path)
        self._part = None
        if self._resume:
            with suppress(OSError):
                self._note.unlink()

    def abandon(self) -> None:
        """It failed. What can be continued is kept, if that was asked for; else nothing is left. Harmless twice."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()
        part = self._part
        if part is None:
            return
        if self._resume:
            with suppress(OSError):
                if (size := part.size) and self._noted() is not None:
                    self.kept = size
                    return part.close()
        self._forget(close=True)

    def _forget(self, *, close: bool = False) -> None:
        """Nothing of what came is of use. The lock is kept for another try, unless that was all."""
        if self._part is not None:
            if close:
                self._part.remove()
                self._part = None
            else:
                self._part.begin()
        if self._resume:
            with suppress(OSError):
                self._note.unlink()


def _without_password(url: str) -> str:
    """The note is a file, and may be read by others, copied, and forgotten."""
    try:
        return str(parse_url(url))
    except ValueError:
        return url
