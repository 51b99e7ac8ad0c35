"""Small files that people edit and the program rewrites: read whole, replaced whole or not at all."""

from __future__ import annotations

import errno
import logging
import os
import stat
import tempfile

from ...places import check_place

log = logging.getLogger("protocols.chat")

MAX_FILE = 4 * 1024 * 1024  # bytes; a list of people that is longer has been mistaken for something else


def read(path: str) -> bytes:
    """All of a file. Raises OSError; also for what is no file (a pipe would wait for ever) or longer than MAX_FILE."""
    check_place(path)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # what is opened is what is looked at
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a file", path)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise OSError(errno.EFBIG, f"longer than {MAX_FILE // 1024 // 1024} MiB", path)
    return data


def replace(path: str, data: bytes) -> None:
    """Have `data` in the file, or what was in it before: whatever fails, and whenever the power does. Raises OSError.

    A link is followed, unless a neighbour may have put it there. The file keeps its mode; a new one is for its owner
    alone, for it holds addresses or passwords.
    """
    check_place(path)
    path = os.path.realpath(path)
    check_place(path)
    if os.path.exists(path) and not os.path.isfile(path):  # root could put a file in the place of /dev/null
        raise OSError(errno.EINVAL, "not a file", path)
    descriptor, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if os.path.exists(path):
                os.fchmod(file.fileno(), stat.S_IMODE(os.stat(path).st_mode))
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
    _keep_entry(os.path.dirname(path))


def is_anybodys(path: str) -> bool:
    """Whether everybody on this machine may write it, and so decide what stands in it. Raises OSError."""
    return bool(os.stat(path).st_mode & stat.S_IWOTH)


def warn_if_open(path: str, whose: str) -> None:
    """Warn of a secret in a file that everybody may read. Raises OSError. whose: begins the line in the log."""
    if stat.S_IMODE(os.stat(path).st_mode) & 0o007:
        log.warning("%s: %s can be read by everybody on this machine: chmod 600 keeps it to you", whose, path)


def _keep_entry(directory: str) -> None:
    """A rename is on the disk when its directory is (rename(2), fsync(2))."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        return  # a directory that may be written and not read
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some file systems refuse it; the file itself is there
    finally:
        os.close(descriptor)
