"""Opens what is below a directory, and nothing else: each name from the descriptor of the one before (openat(2)).

No path is ever put together and looked up as a whole, so there is no moment between a look and an open in which a link
could be put in between. Links are not followed; with `follow`, those that stay below the root are: their text is
walked name by name like the rest, ".." goes back to the descriptor that was passed, and what is absolute or leads above
the root is not found.
"""

from __future__ import annotations

import errno
import os
import stat
import weakref

MAX_LINKS = 32  # on the way to one file: what has more is a circle (Linux itself says 40)
MAX_DEPTH = 256  # directories within directories: each is a descriptor while the way is walked

_STEP = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LAST = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC  # NONBLOCK: a pipe must not wait for its writer
_LINK = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})  # what O_NOFOLLOW says of a link, by system


class Tree:
    """A root. Raises OSError where that is no directory."""

    def __init__(self, root: str | os.PathLike[str], *, follow: bool = False) -> None:
        if os.open not in os.supports_dir_fd:
            raise NotImplementedError("files are served by openat(2), which this system does not have")
        self.root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.follow = follow
        self.close = weakref.finalize(self, os.close, self.root)

    def stat(self, names: tuple[str, ...]) -> os.stat_result:
        """What stands there now, of whatever kind, in one call. It may be outside of the root: never open by this."""
        return self.stat_path("/".join(names) or ".")

    def stat_path(self, path: str) -> os.stat_result:
        """As `stat`, of names that stand together already."""
        return os.stat(path, dir_fd=self.root, follow_symlinks=self.follow)

    def look(self, names: tuple[str, ...], fd: int) -> os.stat_result:
        """What `open` would open: the last of `names`, which is in the open directory `fd`. A link that is not followed
        is a link. Raises OSError as `open` does."""
        about = os.stat(names[-1], dir_fd=fd, follow_symlinks=False)
        if not self.follow or not stat.S_ISLNK(about.st_mode):
            return about
        opened = self.open(names)
        try:
            return os.fstat(opened)
        finally:
            os.close(opened)

    def open(self, names: tuple[str, ...]) -> int:
        """A descriptor for reading; () is the root itself. Raises OSError, ENOENT for what no name can be."""
        if any(name in ("", ".", "..") or "/" in name or "\0" in name for name in names):
            raise _nothing()
        passed = [self.root]
        left = list(reversed(names))
        links = 0
        try:
            while left:
                name = left.pop()
                if name == "..":  # from the text of a link
                    self._back(passed)
                    continue
                try:
                    fd = os.open(name, _STEP if left else _LAST, dir_fd=passed[-1])
                except OSError as error:
                    links += 1
                    left += self._text(error, name, passed[-1], links)
                    continue
                if not left:
                    return fd
                passed.append(fd)
                if len(passed) > MAX_DEPTH:
                    raise _nothing()
            return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=passed[-1])
        finally:
            for fd in passed[1:]:
                os.close(fd)

    def _back(self, passed: list[int]) -> None:
        if len(passed) == 1:
            raise _nothing()  # above the root
        os.close(passed.pop())

    def _text(self, error: OSError, name: str, fd: int, links: int) -> list[str]:
        """The names in the text of a link, the last one first; raises `error` for what is none."""
        if not self.follow or error.errno not in _LINK:
            raise error
        try:
            text = os.readlink(name, dir_fd=fd)
        except OSError:
            raise error from None
        if text.startswith("/") or links > MAX_LINKS:
            raise _nothing()
        return [part for part in reversed(text.split("/")) if part not in ("", ".")]


def _nothing() -> OSError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
