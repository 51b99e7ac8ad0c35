"""What asyncio's loop does in each round of the reactor's: what was noted in step 2, its timers, its calls.

Knows nothing of transports. The round itself stands once, in `reactor.loop.loop`.
"""

from __future__ import annotations

import logging
from asyncio.base_events import _format_handle  # type: ignore[attr-defined]
from collections.abc import Callable
from heapq import heapify, heappop
from typing import Any

from ..loop.loop import MAX_WAIT

log = logging.getLogger("asyncio")

MANY = 100  # timers from which on the cancelled ones are swept out, once they are half of them


class AsyncioGuest:
    """The part of one loop of asyncio's, `aio`, in the rounds of its reactor."""

    def __init__(self, aio: Any) -> None:
        self._aio = aio
        self.queue = aio._ready
        self._scheduled = aio._scheduled
        self.serve = self._server()

    def longest(self, now: float) -> float:
        """Until asyncio's next timer."""
        aio, scheduled = self._aio, self._scheduled
        while scheduled and scheduled[0]._cancelled:
            aio._timer_cancelled_count -= 1
            heappop(scheduled)._scheduled = False
        return min(max(scheduled[0]._when - now, 0.0), MAX_WAIT) if scheduled else MAX_WAIT

    def _server(self) -> Callable[[float], None]:
        """`serve`, with its names at hand: a round with one call costs 1.6 microseconds in all."""
        aio, ready, scheduled, resolution = self._aio, self.queue, self._scheduled, self._aio._clock_resolution
        selector, take = aio._reactor_selector, ready.popleft
        found = selector.ready

        def serve(now: float) -> None:
            if found:
                aio._process_events(selector.take())
            if scheduled and scheduled[0]._when < now + resolution:
                self._make_ready(now + resolution)
            for _ in range(len(ready)):  # a snapshot: what they add has its turn in the next round
                handle = take()
                if not handle._cancelled:
                    if aio._debug:
                        self._run_timed(handle)
                    else:
                        handle._run()
            if aio._timer_cancelled_count > MANY:
                self._sweep()

        return serve

    def _make_ready(self, end: float) -> None:
        aio, scheduled = self._aio, self._scheduled
        while scheduled and scheduled[0]._when < end:
            handle = heappop(scheduled)
            handle._scheduled = False
            if handle._cancelled:
                aio._timer_cancelled_count -= 1
            else:
                self.queue.append(handle)

    def _sweep(self) -> None:
        """Timers that were cancelled are let go once they are half of all."""
        aio, scheduled = self._aio, self._scheduled
        if 2 * aio._timer_cancelled_count > len(scheduled):
            for handle in scheduled:
                if handle._cancelled:
                    handle._scheduled = False
            scheduled[:] = [handle for handle in scheduled if not handle._cancelled]
            heapify(scheduled)
            aio._timer_cancelled_count = 0

    def _run_timed(self, handle: Any) -> None:
        aio = self._aio
        aio._current_handle = handle
        began = aio.time()
        try:
            handle._run()
            took = aio.time() - began
            if took >= aio.slow_callback_duration:
                log.warning("Executing %s took %.3f seconds", _format_handle(handle), took)
        finally:
            aio._current_handle = None
