"""How much one person may say. Pure; callers pass the time and the key of the address."""

from __future__ import annotations

BILLED = 512  # bytes of what is no message that cost as much as one: more than keep-alives of an hour
ANSWER = 4096  # bytes of an answer that cost as much as a message: /who in a crowd is fifty kilobytes for five bytes
LONG = 512  # characters from which a message costs more than one: four lines of a terminal are still a thought

KEPT_ADDRESSES = 10_000  # addresses whose buckets are kept: 5 MiB. Beyond it the oldest are forgotten
KEPT_PER_ADDRESS = 63  # buckets of one address, less the last: four times as many as may be inside


def cost(text: str) -> int:
    """What a message takes out of the bucket.

    >>> cost("hi"), cost("x" * 2048)
    (1, 5)
    """
    return 1 + len(text) // LONG


class TokenBucket:
    """`burst` messages at once, then `rate` a second. What goes beyond waits; nothing is dropped."""

    __slots__ = ("_level", "_stamp", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = float(burst)
        self._stamp = now

    def spend(self, tokens: float, now: float) -> float:
        """Take `tokens`; gives the seconds to wait until the next message, 0.0 if it may come at once."""
        self._level = min(self.burst, self._level + (now - self._stamp) * self.rate) - tokens
        self._stamp = now
        return max(0.0, (1 - self._level) / self.rate)

    def is_full(self, now: float) -> bool:
        """Whether it is as good as a new one."""
        return self._level + (now - self._stamp) * self.rate >= self.burst


class KeptBuckets:
    """Buckets of people who have left, until they are full again: who comes back finds it as it was.

    Otherwise a flood would only have to hang up after each burst. Each newcomer from an address takes one of those that
    were left there.
    """

    def __init__(self) -> None:
        self._left: dict[str, list[TokenBucket]] = {}  # by the key of the address, in the order of leaving

    def __len__(self) -> int:
        return len(self._left)

    def leave(self, key: str, bucket: TokenBucket, now: float) -> None:
        """Somebody from the address of `key` goes. An empty key is nobody's."""
        if not key or bucket.is_full(now):
            return
        kept = [other for other in self._left.pop(key, []) if not other.is_full(now)]
        self._left[key] = [*kept[-KEPT_PER_ADDRESS:], bucket]
        if len(self._left) > KEPT_ADDRESSES:
            self._sweep(now)

    def take(self, key: str, now: float) -> TokenBucket | None:
        """The bucket of whoever left last; None for a new one."""
        left = self._left.get(key)
        if left is None:
            return None
        bucket = left.pop()
        if not left:
            del self._left[key]
        return None if bucket.is_full(now) else bucket

    def _sweep(self, now: float) -> None:
        self._left = {key: left for key, left in self._left.items() if not left[-1].is_full(now)}
        while len(self._left) > KEPT_ADDRESSES:
            del self._left[next(iter(self._left))]
