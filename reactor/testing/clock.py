"""Time that is moved instead of waited for."""

from __future__ import annotations


class FakeClock:
    """A clock that stands still until it is told to move. What a reactor is given as `clock`.

    >>> clock = FakeClock(now=100.0)
    >>> clock.advance(2.5)
    >>> clock()
    102.5
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass. Never back: raises ValueError."""
        if not seconds >= 0:
            raise ValueError(f"time does not run back: {seconds!r}")
        self.now += seconds
