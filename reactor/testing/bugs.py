"""A bug in what is tested fails the test: what was caught and logged, and a wait that nobody can end."""

from __future__ import annotations

import threading

from ..boundary import log
from ..loop.futures import in_vain
from ..loop.loop import Loop

RAISED = True
"""Whether a reactor of the kit raises what the code under test has raised, unless it is told: `raise_bugs`."""


def expect_no_other_thread(loop: Loop) -> None:
    """Let the futures of `loop` suppose that the thread which makes it is the only one to run it: it is a test's."""
    mine = threading.current_thread()
    loop._promises.in_vain = lambda: in_vain(loop.runner.thread, mine)


class raised:
    """Raise afterwards the first exception of a callback, factory, timer or call that was caught and logged meanwhile.

    A peer's fault (PeerError, a reset, a timeout) is no bug. It is logged all the same, with its traceback. A class, as
    a generator would cost each round of a simulation a tenth more.
    """

    __slots__ = ("_bugs", "_is_own")

    def __init__(self, wanted: bool) -> None:
        outer = log.caught()
        self._bugs: list[BaseException] = [] if outer is None else outer
        self._is_own = wanted and outer is None

    def __enter__(self) -> list[BaseException]:
        if self._is_own:
            log.catch(self._bugs)
        return self._bugs

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._is_own:
            log.catch(None)
            if self._bugs and error is None:
                raise self._bugs[0]
