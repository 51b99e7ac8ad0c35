"""How often one may guess, on a connection and from an address. Pure; callers pass the time. Loopback is not exempt.

Behind one address there may be a school, so three slips of a pupil must not shut out its teacher: after them that
connection waits. Another connection costs a guesser nothing, so the address has a bound as well. It is wider at first,
and no wider in the long run: a connection may guess three times in ten minutes, and all of an address together get one
guess back every 200 s, which is three in ten minutes.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple, TypeVar

from . import addresses

TRIES = 3  # of a connection: a slip, another keyboard, and one more
WAIT = 600.0  # seconds: 430 guesses a day from one address, of the hundred thousand that even a bad password takes
ADDRESS_TRIES = 12  # of an address at once: four connections that slip, before those get less who have not guessed yet
MAX_ADDRESSES = 4096  # kept in mind, and as many connections, 1 MB each; beyond it who has waited longest is forgotten

K = TypeVar("K")
V = TypeVar("V")


class Wait(NamedTuple):
    """For how many seconds somebody may not try: because of what it did itself, or of others from its address too."""

    seconds: float
    by_others: bool = False


class Attempts:
    """Counts wrong tries.

    tries, wait: after so many of a connection in a row, `wait` seconds apart at most, it waits for as long.
    of_address: so many has an address, IPv6 by /64; one comes back every `wait / tries` seconds.

    >>> attempts = Attempts(tries=1, wait=64.0, of_address=2)
    >>> [attempts.begin("192.0.2.1", "Max", now) for now in (0.0, 10.0)]
    [None, Wait(seconds=54.0, by_others=False)]
    >>> [attempts.begin("192.0.2.1", name, 10.0) for name in ("Ada", "Eve")]
    [None, Wait(seconds=54.0, by_others=True)]
    """

    def __init__(
        self, tries: int = TRIES, wait: float = WAIT, limit: int = MAX_ADDRESSES, *, of_address: int = ADDRESS_TRIES
    ) -> None:
        self.tries = tries
        self.wait = wait
        self.limit = limit
        self.of_address = of_address
        self._wrong: dict[Hashable, tuple[int, float]] = {}  # how many, and when the last was; in the order of the last
        self._used: dict[str, tuple[float, float]] = {}  # the same by address: how many have not come back yet

    def begin(self, address: str, connection: Hashable, now: float) -> Wait | None:
        """Somebody is about to try; gives how long it has to wait instead, None if it may.

        It counts as wrong until `right` is called: several at once are as many tries.
        """
        count, stamp = self._wrong.get(connection, (0, now))
        left = stamp + self.wait - now
        if count >= self.tries and left > 0:
            return Wait(left)
        key, used = addresses.key(address), self._used_by(address, now)
        if used > self.of_address - 1:
            return Wait((used + 1 - self.of_address) * self.wait / self.tries, by_others=True)
        _put(self._wrong, connection, ((count + 1 if left > 0 else 1), now), self.limit)
        _put(self._used, key, (used + 1, now), self.limit)
        return None

    def _used_by(self, address: str, now: float) -> float:
        used, stamp = self._used.get(addresses.key(address), (0.0, now))
        return max(0.0, used - (now - stamp) * self.tries / self.wait)

    def left(self, address: str, connection: Hashable, now: float) -> int:
        """How many tries are left before it waits."""
        of_address = int(self.of_address - self._used_by(address, now))
        return max(0, min(self.tries - self._wrong.get(connection, (0, 0.0))[0], of_address))

    def right(self, address: str, connection: Hashable) -> None:
        """It was the password: this connection begins anew, and of its address this try does not count."""
        self._wrong.pop(connection, None)
        key = addresses.key(address)
        used, stamp = self._used.pop(key, (0.0, 0.0))
        if used > 1:
            self._used[key] = used - 1, stamp

    def __len__(self) -> int:
        return max(len(self._wrong), len(self._used))


def _put(kept: dict[K, V], key: K, value: V, limit: int) -> None:
    """As the last; the first is forgotten where there are too many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > limit:
        del kept[next(iter(kept))]
