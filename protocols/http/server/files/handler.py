"""The handler: from a path to an answer. Reads and opens on the loop, as a disk in the machine allows."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ...dates import format_date
from ..answers import FilePart
from ..request import Request
from ..response import Ready, Refusal, Response, head_start
from ..targets import quoted
from . import conditions, listing
from .listing import Recent
from .ranges import Part, Unsatisfiable, parse_range
from .shelf import SETTLED, SMALL, File, Kept, Shelf, signature
from .tree import Tree
from .types import type_of

IN_304 = frozenset({"Cache-Control", "ETag", "Last-Modified", "Vary"})  # RFC 9110, 15.4.5, and the date beside it

LONGEST = 200  # characters of an Accept-Encoding that are looked at; browsers send 30, and what is looked at is kept

_ZERO = re.compile(r"q=0(?:\.0{0,3})?")

_STATUS = {
    errno.EACCES: 403, errno.EPERM: 403,
    errno.EMFILE: 503, errno.ENFILE: 503, errno.ENOMEM: 503,
    errno.ENOENT: 404, errno.ENOTDIR: 404, errno.ELOOP: 404, errno.EMLINK: 404, errno.ENAMETOOLONG: 404,
    errno.EINVAL: 404, errno.EILSEQ: 404, errno.ENXIO: 404, errno.ENODEV: 404, errno.EISDIR: 404,
}  # fmt: skip
"""What open(2) says of a path, as a status. Anything else (EIO) is the server's fault: a traceback and a 500."""


