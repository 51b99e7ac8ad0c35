"""How much of messages that have not ended all WebSockets of a reactor hold together. Knows them as holders only.

A message that has begun has no deadline: who sends it may take its time, and answers pings meanwhile. So ten thousand
peers could have us hold ten thousand times `max_message`. To refuse who comes last would let them shut everybody else
out; instead those that hold the most are ended, as `reactor.loop.budget` does it for what waits to be sent. Among
equals the one whose message began first goes first: a message that is really being sent is not among them for long.
"""

from __future__ import annotations

from typing import Protocol as Interface
from weakref import WeakKeyDictionary

MAX_UNFINISHED = 256 * 1024 * 1024  # bytes: a quarter of the smallest machine that is sold, as for output
STEP = 4096
"""Bytes: a message is counted again each time it has grown by this. Uncounted, 10,000 peers hold 40 MB at most."""


class Holder(Interface):
    """What the sum asks of a WebSocket."""

    def give_up(self, reason: str) -> None: ...


class Unfinished:
    """The sum, and who holds how much of it."""

    def __init__(self) -> None:
        self.total = 0
        self._held: dict[Holder, int] = {}

    def count(self, holder: Holder, size: int, limit: int) -> None:
        """`holder` has `size` bytes now; nothing is a message that has ended. May give up holders, it among them."""
        self.total += size - self._held.get(holder, 0)
        if size:
            self._held[holder] = size
        else:
            self._held.pop(holder, None)
        if self.total > limit and size:
            self._relieve(limit)

    def _relieve(self, limit: int) -> None:
        """Until an eighth is free: so the search is paid for once in many messages."""
        total = self.total
        for holder, size in sorted(self._held.items(), key=lambda item: item[1], reverse=True):
            if self.total <= limit - limit // 8:
                return
            holder.give_up(f"{size} bytes of a message that has not ended: {total} of all are over the {limit} allowed")


_of: WeakKeyDictionary[object, Unfinished] = WeakKeyDictionary()


def unfinished_of(reactor: object) -> Unfinished:
    """The sum over all WebSockets on `reactor`."""
    found = _of.get(reactor)
    if found is None:
        found = _of[reactor] = Unfinished()
    return found
