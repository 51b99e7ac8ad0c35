"""Whether and when to try again, as curl's --retry has it. Pure."""

from __future__ import annotations

import argparse

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

    def __init__(self, options: argparse.Namespace, now: float) -> None:
        self._options = options
        self._begun = now
        self.used = 0

    def may_try_status(self, status: int) -> bool:
        """Whether an answer with this status is not wanted yet."""
        return status in TRANSIENT and self.used < self._options.retry

    def pause(self, error: BaseException, now: float) -> float | None:
        """Seconds until the next try; None where there is none."""
        options = self._options
        if self.used >= options.retry or not self._is_transient(error):
            return None
        wait: float = min(2.0**self.used, LONGEST) if options.retry_delay is None else options.retry_delay
        if (asked := getattr(error, "retry_after", None)) is not None:
            wait = max(wait, asked)
        if options.retry_max_time is None:
            if asked is not None and asked > LONGEST:
                return None
        elif now + wait - self._begun > options.retry_max_time:
            return None
        self.used += 1
        return wait

    def _is_transient(self, error: BaseException) -> bool:
        if isinstance(error, TryAgain | FetchTimeout):
            return True
        if self._options.retry_all_errors:
            return isinstance(error, HTTPError)
        return bool(self._options.retry_connrefused) and "Connection refused" in str(error)
