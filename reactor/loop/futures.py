"""Completes futures that others may cancel. Knows no loop."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from typing import Any


def settle(future: Future[Any], result: Any = None, error: BaseException | None = None) -> None:
    """Complete a future, unless it was cancelled (which any thread may do at any moment) or is complete."""
    try:
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
    except InvalidStateError:
        pass
