"""Tools for testing protocols and servers. They need no test framework, and none of them waits.

`connected_pair(a, b)`   two protocols joined in memory
`MemoryReactor`          the real reactor with no descriptor, no thread and no waiting
`checked(protocol)`      the same protocol, and its connection held to the contract
`Simulator(seed)`        many hosts on an unreliable network, drawn from a seed, to be replayed
`SteppedReactor`         the real reactor on real sockets, with a clock that is moved
`Recorder`               a protocol that writes down its life
`FakeClock`              time that stands still

The loop, the transports, the listeners and the connectors are always the real ones: only the clock, the poller and the
kernel under them are given.
"""

from __future__ import annotations

from ..contract import ContractBreach, checked
from .clock import FakeClock
from .faults import Faults
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
