"""Tools for testing protocols: time that is moved instead of waited for, and a protocol that writes down its life.

    reactor = SteppedReactor()
    listener = reactor.listen_tcp(MyProtocol, "127.0.0.1", 0, timeouts=Timeouts(idle=300))
    ...
    reactor.advance(300)      # five minutes pass at once; everything due in between happens, in order

The loop is the real one: only its clock and its poller are given. Needs no test framework.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .poller import Handler, Poller, default_poller
from .protocol import Protocol
from .reactor import Reactor

PATIENCE = 0.001  # real seconds without an event after which the kernel is taken to have delivered everything


class FakeClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass. Never back."""
        if not seconds >= 0:
            raise ValueError(f"time does not run back: {seconds!r}")
        self.now += seconds


class SteppedPoller:
    """A poller that never sleeps: where the loop would wait for its next deadline, the clock jumps there."""

    def __init__(self, clock: FakeClock, poller: Poller | None = None) -> None:
        self._clock = clock
        self._poller = poller or default_poller()
        self.jumping = True
        self.idle = False
        self.is_busy: Callable[[], bool] = lambda: False
        self.register = self._poller.register
        self.modify = self._poller.modify
        self.unregister = self._poller.unregister
        self.close = self._poller.close

    def poll(self, timeout: float | None) -> list[tuple[Handler, int]]:
        """What is ready now; a real wait lasts PATIENCE at most."""
        events = self._poller.poll(PATIENCE if timeout is None else min(timeout, PATIENCE))
        self.idle = not events and timeout != 0
        if self.idle and self.jumping and timeout is not None and not self.is_busy():
            self._clock.advance(timeout)
        return events


class SteppedReactor(Reactor):
    """A reactor whose time passes only in `advance`, and in `run` and `run_until` where they would wait."""

    def __init__(self, poller: Poller | None = None) -> None:
        self._fake = FakeClock()
        self._stepped = SteppedPoller(self._fake, poller)
        super().__init__(clock=self._fake, poller=self._stepped)
        self._stepped.is_busy = lambda: self.pending_jobs() > 0  # a thread takes real time: ours must not run on

    def settle(self) -> None:
        """Let everything happen that needs no time to pass."""
        self._stepped.jumping = False
        try:
            self.tick()
            while not self._stepped.idle:
                self.tick()
        finally:
            self._stepped.jumping = True

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass; what is due in between happens at its time."""
        end = self._fake.now + seconds
        self.settle()
        while (deadline := self.timers.next_deadline()) is not None and deadline <= end:
            self._fake.now = max(self._fake.now, deadline)
            self.settle()
        self._fake.now = end
        self.settle()


class Recorder(Protocol):
    """Writes down every callback: `events` holds their names, `data` all bytes received, `lost` what ended it."""

    def __init__(self, keep_open: bool = False) -> None:
        self.events: list[str] = []
        self.data = b""
        self.transport: Any = None
        self.lost: Exception | None = None
        self._keep_open = keep_open

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.events.append("connection_made")

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.events.append("data_received")

    def eof_received(self) -> bool:
        self.events.append("eof_received")
        return self._keep_open

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = exc
        self.events.append("connection_lost")

    def pause_writing(self) -> None:
        self.events.append("pause_writing")

    def resume_writing(self) -> None:
        self.events.append("resume_writing")
