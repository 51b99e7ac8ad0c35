"""Lines typed or pasted at the console, acted on at a pace that all who hear them can take. Knows no terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from reactor import Reactor, Timer

from ...admission.buckets import TokenBucket, cost
from ...admission.pace import LONGEST_WAIT, Pace
from ...text.faults import Fault

BURST = 50.0  # lines at once: a page of rules. What everybody is told is at most 100 KiB then, less than evicts anybody
RATE = 20.0  # lines a second from then on: 40 KiB at most, which a slow line still takes
CALM = 1.0  # seconds without input after which a paste that was too much is over


class Typing:
    """`take` lines; `act` is called for each in its turn, `pause` when the next one has to wait or has not.

    What would take a minute is dropped, and `tell` has a word for it.
    """

    def __init__(
        self,
        reactor: Reactor,
        act: Callable[[str | Fault], None],
        tell: Callable[[str], None],
        pause: Callable[[bool], None],
    ) -> None:
        self._reactor = reactor
        self._act = act
        self._tell = tell
        self._pause = pause
        self._pace = Pace(reactor, TokenBucket(RATE, BURST, reactor.time()), self._go_on)
        self._lines: deque[str | Fault] = deque()
        self._dropped = 0  # lines of a paste that was too much
        self._calm: Timer | None = None  # runs while lines are dropped

    def take(self, lines: list[str | Fault]) -> None:
        """These were typed."""
        self._lines.extend(lines)
        if self._calm is not None:
            self._calm.reset(CALM)
        self._go_on()

    def stop(self) -> None:
        """Call nobody any more."""
        self._pace.stop()
        if self._calm is not None:
            self._calm.cancel()

    def _go_on(self) -> None:
        while self._lines and not self._pace.waiting:
            if self._calm is not None:
                self._dropped += len(self._lines)
                self._lines.clear()
            else:
                self._take_one(self._lines.popleft())
        self._pause(self._pace.waiting)

    def _take_one(self, item: str | Fault) -> None:
        self._act(item)
        if not self._pace.pay(cost(item) if isinstance(item, str) else 1):
            self._calm = self._reactor.call_later(CALM, self._on_calm)

    def _on_calm(self) -> None:
        self._calm = None
        self._tell(
            f"that was too much at once: {self._dropped:,} lines of it, after {LONGEST_WAIT:.0f} seconds, went nowhere"
        )
        self._dropped = 0