class Files:
    """Serves the files below `root`, for `Server.mount`. Raises OSError where `root` is no directory.

    listing: directories without an index are shown. index: the names of what is shown instead.
    follow: links are followed as long as they stay below the root; otherwise they are not there.
    compressed: `NAME.gz` beside NAME, if it is not older, is sent to who takes gzip.
    types: media types by suffix, before those of the table. cache_control: that field, on every file.

    Answers have a strong ETag (the time of the last change in nanoseconds, and the size), take conditions and one
    range. A file that becomes shorter while it is sent ends that connection; one that grows is sent as it was.
    """

    methods = ("GET",)

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        listing: bool = True,
        index: Sequence[str] = ("index.html",),
        follow: bool = False,
        compressed: bool = True,
        types: Mapping[str, str] | None = None,
        cache_control: str | None = None,
    ) -> None:
        self._tree = Tree(root, follow=follow)
        self._listing = listing
        self._index = tuple(index)
        self._compressed = compressed
        self._types = types
        self._cache_control = cache_control
        self._shelf = Shelf()
        self._recent = Recent()

    def close(self) -> None:
        """Give the descriptor of the root back. Harmless twice; nothing can be served afterwards."""
        self._tree.close()

    def __call__(self, request: Request) -> Any:
        """The answer to a GET; the server makes that to a HEAD of it."""
        names = request.rest
        try:
            if names and names[-1]:
                return self._file(request, names)
            return self._directory(request, names)
        except OSError as error:
            status = _STATUS.get(error.errno or 0)
            if status is None:
                raise
            raise Refusal(status, headers={"Retry-After": "1"} if status == 503 else ()) from None

    # -- directories --------------------------------------------------------------------------------------------

    def _directory(self, request: Request, names: tuple[str, ...]) -> Any:
        if not names:  # the mount itself, without its slash
            return self._redirect(request)
        names = names[:-1]
        for name in self._index:
            try:
                if stat.S_ISREG(self._tree.stat((*names, name)).st_mode):
                    return self._file(request, (*names, name))
            except FileNotFoundError:
                continue
        if not self._listing:
            raise Refusal(404)
        now, key = request.reactor.time(), (request.path, *names)  # the path is the title, wherever this is mounted
        return self._recent.get(key, now) or self._list(key, now, names)

    def _list(self, key: tuple[str, ...], now: float, names: tuple[str, ...]) -> Response:
        fd = self._tree.open(names)
        try:
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                raise Refusal(404)
            found = listing.entries(fd, lambda name: self._tree.look((*names, name), fd))
        finally:
            os.close(fd)
        response = Response(200, listing.page(key[0], found, is_root=not names), listing.HEADERS)
        if len(found) > listing.LARGE:
            self._recent.put(key, now, response)
        return response

    def _redirect(self, request: Request) -> Response:
        """To the directory's own path, where relative links lead below it; always on this host."""
        query = "?" + request.raw_query if request.raw_query else ""
        return Response.redirect(quoted((*request.segments, "")) + query, 301)

    # -- files --------------------------------------------------------------------------------------------------

    def _file(self, request: Request, names: tuple[str, ...]) -> Any:
        headers = request.headers
        accepted = headers.get("accept-encoding") if self._compressed else None
        coded = accepted is not None and _takes_gzip(accepted[:LONGEST]) and self._is_compressed(names)
        key = names, coded
        kept = self._shelf.kept.get(key)
        if kept is not None:
            try:
                if signature(self._tree.stat_path(kept.path)) == kept.signature:
                    if not headers.has_any(conditions.NAMES):
                        return kept.answer
                    return self._conditional(request, kept.file, kept.answer.body)
            except OSError:
                pass  # it is gone; to open it says how
            self._shelf.drop(key)
        return self._open(request, names, coded=coded)

    def _is_compressed(self, names: tuple[str, ...]) -> bool:
        """Whether there is a compressed form that is not older than the file."""
        try:
            form, plain = self._tree.stat(_path(names, True)), self._tree.stat(names)
        except OSError:
            return False
        return stat.S_ISREG(form.st_mode) and stat.S_ISREG(plain.st_mode) and form.st_mtime_ns >= plain.st_mtime_ns

    def _open(self, request: Request, names: tuple[str, ...], *, coded: bool) -> Any:
        path = _path(names, coded)
        fd = self._tree.open(path)
        try:
            about = os.fstat(fd)
            if stat.S_ISDIR(about.st_mode) and not coded:
                return self._redirect(request)
            if not stat.S_ISREG(about.st_mode):
                raise Refusal(404)
            varies = coded or (self._compressed and self._is_compressed(names))
            file = File(about, self._fields(names[-1], about, coded=coded, varies=varies))
            if about.st_size > SMALL:
                answer = self._conditional(request, file, None)
                if isinstance(answer.body, Part):  # what is opened here is the response's to close
                    taken, fd = io.FileIO(fd), -1
                    answer.body = FilePart(taken, *answer.body)
                return answer
            body = _read(fd, about.st_size)
        finally:
            if fd >= 0:
                os.close(fd)
        ready = Ready(200, head_start(200, file.headers, len(body)), body)
        if len(body) == about.st_size and time.time() - about.st_mtime >= SETTLED:
            self._shelf.put((names, coded), Kept("/".join(path), signature(about), ready, file))
        return self._conditional(request, file, body) if request.headers.has_any(conditions.NAMES) else ready

    def _fields(self, name: str, about: os.stat_result, *, coded: bool, varies: bool) -> list[tuple[str, str]]:
        """The fields of the answer, those that a 304 has too first."""
        form = "-gz" if coded else ""
        fields = [("ETag", f'"{about.st_mtime_ns:x}-{about.st_size:x}{form}"')]
        if 0 <= about.st_mtime < time.time() + 1:  # RFC 9110, 8.8.2.1: never later than the Date of the answer
            fields.append(("Last-Modified", format_date(int(about.st_mtime))))
        if self._cache_control is not None:
            fields.append(("Cache-Control", self._cache_control))
        if varies:
            fields.append(("Vary", "Accept-Encoding"))
        fields.append(("Content-Type", type_of(name, self._types)))
        if coded:
            fields.append(("Content-Encoding", "gzip"))
        return [*fields, ("Accept-Ranges", "bytes"), ("X-Content-Type-Options", "nosniff")]

    def _conditional(self, request: Request, file: File, body: bytes | None) -> Response:
        """What the conditions of the request leave of it; without `body` the response is given a Part."""
        headers, now = request.headers, time.time()
        failed = conditions.status(headers, file.tag, file.modified)
        if failed == 412:
            raise Refusal(412)
        if failed == 304:
            return Response(304, None, [field for field in file.headers.raw if field[0] in IN_304])
        part = None
        wanted = headers.get("range")
        if wanted is not None and request.method != "GET":  # RFC 9110, 14.2
            wanted = None
        if wanted is not None and conditions.wants_part(headers, file.tag, file.modified, now):
            try:
                part = parse_range(wanted, file.size)
            except Unsatisfiable:
                raise Refusal(416, headers={"Content-Range": f"bytes */{file.size}"}) from None
        if part is None:
            part = Part(0, file.size)
            return Response(200, part if body is None else body, file.headers)
        last = part.first + part.size - 1
        fields = [*file.headers.raw, ("Content-Range", f"bytes {part.first}-{last}/{file.size}")]
        return Response(206, part if body is None else body[part.first : last + 1], fields)


def _path(names: tuple[str, ...], coded: bool) -> tuple[str, ...]:
    return (*names[:-1], names[-1] + ".gz") if coded else names


def _read(fd: int, size: int) -> bytes:
    """The beginning of a small file, `size` bytes or what there is."""
    body = os.read(fd, size)
    while len(body) < size and (more := os.read(fd, size - len(body))):
        body += more
    return body


@lru_cache(256)
def _takes_gzip(accepted: str) -> bool:
    """RFC 9110, 12.5.3, for a coding that we may as well leave: only who names gzip gets it.

    >>> _takes_gzip("br, gzip;q=0.5"), _takes_gzip("gzip; q=0.000"), _takes_gzip("*")
    (True, False, False)
    """
    for entry in accepted.lower().split(","):
        coding, _, weight = entry.partition(";")
        if coding.strip(" \t") in ("gzip", "x-gzip"):
            return not _ZERO.fullmatch(weight.strip(" \t"))
    return False
