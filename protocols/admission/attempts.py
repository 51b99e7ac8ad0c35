"""How often an address may guess. Pure; callers pass the time and the address. Loopback is not exempt."""

from __future__ import annotations

from . import addresses

TRIES = 3  # a slip, another keyboard, and one more
WAIT = 600.0  # seconds: 430 guesses a day from one address, of the hundred thousand that even a bad password takes
MAX_ADDRESSES = 4096  # kept in mind, 1 MB; beyond it the one is forgotten that has waited longest


class Attempts:
    """Counts wrong tries by address, IPv6 by /64. After `tries` in a row, `wait` seconds apart at most, it waits.

    >>> attempts = Attempts(tries=1, wait=60.0)
    >>> [attempts.begin("192.0.2.1", now) for now in (0.0, 10.0, 60.0)]
    [0.0, 50.0, 0.0]
    """

    def __init__(self, tries: int = TRIES, wait: float = WAIT, limit: int = MAX_ADDRESSES) -> None:
        self.tries = tries
        self.wait = wait
        self.limit = limit
        self._wrong: dict[str, tuple[int, float]] = {}  # how many, and when the last was; in the order of the last

    def begin(self, address: str, now: float) -> float:
        """Somebody is about to try; gives the seconds to wait instead, 0.0 if it may.

        It counts as wrong until `right` is called: several at once are as many tries.
        """
        key = addresses.key(address)
        count, stamp = self._wrong.get(key, (0, now))
        left = stamp + self.wait - now
        if count >= self.tries and left > 0:
            return left
        self._wrong.pop(key, None)
        self._wrong[key] = (count + 1 if left > 0 else 1), now
        if len(self._wrong) > self.limit:
            del self._wrong[next(iter(self._wrong))]
        return 0.0

    def left(self, address: str) -> int:
        """How many tries are left before it waits."""
        return self.tries - self._wrong.get(addresses.key(address), (0, 0.0))[0]

    def right(self, address: str) -> None:
        """It was the password: what was wrong before is forgotten."""
        self._wrong.pop(addresses.key(address), None)

    def __len__(self) -> int:
        return len(self._wrong)
