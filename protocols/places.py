"""Where files are put, and who else may have put one there first. Knows no protocol."""

from __future__ import annotations

import errno
import os
import stat


def check_place(path: str) -> None:
    """Raise OSError where a neighbour may have put what is at `path`, a file or a link; nothing there is no fault.

    That is so in a directory in which everybody may create files, such as /tmp, unless it is ours or the directory's
    owner's: what the kernel asks with protected_symlinks and protected_regular (proc_sys_fs(5)), where they are on.
    """
    try:
        found, directory = os.lstat(path), os.stat(os.path.dirname(path) or ".")
    except FileNotFoundError:
        return
    if not directory.st_mode & stat.S_IWOTH or not hasattr(os, "geteuid"):
        return
    if found.st_uid not in (os.geteuid(), directory.st_uid):
        raise OSError(errno.EACCES, "it is another user's, in a directory for everybody", path)
