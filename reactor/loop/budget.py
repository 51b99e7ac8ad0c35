"""What all connections together may have waiting to be sent. Knows connections only as keys that can be ended.

Each connection has a limit of its own, but ten thousand stalled ones below it can still be all the memory there is.
Beyond the budget those that hold the most are ended, as many as it takes to be an eighth below it: so a fan-out to
thousands of slow peers pays for the search once in many writes, and a peer for whom nothing waits is never touched.

Only connections whose peer does not take what was sent are booked; all others are empty at the end of the tick.
"""

from __future__ import annotations

from typing import Protocol as Interface

from ..errors import LimitExceeded

OUTPUT_BUDGET = 256 * 1024 * 1024  # bytes: a quarter of the smallest machine that is sold, four of `Limits.output`
STEP = 4096  # bytes by which a blocked connection may grow before it is booked again: what 10,000 may owe is 40 MB


class Debtor(Interface):
    """What the budget asks of a connection."""

    def _lose(self, exc: Exception) -> None: ...


class OutputBudget:
    """The sum, and who holds how much of it. `limit` None: no bound."""

    def __init__(self, limit: int | None = OUTPUT_BUDGET) -> None:
        if limit is not None and not limit >= 0:
            raise ValueError(f"the output budget must not be negative: {limit!r}")
        self.limit = limit
        self.total = 0
        self.evicted = 0
        self.held: dict[Debtor, int] = {}  # empty as long as every peer takes what it is sent

    def book(self, debtor: Debtor, size: int) -> None:
        """`debtor` has `size` bytes waiting now. May end connections, it among them."""
        self.total += size - self.held.get(debtor, 0)
        self.held[debtor] = size
        if self.limit is not None and self.total > self.limit:
            self._relieve(self.limit)

    def release(self, debtor: Debtor) -> None:
        """`debtor` has nothing waiting, or is over."""
        self.total -= self.held.pop(debtor, 0)

    def _relieve(self, limit: int) -> None:
        total = self.total
        for debtor, size in sorted(self.held.items(), key=lambda item: item[1], reverse=True):
            if self.total <= limit - limit // 8:
                return
            self.evicted += 1
            debtor._lose(
                LimitExceeded(
                    f"{size} bytes of output waiting, the most of all: {total} are over the budget of {limit}"
                )
            )
