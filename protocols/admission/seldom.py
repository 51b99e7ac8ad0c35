"""Which of many like events are told, and how many were not. Pure; callers pass the time.

What strangers can cause at will (a refusal, a knock of the wrong protocol) must not fill a disk with log lines: the
first of a kind from an address are told in each minute, the rest are counted.
"""

from __future__ import annotations

AT_ONCE = 10  # events of one kind and address told in one period: enough to see what it is
PERIOD = 60.0  # seconds
MOST = 600  # events told in one period in all, from however many addresses: 100 MB of log a day
KINDS = 1024  # kinds and addresses remembered; beyond it the one is forgotten that began first


class Seldom:
    """Counts events by a key of the caller's.

    >>> seldom = Seldom(at_once=1, period=60.0)
    >>> [seldom.tell("x", now) for now in (0.0, 1.0, 2.0, 60.0)]
    [0, None, None, 2]
    """

    def __init__(self, at_once: int = AT_ONCE, period: float = PERIOD, kinds: int = KINDS, *, most: int = MOST) -> None:
        self._at_once = at_once
        self._period = period
        self._kinds = kinds
        self._left = self._most = most
        self._began = 0.0  # the period of all
        self._seen: dict[object, tuple[float, int, int]] = {}  # when its period began, how many were told in it, or not

    def tell(self, key: object, now: float) -> int | None:
        """An event. None: it is not to be told. Else it is, with the number of those that were not before it."""
        began, told, untold = self._seen.get(key, (now, 0, 0))
        if now - began >= self._period:
            began, told = now, 0
            self._seen.pop(key, None)
        if told >= self._at_once or not self._take(now):
            self._seen[key] = began, told, untold + 1
            return self._bounded(None)
        self._seen[key] = began, told + 1, 0
        return self._bounded(untold)

    def _take(self, now: float) -> bool:
        if now - self._began >= self._period:
            self._began, self._left = now, self._most
        self._left -= 1
        return self._left >= 0

    def _bounded(self, answer: int | None) -> int | None:
        if len(self._seen) > self._kinds:
            del self._seen[next(iter(self._seen))]
        return answer
