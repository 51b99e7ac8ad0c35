"""The real reactor on real sockets, with a clock that is moved. For what only the kernel can tell: real addresses,
real buffers. Where that does not matter, `MemoryReactor` is faster and sees every error there is.

A peer of the same thread has answered once the kernel has delivered what was sent, and `Loopback` tells when. One in
another thread or process may need real time, and our clock would run away from it: give such a test the `patience` to
wait for it.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..loop.kernel import default_poller
from ..loop.poller import Poller
from ..reactor import Reactor
from . import bugs
from .clock import FakeClock

PAUSE = 0.001  # real seconds to wait where another thread must do something first, be it one of the kernel's
DELIVERY = 1.0  # real seconds after which a datagram on loopback is lost; it takes microseconds


class Loopback:
    """Tells when what was sent to this machine's own addresses has been delivered.

    A kernel may do so after `send` has returned, Linux before 6.4 where it has much to receive. A datagram to ourselves
    comes behind all that was sent before it, as far as the kernel has one queue (`has_one_queue`).
    """

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with suppress(OSError):  # a machine without 127.0.0.1 delivers nothing by it
            self._sock.bind(("127.0.0.1", 0))
            self._sock.connect(self._sock.getsockname())
        self._sock.settimeout(DELIVERY)
        self.close = self._sock.close

    def wait(self) -> None:
        with suppress(OSError):
            self._sock.send(b".")
            self._sock.recv(1)


@functools.cache
def has_one_queue() -> bool:
    """Whether loopback has one queue, and no processors among which it is shared out: Linux, without RPS."""
    try:
        return not Path("/sys/class/net/lo/queues/rx-0/rps_cpus").read_text().strip("0,\n")
    except OSError:
        return False


class SteppedPoller:
    """A poller that never sleeps: where the loop would wait for its next deadline, the clock jumps there."""

    def __init__(self, clock: FakeClock, poller: Poller | None = None, patience: float | None = None) -> None:
        if patience is not None and not patience > 0:
            raise ValueError(f"patience is a number of seconds above 0, not {patience!r}")
        self._patience = patience
        self._clock = clock
        self._loopback = Loopback()
        self._poller = poller or default_poller()
        self.jumping = True
        self.idle = False
        self.is_busy: Callable[[], bool] = lambda: False
        self.tell = self._poller.tell
        self.register = self._poller.register
        self.modify = self._poller.modify
        self.unregister = self._poller.unregister

    def close(self) -> None:
        self._loopback.close()
        self._poller.close()

    def poll(self, timeout: float | None) -> list[Any]:
        """What is ready, and what comes of what was sent; a real wait is for other threads and processes."""
        events = self._poller.poll(0)
        if not events and timeout != 0:
            self._loopback.wait()
            events = self._poller.poll(self._pause(timeout))
        self.idle = not events and timeout != 0
        if self.idle and self.jumping and timeout is not None and not self.is_busy():
            self._clock.advance(timeout)
        return events

    def _pause(self, timeout: float | None) -> float:
        """Real seconds to wait for an event."""
        if self._patience is not None:
            return self._patience
        waits = self.is_busy() or (self.jumping and timeout is None)  # another thread is to be given the processor
        return PAUSE if waits or not has_one_queue() else 0


class SteppedReactor(Reactor):
    """A reactor whose time passes only in `advance`, and in `run` and `run_until` where they would wait.

    patience: real seconds without an event until time passes there, and until `settle` returns; more than a peer in
    another thread or process takes to answer. None: there is no such peer.
    What the code under test raises in a callback is raised by whichever of these runs it, unless `raise_bugs` is false.
    """

    def __init__(
        self, poller: Poller | None = None, *, raise_bugs: bool | None = None, patience: float | None = None
    ) -> None:
        self._raise_bugs = bugs.RAISED if raise_bugs is None else raise_bugs
        self._fake = FakeClock()
        self._stepped = SteppedPoller(self._fake, poller, patience)
        super().__init__(clock=self._fake, poller=self._stepped)
        bugs.expect_no_other_thread(self)
        self._stepped.is_busy = lambda: self._jobs.pending > 0  # a thread takes real time: ours must not run on

    def _tick(self, forever: bool = False, *args: Any, **options: Any) -> None:
        if not self._running:  # as under `run`: the program's code finds a loop that runs in this thread
            return self._run_here(lambda: self._tick(forever, *args, **options))
        with bugs.raised(self._raise_bugs) as found:
            while True:
                super()._tick(False, *args, **options)
                if not forever or self._stopping or found:
                    return

    def __exit__(self, *exc_info: object) -> None:
        self.close()  # without a word about a loop that never ran: a test need not

    def close(self) -> None:
        """As `Reactor.close`. Raises what a `connection_lost` raises."""
        with bugs.raised(self._raise_bugs):
            super().close()

    def settle(self) -> None:
        """Let everything happen that needs no time to pass."""
        self._stepped.jumping = False
        try:
            self._tick()
            while not self._stepped.idle:
                self._tick()
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
