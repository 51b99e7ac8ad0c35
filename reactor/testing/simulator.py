"""Many hosts, one clock, one unreliable network, one seed: a whole distributed run, to be replayed at will.

Each host is a real `Reactor`. Whatever the world leaves to chance (how a stream is cut, who is first, what fails) is
drawn from the seed and from nothing else, so a failure that took ten thousand seeds to find happens again at the first
try, with the trace that led to it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import islice
from types import TracebackType
from typing import Any, NoReturn, cast

from .clock import FakeClock
from .faults import Dice, Faults
from .sockets import CAPACITY
from .unreliable import UnreliableMachine, UnreliableNetwork
from .world import Host, SimulationError, World

TAIL = 30  # lines of the trace that an error shows


class LeftBehind(SimulationError):
    """A host was closed and not everything given back."""


class Simulator(World):
    """Hosts in memory with faults drawn from `seed`: same seed, same run.

    faults: what goes wrong; `Faults.gentle()`, the default, loses nothing, `Faults.harsh()` breaks connections too.
    capacity: bytes that a connection holds in one direction.

    `random` is the generator, for whatever the scenario itself leaves to chance. As a context manager it closes every
    host at the end and raises LeftBehind where something is left; an exception on its way out is told how to replay
    the run, and shows the end of `trace`.

    >>> from reactor import Protocol
    >>> from reactor.testing import Recorder, Simulator, checked
    >>> class Echo(Protocol):
    ...     def connection_made(self, transport):
    ...         self.transport = transport
    ...     def data_received(self, data):
    ...         self.transport.write(data)
    >>> with Simulator(seed=7) as sim:
    ...     server, client = sim.host("server"), sim.host("client")
    ...     listener = server.listen_tcp(checked(Echo), None, 9000)
    ...     future = client.connect_tcp(checked(Recorder), "server", 9000)
    ...     sim.run_until(future, seconds=60)
    ...     transport, recorder = future.result()
    ...     transport.write(b"in pieces, and late")
    ...     sim.run_until(lambda: len(recorder.data) == 19, seconds=60)
    >>> recorder.data, recorder.events.count("data_received") > 1
    (b'in pieces, and late', True)
    >>> sim
    Simulator(seed=7)
    >>> print(sim.trace[0])
       0.000 client: connect to 10.0.0.1:9000
    """

    network: UnreliableNetwork

    def __init__(
        self, seed: int, *, faults: Faults | None = None, capacity: int = CAPACITY, raise_bugs: bool | None = None
    ) -> None:
        self.seed = seed
        self.faults = Faults.gentle() if faults is None else faults
        self.capacity = capacity
        self._dice = Dice(seed)
        self.random: random.Random = self._dice.random
        clock = FakeClock()
        self._began = clock.now
        super().__init__(clock, UnreliableNetwork(clock, capacity, self.faults, self._dice), raise_bugs)

    # -- the cast -----------------------------------------------------------------------------------------------

    def host(self, name: str) -> Host:
        """A new reactor, on a machine that `name` resolves to everywhere. After a crash or a close: its successor."""
        if name in self.hosts and not self.hosts[name].closed:
            raise ValueError(f"there is a host {name!r} already")
        host = Host(self, self.network.machine(name))
        self.join(host)
        return host

    def cut(self, a: Host, b: Host) -> None:
        """Pull the cable between two hosts: what is sent waits for `heal`; TCP gives up after three minutes."""
        self.network.note("network", "cut between %s and %s", a.name, b.name)
        self.network.cut(_machine(a), _machine(b))

    def heal(self, a: Host, b: Host) -> None:
        """Plug the cable in again."""
        self.network.note("network", "healed between %s and %s", a.name, b.name)
        self.network.heal(_machine(a), _machine(b))

    # -- the run ------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.advance(seconds)

    def turns(self) -> Iterable[Host]:
        """The hosts, each round in another order."""
        hosts = list(self.hosts.values())
        self.random.shuffle(hosts)
        return hosts

    @property
    def trace(self) -> list[str]:
        """What has happened on the network, the last 2,000 lines of it: seconds, host, local port > remote port."""
        return [_line(note, self._began) for note in self.network.notes]

    def leftovers(self) -> list[str]:
        """What the hosts hold: descriptors, timers, registrations. Empty once everything has ended."""
        return [what for host in self.hosts.values() for what in host.leftovers()]

    def close(self) -> None:
        """Close every host, which ends its connections. Raises LeftBehind where one does not give back everything."""
        for host in self.hosts.values():
            host.close()
        if left := self.leftovers():
            self._give_up(LeftBehind, "; ".join(left))

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            return self.close()
        if not isinstance(error, SimulationError):
            error.add_note(self._how_to_replay())
        for host in self.hosts.values():
            host.close()

    def _give_up(self, error: type[SimulationError], reason: str) -> NoReturn:
        raise error(f"{reason}; {self._how_to_replay()}")

    def _how_to_replay(self) -> str:
        notes = self.network.notes
        tail = islice(notes, max(0, len(notes) - TAIL), None)
        lines = [f"replay with {self!r}", *(_line(note, self._began) for note in tail)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        faults = "" if self.faults == Faults.gentle() else f", faults={self.faults!r}"
        capacity = "" if self.capacity == CAPACITY else f", capacity={self.capacity}"
        return f"Simulator(seed={self.seed}{faults}{capacity})"


def _line(note: tuple[float, str, str, tuple[Any, ...]], began: float) -> str:
    when, who, what, args = note
    return f"{when - began:8.3f} {who}: {what % args if args else what}"


def _machine(host: Host) -> UnreliableMachine:
    return cast(UnreliableMachine, host._kernel)
