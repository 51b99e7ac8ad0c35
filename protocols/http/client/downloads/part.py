"""The file in which a download grows, beside its target: ours alone, and never found half under the target's name.

Knows no HTTP. What lies there under a name that can be guessed may be somebody else's: a link to what they want to be
overwritten, or a beginning that they want in the file. So only a regular file of our own is used, and never through a
link. It is locked while it is open: two downloads of one file would write over each other.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: an open file cannot be renamed there anyway
    fcntl = None  # type: ignore[assignment]

PRIVATE = 0o600  # until it is whole nobody else reads it, unless they may read the file that it replaces
MODE = 0o666  # less the umask, as for any file
NAME_MAX = 255  # bytes of a name, where the file system does not say
TRIES = 5  # to lock what is under a name, while others rename what they have locked
BUFFER = 64 * 1024
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A link is an error, and a pipe does not wait for its other end."""


class NotOurs(Exception):
    """What is under the name is a link, a device, or somebody else's: it is left alone."""


class InUse(Exception):
    """Another download has it open."""


class Part:
    """An open file that becomes the target, or is kept, or is removed."""

    def __init__(self, path: Path, descriptor: int, *, made: bool) -> None:
        self.path = path
        self.made = made  # by us, just now
        self._descriptor = descriptor
        self._file: IO[bytes] | None = None

    @classmethod
    def create(cls, target: Path) -> Part:
        """Under a name that nobody can know before. Raises OSError."""
        path = target.with_name(fit(target, f".{{}}.{secrets.token_hex(4)}.part"))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_FOLLOW, PRIVATE)
        part = cls(path, descriptor, made=True)
        part.take_mode_of(target)
        return part

    @classmethod
    def reopen(cls, target: Path) -> Part:
        """Under the name by which it is found again. Raises NotOurs, InUse, and OSError."""
        path = target.with_name(fit(target, "{}.part"))
        for _ in range(TRIES):
            made = not os.path.lexists(path)
            descriptor = _open_own(path, os.O_RDWR | os.O_CREAT)
            try:
                if _lock(descriptor, path):
                    part = cls(path, descriptor, made=made)
                    part.take_mode_of(target)
                    return part
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # what we have locked was renamed meanwhile, and is the target now
        raise InUse

    @property
    def size(self) -> int:
        """Bytes that are in it."""
        if self._file is not None:
            self._file.flush()
        return os.fstat(self._descriptor).st_size

    def take_mode_of(self, target: Path) -> None:
        """As private as the file that it replaces, and readable for us."""
        mode = PRIVATE
        with suppress(OSError):
            mode |= stat.S_IMODE(target.stat().st_mode) & 0o777
        with suppress(OSError, AttributeError):
            os.fchmod(self._descriptor, mode)

    def begin(self, offset: int = 0) -> None:
        """What is written from now on stands behind the first `offset` bytes."""
        if self._file is None:
            # A buffer would only copy: what comes is up to 120 KiB at a time. But a raw file may take less than all.
            self._file = os.fdopen(self._descriptor, "r+b", BUFFER)
        self._file.truncate(offset)
        self._file.seek(offset)

    def copy_from(self, target: Path) -> None:
        """Begin with what is in the target."""
        self.begin()
        assert self._file is not None
        with target.open("rb") as source:
            shutil.copyfileobj(source, self._file, BUFFER)

    def write(self, data: bytes) -> None:
        """Raises OSError."""
        assert self._file is not None
        self._file.write(data)

    def become(self, target: Path) -> None:
        """Take the target's place, its mode, and give up the lock last. Raises OSError (a full disk says so late)."""
        if self._file is not None:
            self._file.flush()
        try:
            before = target.stat()
        except OSError:
            mode = MODE & ~_umask()
        else:  # as if it had been written over
            mode = stat.S_IMODE(before.st_mode)
            self._give_to(before.st_uid, before.st_gid)
        with suppress(OSError):
            os.chmod(self.path, mode)
        if fcntl is None:
            self.close()
        os.replace(self.path, target)
        self.close()

    def _give_to(self, user: int, group: int) -> None:
        """As far as we may: root may give it to whoever had the one before."""
        for ids in ((user, -1), (-1, group)):
            with suppress(OSError, AttributeError):
                os.chown(self.path, *ids)

    def remove(self) -> None:
        """Nothing of it is left. Harmless twice."""
        with suppress(OSError):
            if self._is_there():
                self.path.unlink()
        self.close()

    def close(self) -> None:
        """Leave it as it is. Harmless twice."""
        file, self._file = self._file, None
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):
            if file is not None:
                file.close()  # a full disk
            elif descriptor >= 0:
                os.close(descriptor)

    def __del__(self) -> None:
        """A download that was neither completed nor abandoned gives its lock back."""
        self.close()

    def _is_there(self) -> bool:
        """Under its name is what we have open."""
        if self._descriptor < 0:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.lstat(self.path))
        except OSError as error:
            return error.errno == errno.EBADF  # closed below our feet, by Ctrl-C at a bad moment: the name was ours


def fit(target: Path, pattern: str) -> str:
    """`pattern` with the target's name for its braces, cut to what a name may have: bytes, not characters.

    >>> fit(Path("song.mp3"), "{}.part"), len(os.fsencode(fit(Path("/tmp/" + "歌" * 99), "{}.part")))
    ('song.mp3.part', 254)
    """
    name = os.fsencode(target.name)
    try:
        most = os.pathconf(target.parent, "PC_NAME_MAX")
    except (OSError, ValueError, AttributeError):
        most = NAME_MAX
    room = most - len(pattern.format(""))
    if len(name) > room:
        digest = hashlib.sha256(name).hexdigest()[:8]  # names that differ in their ends stay different
        name = os.fsencode(cut_name(name, room - 9)) + f"~{digest}".encode()
    return pattern.format(os.fsdecode(name))


def cut_name(name: bytes, most: int) -> str:
    """The beginning of a name, without half a character of UTF-8 at its end."""
    end = min(len(name), most)
    while 0 < end < len(name) and name[end] & 0xC0 == 0x80:
        end -= 1
    return os.fsdecode(name[:end])


def read_own(path: Path, most: int) -> bytes:
    """The beginning of a file of ours. Raises NotOurs and OSError."""
    descriptor = _open_own(path, os.O_RDONLY)
    try:
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


def replace_with(path: Path, data: bytes) -> None:
    """Put a small file of ours under a name, whatever is there: it is replaced, not written to. Raises OSError."""
    fresh = path.with_name(fit(path, f".{{}}.{secrets.token_hex(4)}"))
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, PRIVATE)
    try:
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
        os.replace(fresh, path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise


def _open_own(path: Path, flags: int) -> int:
    """Raises FileNotFoundError, NotOurs, and OSError where there is no room for a file."""
    try:
        descriptor = os.open(path, flags | NO_FOLLOW, PRIVATE)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE):
            raise
        raise NotOurs from error
    found = os.fstat(descriptor)
    own = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    if not (stat.S_ISREG(found.st_mode) and own and found.st_nlink == 1):
        os.close(descriptor)
        raise NotOurs
    return descriptor


def _lock(descriptor: int, path: Path) -> bool:
    """Whether what is locked now is still what the name leads to. Raises InUse."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse from None
        except OSError:
            pass  # a file system without locks
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _umask() -> int:
    """It can only be read by setting it: to what lets nobody else read what is made in this moment."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
