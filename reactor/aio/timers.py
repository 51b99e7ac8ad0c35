"""asyncio's timers, in a heap of tuples: those are compared by C, a TimerHandle by a method of Python.

A server sets a timer for each request and cancels it with the next, and each that is taken off a heap of some fifty is
compared seven times. Knows of asyncio its TimerHandle.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any

MANY = 100  # timers from which on the cancelled ones are swept out, once they are half of them


class TimerQueue:
    """The timers of one loop, `aio`, by time, ties in order of arrival.

    `heap` is for a look whether there is any.
    """

    def __init__(self, aio: Any) -> None:
        self._aio = aio
        self._number = count()
        self.heap: list[tuple[float, int, Any]] = []

    def add(self, handle: Any) -> None:
        """A timer that is new."""
        heappush(self.heap, (handle._when, next(self._number), handle))
        handle._scheduled = True  # so that the loop counts it if it is cancelled

    def adopt(self, handles: list[Any]) -> None:
        """Take over what asyncio has put into a list of its own, as it does in debug mode."""
        for handle in handles:
            self.add(handle)
        handles.clear()

    def first(self) -> float | None:
        """When the next is due. Those before it that were cancelled are let go."""
        heap = self.heap
        while heap and heap[0][2]._cancelled:
            self._take()
        return heap[0][0] if heap else None

    def due(self, end: float) -> list[Any]:
        """Those whose time comes before `end`, taken out."""
        heap, found = self.heap, []
        while heap and heap[0][0] < end:
            handle = self._take()
            if not handle._cancelled:
                found.append(handle)
        return found

    def sweep(self) -> None:
        """Cancelled ones are let go once they are half of all."""
        aio, heap = self._aio, self.heap
        if 2 * aio._timer_cancelled_count > len(heap):
            for _, _, handle in heap:
                if handle._cancelled:
                    handle._scheduled = False
            heap[:] = [entry for entry in heap if not entry[2]._cancelled]
            heapify(heap)
            aio._timer_cancelled_count = 0

    def _take(self) -> Any:
        handle = heappop(self.heap)[2]
        handle._scheduled = False
        if handle._cancelled:
            self._aio._timer_cancelled_count -= 1
        return handle
