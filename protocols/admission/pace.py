"""How fast one person is heard: a bucket of tokens, and the clock that refills it. Knows no bytes."""

from __future__ import annotations

from collections.abc import Callable

from reactor import Reactor, Timer

from .buckets import BILLED, TokenBucket

LONGEST_WAIT = 60.0  # seconds in a row that messages may wait: a paste of 130 lines. Beyond it the sender is cut off,
# or what it left in the buffers would speak for hours, after it has gone as well
REST = 1.0  # seconds after a wait within which the next message has waited too: longer than a turn of the loop


class Pace:
    """`pay` for each message; while `waiting` the next may not come, and `on_paid` is called when it may."""

    __slots__ = ("_on_paid", "_paid_at", "_reactor", "_since", "_timer", "_unbilled", "bucket")

    def __init__(self, reactor: Reactor, bucket: TokenBucket, on_paid: Callable[[], None]) -> None:
        self._reactor = reactor
        self.bucket = bucket
        self._on_paid = on_paid
        self._timer: Timer | None = None
        self._since: float | None = None  # when the waiting began that has not ended since
        self._paid_at = 0.0  # when the last message was paid off
        self._unbilled = 0  # bytes that were no message, and too few for a token yet

    @property
    def waiting(self) -> bool:
        return self._timer is not None and self._timer.active

    def pay(self, tokens: int) -> bool:
        """Take what a message costs. False: this has gone on for too long."""
        now = self._reactor.time()
        rested = now - self._paid_at > REST
        wait = self.bucket.spend(tokens, now)
        self._paid_at = now + wait
        if not wait:
            self._since = None
            return True
        if self._since is None or rested:
            self._since = now
        if now - self._since > LONGEST_WAIT:
            return False
        self._wait(wait)
        return True

    def pay_for_waste(self, size: int) -> bool:
        """Take what bytes cost that were no message. False: this has gone on for too long."""
        tokens, self._unbilled = divmod(self._unbilled + size, BILLED)
        return not tokens or self.pay(tokens)

    def begin(self) -> None:
        """Wait already, where the bucket is one that somebody left empty."""
        if wait := self.bucket.spend(0, self._reactor.time()):
            self._wait(wait)

    def _wait(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._reactor.call_later(seconds, self._on_paid)
        else:
            self._timer.reset(seconds)

    def stop(self) -> None:
        """Call nobody any more, and refer to nobody."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._on_paid = None, _nobody


def _nobody() -> None:
    """Who is called once nobody is there."""
