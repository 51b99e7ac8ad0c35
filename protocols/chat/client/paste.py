"""Lines that are typed faster than a server hears them: they go out at its pace, and are shown when they are sent.

Our server lets ten lines come at once and two a second after that, and sends away who has it waiting for a minute: a
paste of 140 lines was the end of the evening, and of one of 40 the sender's screen said that all was read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from reactor import Reactor, Timer

from ...admission.buckets import TokenBucket, cost

RATE, BURST = 2.0, 8.0  # lines a second, and at once: the server's own, less what /nick and /join at the start cost
TOLD = 4  # waiting lines about which a word is said: they take two seconds


class Paste:
    """What waits to be sent. send: sends a line. said: shows that. note: tells the person something."""

    def __init__(
        self, reactor: Reactor, send: Callable[[str], None], said: Callable[[str], None], note: Callable[[str], None]
    ) -> None:
        self._reactor = reactor
        self._send = send
        self._said = said
        self._note = note
        self._bucket = TokenBucket(RATE, BURST, reactor.time())
        self._waiting: deque[str] = deque()
        self._timer: Timer | None = None
        self._told = False

    def take(self, line: str) -> bool:
        """Whether `line` may be sent now; else it waits, and is sent by itself."""
        wait = self._bucket.spend(0, self._reactor.time())
        if not wait and not self._waiting:
            self._bucket.spend(cost(line), self._reactor.time())
            return True
        self._waiting.append(line)
        if self._timer is None or not self._timer.active:
            self._timer = self._reactor.call_later(wait, self._go_on)
        if len(self._waiting) == TOLD and not self._told:
            self._told = True
            self._reactor.call_soon(self._tell)
        return False

    def give_up(self) -> None:
        """Nothing more can be sent: the person is told of what was not."""
        count = len(self._waiting)
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        if count:
            self._note(f"not sent: {count} {'line' if count == 1 else 'lines'} that waited")

    def _tell(self) -> None:
        if count := len(self._waiting):
            self._note(f"{count} lines wait, {RATE:g} a second are sent; exit leaves without the rest")

    def _go_on(self) -> None:
        line = self._waiting.popleft()
        wait = self._bucket.spend(cost(line), self._reactor.time())
        self._send(line)
        self._said(line)
        if self._waiting:
            self._timer = self._reactor.call_later(wait, self._go_on)
        else:
            self._told = False
