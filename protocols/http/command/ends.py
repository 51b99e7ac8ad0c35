"""The signals that end the program. A download must not be left half under a hidden name by any of them."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT

ENDING = [
    getattr(signal, name)
    for name in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGVTALRM")
    if hasattr(signal, name)
]
"""Those that end a process which does nothing about them, besides Ctrl-C, and may come from outside."""


class Terminated(SystemExit):
    """A signal came. An exit goes through whatever runs at the moment, the reactor's boundary to callbacks included."""

    def __init__(self, signum: int) -> None:
        self.status = 128 + signum  # for the shell
        super().__init__(self.status)


class EndingSignals:
    """While it lasts, a signal that would end the process raises Terminated. What is ignored (nohup) stays ignored."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for signum in ENDING:
            if signum == signal.SIGTERM or signal.getsignal(signum) is signal.SIG_DFL:
                self._before[signum] = signal.signal(signum, self._on_signal)
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # while our modules were imported
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *exc_info: object) -> None:
        for signum, handler in self._before.items():
            if handler is not None:
                signal.signal(signum, handler)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        raise Terminated(signum)
