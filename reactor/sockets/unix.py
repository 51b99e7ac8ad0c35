"""Addresses of Unix sockets: checked, bound, probed, and taken away again. Knows no loop.

Two servers that start on one path at the same moment must not both believe that it is theirs. So:

- A path is taken by bind(2) itself, which never replaces anything, under its own name. (To bind beside it and rename
  would let `getpeername` show the name beside it for ever, and rename replaces whatever stands there by then.)
- `mode` is set between bind(2) and listen(2), while nobody can connect.
- Whether a socket that stands in the way is alive is asked with a datagram socket: ECONNREFUSED means that no socket
  is bound to it any more, while a stream server says EPROTOTYPE. It sees no connection, and one that has bound and
  not listened yet counts as alive.
- Only who holds a lock beside the path may remove a dead one, and asks again under the lock.
- At the end the name goes before the socket, so that nobody finds a dead one to replace in between.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..boundary import log
from ..errors import ListenError
from .addresses import show

AF_UNIX: int = getattr(socket, "AF_UNIX", -1)  # Python has none on Windows: a family that no socket is of

SUN_PATH = 108 if sys.platform == "linux" else 104  # bytes in sockaddr_un, the ending NUL included (unix(7))
LOCK_WAIT = 1.0  # seconds; the lock is held for a handful of system calls, so whoever holds it longer is stuck
LOCK_STEP = 0.01  # seconds between two looks at it

UnixPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def show_path(path: UnixPath) -> str:
    """A path as it stands in messages; the NUL of an abstract address is an @."""
    return show(os.fsencode(path))


def unix_address(path: UnixPath) -> str | bytes:
    """What to bind or to connect to, as `getsockname` gives it: a str, or bytes for an abstract address (Linux).

    Raises OSError with the reason where no system call would give a clear one; TypeError for what is no path.
    """
    raw = os.fsencode(path)
    if not hasattr(socket, "AF_UNIX"):
        raise OSError(errno.EAFNOSUPPORT, "Python has no Unix sockets on this system")
    if not raw:
        raise OSError(errno.EINVAL, "the path is empty")
    abstract = raw.startswith(b"\0")
    if abstract and sys.platform != "linux":
        raise OSError(errno.EINVAL, "only Linux has abstract addresses")
    if not abstract and b"\0" in raw:
        raise OSError(errno.EINVAL, "there is a NUL in the path")
    if len(raw) + (not abstract) > SUN_PATH:
        reason = f"the path has {len(raw)} bytes, and the limit is {SUN_PATH} with the NUL that ends it"
        raise OSError(errno.ENAMETOOLONG, reason)
    return raw if abstract else os.fsdecode(raw)


def listening_unix_socket(path: UnixPath, *, mode: int | None, backlog: int) -> tuple[socket.socket, BoundPath | None]:
    """A socket that listens on `path`, and the name to take away at its end (None for an abstract address).

    Raises ListenError, with the path in its message.
    """
    if mode is not None and not isinstance(mode, int):
        raise TypeError(f"mode is a number such as 0o660, not {mode!r}")
    try:
        address = unix_address(path)
        if mode is not None and isinstance(address, bytes):
            raise OSError(errno.EINVAL, "an abstract address has no mode")
        return _listen(address, mode, backlog)
    except OSError as exc:
        raise ListenError(exc.errno, f"cannot listen on {show_path(path)}: {exc.strerror or exc}") from None


def _listen(address: str | bytes, mode: int | None, backlog: int) -> tuple[socket.socket, BoundPath | None]:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    bound = None
    try:
        if isinstance(address, bytes):
            sock.bind(address)
        else:
            bound = _bind(sock, address)
            if mode is not None:
                os.chmod(address, mode)
        sock.listen(backlog)
        sock.setblocking(False)
    except BaseException:
        if bound is not None:
            bound.remove()
        sock.close()
        raise
    return sock, bound


def _bind(sock: socket.socket, path: str) -> BoundPath:
    try:
        sock.bind(path)
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        _check_stale(path)  # before the lock as well: most often somebody answers, and a lock would be left for nothing
        with _locked(path + ".lock"):
            if _check_stale(path):
                os.unlink(path)
            sock.bind(path)
    return BoundPath(path)


def _check_stale(path: str) -> bool:
    """True if a dead socket stands there, false if nothing does any more; OSError if it must not be replaced."""
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISLNK(kind):
        raise OSError(errno.EADDRINUSE, "it is a symbolic link, and is not replaced")
    if not stat.S_ISSOCK(kind):
        raise OSError(errno.EADDRINUSE, "it is no socket, and is not replaced")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        error = probe.connect_ex(path)
    if error in (errno.ECONNREFUSED, errno.ENOENT):
        return error == errno.ECONNREFUSED
    if error in (errno.EACCES, errno.EPERM):
        raise OSError(errno.EADDRINUSE, f"whether its socket is in use cannot be found out: {os.strerror(error)}")
    raise OSError(errno.EADDRINUSE, "somebody listens there already")


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """Hold the lock file `name`, for a short time; it is removed afterwards. One left by a crash is no obstacle."""
    deadline = time.monotonic() + LOCK_WAIT
    while (fd := _try_lock(name)) is None:
        if time.monotonic() >= deadline:
            raise OSError(errno.EADDRINUSE, f"{name} is locked: another server is taking the path, or hangs there")
        time.sleep(LOCK_STEP)
    try:
        yield
    finally:
        try:
            os.unlink(name)  # before the lock goes: who waits for this file finds that it is gone, and takes a new one
        finally:
            os.close(fd)


def _try_lock(name: str) -> int | None:
    import fcntl  # not there on Windows, which has no Unix sockets in Python either

    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        found = os.fstat(fd)
        if not (stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink <= 1):
            raise OSError(errno.EADDRINUSE, f"{name} is not ours, and is neither locked nor removed")
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), os.lstat(name)):
            return fd
    except (BlockingIOError, FileNotFoundError):
        pass  # held, or removed by its holder since we opened it
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    return None


class BoundPath:
    """A name that bind(2) made. While its socket is open, the inode number cannot be given to anything else."""

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(path)  # the program may change its directory
        self._pid = os.getpid()
        self._identity = self._look()

    def _look(self) -> tuple[int, int]:
        found = os.lstat(self._path)
        return found.st_dev, found.st_ino

    def remove(self) -> None:
        """Take the name away if it still is ours, and if we are not a fork of its owner. Call before the close."""
        if os.getpid() != self._pid:
            return
        try:
            if self._look() == self._identity:
                os.unlink(self._path)
        except FileNotFoundError:
            pass
        except OSError as exc:  # the program has given up its rights since, perhaps
            log.info("%s is left behind: %s", self._path, exc.strerror)
