"""Reactors in memory that share a clock and a network, and what moves them: round after round, then a jump in time.

Every host is a real `Reactor`; only its clock, its poller and its kernel are given. A round gives each host one tick.
When a round finds nothing to do, the clock jumps to the next deadline of anybody, so no wait takes any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any, NoReturn

from ..errors import ReactorError
from ..loop.loop import MAX_WAIT
from ..reactor import Reactor
from ..transports.datagram import DatagramTransport
from ..transports.stream import StreamTransport
from . import bugs
from .clock import FakeClock
from .network import Machine, Network
from .poller import MemoryPoller

ROUNDS = 100_000  # rounds at one moment of time: no chain of events is so long, a loop that spins is longer


class SimulationError(ReactorError):
    """A run in memory cannot go on. The message says where it stands."""


class Deadlock(SimulationError):
    """Nothing can happen any more: nothing is on the wire, and no timer is set."""


class Livelock(SimulationError):
    """Something happens all the time, and time does not pass: somebody spins."""


class OutOfTime(SimulationError, TimeoutError):
    """What was waited for did not come in time."""


class Host(Reactor):
    """One reactor in a world. It has no descriptor of the process, no thread and no signals."""

    _kernel: Machine
    poller: MemoryPoller

    def __init__(self, world: World, machine: Machine) -> None:
        self.world = world
        self.name = machine.name
        super().__init__(clock=world.clock, kernel=machine)
        bugs.expect_no_other_thread(self)

    def settle(self) -> None:
        """Let everything happen, everywhere, that needs no time to pass."""
        self.world.settle()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass everywhere; what is due in between happens at its time."""
        self.world.advance(seconds)

    def _tick(self, forever: bool = False, longest: float = MAX_WAIT) -> None:
        """One round of this host; or, as `run` and `run_until` do, of all hosts until this one is stopped."""
        if forever:
            self.world.run_until(lambda: self._stopping)
        elif self._running:
            super()._tick(False, longest)
        else:  # as under `run`: the program's code finds a loop that runs in this thread
            self._run_here(partial(super()._tick, False, longest))

    def __exit__(self, *exc_info: object) -> None:
        self.close()  # without a word about a loop that never ran: a test need not

    def close(self) -> None:
        """As `Reactor.close`. Raises what a `connection_lost` raises."""
        with bugs.raised(self.world.raise_bugs):
            super().close()

    def open_stdio(self, *args: Any, **options: Any) -> StreamTransport:
        """Raises ReactorError: a host in memory has no terminal."""
        raise ReactorError("a host in memory has no standard input and output")

    def open_udp(self, *args: Any, **options: Any) -> DatagramTransport:
        """Raises ReactorError: this network has no datagrams. A `sock` of the test's own must be of this machine."""
        if options.get("sock") is None:
            raise ReactorError("a host in memory has no datagram sockets: SteppedReactor has the kernel's")
        return super().open_udp(*args, **options)

    def crash(self) -> None:
        """Kill the process of this host: no callback runs any more, the peers see ends and resets."""
        self.world.hosts.pop(self.name, None)
        self.closed = True
        self._kernel.crash()

    def leftovers(self) -> list[str]:
        """What is still there besides the loop's own: descriptors, registrations, timers, deadlines. Readable."""
        own = [] if self.closed else self._kernel.wakeup_fds
        left = [repr(sock) for fd, sock in self._kernel.descriptors.items() if fd not in own]
        counts = {
            "registrations": len(self.poller) - (not self.closed),
            "deadlines": len(self.wheel),
            "promises": len(self._promises),
            "timers": len(self.timers) - (self.wheel.timer is not None and self.wheel.timer.active),
            "connections": self.stats()["connections"],
        }
        return [f"{self.name}: {what}" for what in left + [f"{n} {what}" for what, n in counts.items() if n]]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class World:
    """A clock, a network, and the hosts on it."""

    def __init__(self, clock: FakeClock, network: Network, raise_bugs: bool | None = None) -> None:
        self.raise_bugs = bugs.RAISED if raise_bugs is None else raise_bugs
        self.clock = clock
        self.network = network
        self.hosts: dict[str, Host] = {}

    def join(self, host: Host) -> None:
        """Give `host` its share of every round."""
        self.hosts[host.name] = host

    def settle(self) -> None:
        """Let everything happen that needs no time to pass. Raises Livelock."""
        for _ in range(ROUNDS):
            if not self._round():
                return
        self._give_up(Livelock, f"{ROUNDS} rounds at one moment of time")

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass; what is due in between happens at its time."""
        end = self.clock.now + seconds
        self.settle()
        while (deadline := self.next_deadline()) is not None and deadline <= end:
            self.clock.now = max(self.clock.now, deadline)
            self.settle()
        self.clock.now = end
        self.settle()

    def run_until(self, done: Callable[[], bool] | Future[Any], seconds: float | None = None) -> None:
        """Run until `done()` is true, or the future done. Raises OutOfTime after `seconds`, Deadlock, Livelock."""
        is_done = done.done if isinstance(done, Future) else done
        end = float("inf") if seconds is None else self.clock.now + seconds
        rounds = 0
        while not is_done():
            if self._round():
                rounds += 1
                if rounds > ROUNDS:
                    self._give_up(Livelock, f"{ROUNDS} rounds at one moment of time")
                continue
            deadline = self.next_deadline()
            if deadline is None and seconds is None:
                self._give_up(Deadlock, "nothing can happen any more")
            if deadline is None or deadline > end:
                self.clock.now = end
                self._give_up(OutOfTime, f"not done within {seconds} s")
            self.clock.now = max(self.clock.now, deadline)
            rounds = 0

    def next_deadline(self) -> float | None:
        """When something is due next, anywhere."""
        heaps = [self.network.agenda, *(host.timers for host in self.hosts.values())]
        return min((when for heap in heaps if (when := heap.next_deadline()) is not None), default=None)

    def _round(self) -> bool:
        """One tick of each host; false if nobody had anything to do. Raises what the code under test has raised."""
        with bugs.raised(self.raise_bugs):
            busy = self.network.deliver()
            for host in self.turns():
                if not host.closed:
                    host._tick()
                    busy = busy or not host.poller.idle
        return busy

    def turns(self) -> Iterable[Host]:
        """The hosts in the order of their ticks."""
        return list(self.hosts.values())

    def _give_up(self, error: type[SimulationError], reason: str) -> NoReturn:
        raise error(reason)
