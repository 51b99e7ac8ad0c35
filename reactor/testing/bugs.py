"""A bug in what is tested fails the test: what was caught and logged, and a wait that nobody can end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..boundary import log
from ..loop.futures import in_vain
from ..loop.loop import Loop

RAISED = True
"""Whether a reactor of the kit raises what the code under test has raised, unless it is told: `raise_bugs`."""


def expect_no_other_thread(loop: Loop) -> None:
    """Let the futures of `loop` suppose that the thread which makes it is the only one to run it: it is a test's."""
    mine = threading.current_thread()
    loop._promises.in_vain = lambda: in_vain(loop.runner.thread, mine)


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
