"""Which of many like events are told, and how many were not. Pure; callers pass the time.

What strangers can cause at will (a refusal, a knock of the wrong protocol) must not fill a disk with log lines: the
first of a kind from an address are told in each minute, the rest are counted.
"""

from __future__ import annotations

AT_ONCE = 10  # events of one kind and address told in one period: enough to see what it is
PERIOD = 60.0  # seconds
KINDS = 1024  # kinds and addresses remembered; beyond it the one is forgotten that began first


class Seldom:
    """Counts events by a key of the caller's.

    >>> seldom = Seldom(at_once=1, period=60.0)
    >>> [seldom.tell("x", now) for now in (0.0, 1.0, 2.0, 60.0)]
    [0, None, None, 2]
    """

    def __init__(self, at_once: int = AT_ONCE, period: float = PERIOD, kinds: int = KINDS) -> None:
        self._at_once = at_once
        self._period = period
        self._kinds = kinds
        self._seen: dict[object, tuple[float, int]] = {}  # when the period began, and how many there were in it

    def tell(self, key: object, now: float) -> int | None:
        """An event. None: it is not to be told. Else it is, with the number of those that were not before it."""
        began, count = self._seen.get(key, (now, 0))
        untold = 0
        if now - began >= self._period:
            untold, began, count = max(0, count - self._at_once), now, 0
            self._seen.pop(key, None)
        self._seen[key] = began, count + 1
        if len(self._seen) > self._kinds:
            del self._seen[next(iter(self._seen))]
        return untold if count < self._at_once else None
