"""Whether and when to try again, as curl's --retry has it. Pure."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ..client.failures import FetchTimeout
from ..client.response import Response
from ..errors import HTTPError

TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})  # what may be over when it is asked for again
LONGEST = 600.0  # seconds between two tries, whoever asks for more: a script that seems to hang for a day is of no use


class TryAgain(HTTPError):
    """The answer is one of those that may be another soon."""

    def __init__(self, response: Response, message: str) -> None:
        super().__init__(message)
        self.retry_after = response.retry_after


class Retries:
    """What is left of the tries of one URL."""

    def __init__(self, options: argparse.Namespace, clock: Callable[[], float]) -> None:
        self._options = options
        self.clock = clock
        self._begun = clock()
        self.used = 0

    def wants_another(self, response: Response) -> bool:
        """Whether an answer is not wanted yet, and may be asked for again: if not, it is the answer."""
        options, status = self._options, response.status
        fails = options.fail and options.retry_all_errors and status >= 400
        return (status in TRANSIENT or fails) and self._wait(response.retry_after) is not None

    def pause(self, error: BaseException) -> float | None:
        """Seconds until the next try, which is counted; None where there is none."""
        wait = self._wait(getattr(error, "retry_after", None)) if self._is_transient(error) else None
        if wait is not None:
            self.used += 1
        return wait

    def _wait(self, asked: float | None) -> float | None:
        options = self._options
        if self.used >= options.retry:
            return None
        wait: float = min(2.0**self.used, LONGEST) if options.retry_delay is None else options.retry_delay
        if asked is not None:
            wait = max(wait, asked)
        if options.retry_max_time is None:
            if asked is not None and asked > LONGEST:
                return None
        elif self.clock() + wait - self._begun > options.retry_max_time:
            return None
        return wait

    def _is_transient(self, error: BaseException) -> bool:
        if isinstance(error, TryAgain | FetchTimeout):
            return True
        if self._options.retry_all_errors:
            return isinstance(error, HTTPError)
        return bool(self._options.retry_connrefused) and "Connection refused" in str(error)
