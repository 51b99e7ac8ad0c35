"""Log records shown above the row that is being typed, instead of in it."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reactor import Reactor, ReactorError

from ...text.sanitize import sanitize


class _Above(logging.Handler):
    def __init__(self, reactor: Reactor, show: Callable[[str], None]) -> None:
        super().__init__()
        self._reactor = reactor
        self._show = show
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            for line in self.format(record).split("\n"):
                if threading.get_ident() == self._thread:
                    self._show(sanitize(line))
                else:
                    self._reactor.call_soon_threadsafe(self._show, sanitize(line))
        except ReactorError:
            pass  # it has ended, and the terminal with it
        except Exception:
            self.handleError(record)


@contextmanager
def log_above(reactor: Reactor, show: Callable[[str], None]) -> Iterator[None]:
    """Within it, log records that would go to a terminal on stderr are given to `show`, line by line."""
    root = logging.getLogger()
    replaced = [handler for handler in root.handlers if _is_on_terminal(handler)]
    if not replaced and (root.handlers or not (sys.stderr is not None and sys.stderr.isatty())):
        yield  # the log goes somewhere else
        return
    above = _Above(reactor, show)
    for handler in replaced:
        above.setFormatter(handler.formatter)
        root.removeHandler(handler)
    root.addHandler(above)
    try:
        yield
    finally:
        root.removeHandler(above)
        for handler in replaced:
            root.addHandler(handler)


def _is_on_terminal(handler: logging.Handler) -> bool:
    stream = getattr(handler, "stream", None)
    return stream is sys.stderr and stream is not None and stream.isatty()
