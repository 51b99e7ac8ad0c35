"""A bug in what is tested fails the test. Knows of a reactor only that its code logs what it has caught."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..boundary import log

RAISED = True
"""Whether a reactor of the kit raises what the code under test has raised, unless it is told: `raise_bugs`."""


@contextmanager
def raised(wanted: bool) -> Iterator[list[BaseException]]:
    """Raise afterwards the first exception of a callback, factory, timer or call that was caught and logged meanwhile.

    A peer's fault (PeerError, a reset, a timeout) is no bug. It is logged all the same, with its traceback.
    """
    outer = log.caught()
    if not wanted or outer is not None:
        yield [] if outer is None else outer
        return
    bugs: list[BaseException] = []
    log.catch(bugs)
    try:
        yield bugs
    finally:
        log.catch(None)
    if bugs:
        raise bugs[0]
