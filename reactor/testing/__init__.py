"""Tools for testing protocols and servers. They need no test framework, and none of them waits.

`connected_pair(a, b)`   two protocols joined in memory
`MemoryReactor`          the real reactor with no descriptor, no thread and no waiting
`checked(protocol)`      the same protocol, and its connection held to the contract
`Simulator(seed)`        many hosts on an unreliable network, drawn from a seed, to be replayed
`SteppedReactor`         the real reactor on real sockets, with a clock that is moved
`Recorder`               a protocol that writes down its life
`LineClient`             a client that keeps the lines it hears
`FakeClock`              time that stands still

A bug in the code under test fails the test: what a callback raises is raised by `settle`, `advance`, `run` or whatever
runs it, and logged as in a server. `raise_bugs=False` leaves it at the log. A peer's fault is no bug.

One host is enough for many players: each is a connection of it. A host for each costs ten times as much, and is for
what differs between machines: a crash, a cut cable.

The loop, the transports, the listeners and the connectors are always the real ones: only the clock, the poller and the
kernel under them are given.

The files, from the bottom up; a file imports only from those above it in this list:

    clock        time that stands still
    faults       what may go wrong on an unreliable network
    recorder     a protocol that writes down its life
    bugs         a bug in what is tested fails the test
    lines        a client that keeps the lines it hears
    sockets      sockets in memory
    poller       which of them are ready
    stepped      the real reactor on real sockets, with a clock that is moved
    network      the network between memory sockets
    world        hosts, one clock, and who runs next
    unreliable   a network that cuts, delays and resets
    memory       one reactor in memory, and two protocols joined
    simulator    many hosts drawn from a seed
"""

from __future__ import annotations

from ..diagnostics.contract import ContractBreach, checked
from .clock import FakeClock
from .faults import Faults
from .lines import LineClient
from .memory import MemoryReactor, Pair, connected_pair
from .recorder import Recorder
from .simulator import LeftBehind, Simulator
from .stepped import SteppedPoller, SteppedReactor
from .world import Deadlock, Host, Livelock, OutOfTime, SimulationError

__all__ = [
    "ContractBreach",
    "Deadlock",
    "FakeClock",
    "Faults",
    "Host",
    "LeftBehind",
    "LineClient",
    "Livelock",
    "MemoryReactor",
    "OutOfTime",
    "Pair",
    "Recorder",
    "SimulationError",
    "Simulator",
    "SteppedPoller",
    "SteppedReactor",
    "checked",
    "connected_pair",
]

for _name in __all__:  # errors are named by the package that people import them from, in tracebacks too
    if isinstance(_thing := globals()[_name], type) and issubclass(_thing, Exception):
        _thing.__module__ = __name__
del _name, _thing
