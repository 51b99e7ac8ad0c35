"""Lines for people: stdout has what the program has to say, stderr what is wrong and the log."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import Any


def say(text: str) -> None:
    """One line on stdout, at once. A stdout that is closed or broken is no reason not to serve."""
    with suppress(OSError):
        print(f"{text}\n", end="", flush=True)  # one write, also unbuffered: workers share it


def complain(text: str) -> None:
    """One line on stderr. One that is full or closed changes nothing: the status says it too."""
    if sys.stderr is not None:  # else print() would take stdout
        with suppress(OSError):
            print(f"{text}\n", end="", file=sys.stderr, flush=True)


def log_to_stderr(level: str = "WARNING") -> None:
    """Log lines go to stderr, so that stdout holds what the program has to say."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def program() -> str:
    """What this program is called in a complaint: its file, or what Python was told to run with -m."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and sys.argv[0].endswith("__main__.py"):
        return f"python -m {spec.parent}"
    return os.path.basename(sys.argv[0])


def in_words(error: Exception) -> str:
    """What is wrong, without numbers: `FILE: No such file or directory`."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error)


def address(sockname: Any) -> str:
    """`HOST:PORT`; an IPv6 address stands in brackets. The path of a Unix socket.

    >>> address(("::1", 80, 0, 0))
    '[::1]:80'
    """
    if not isinstance(sockname, tuple):
        return os.fsdecode(sockname)
    host, port = sockname[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
