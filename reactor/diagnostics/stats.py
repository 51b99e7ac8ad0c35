"""What a reactor has done and holds, at one moment. Pure data; `view` fills it in from the `meter`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ..values import Value


class Stats(Value):
    """The counters of a reactor since it was made, and what there is now. Gives a field by its name as well.

    uptime: seconds since the reactor was made.
    ticks: rounds of the loop. events: what the poller reported. callbacks: those events, timers that fired, calls.
    receives: times that a connection or datagram socket was read from. sends: times that a connection flushed what it
        had. writes: chunks that left with those sends. eagains: reads and sends of connections that the kernel had
        nothing or no room for, and the pieces of files that are not the last. None of these ever goes down.
    bytes_in, bytes_out: of all connections and datagram sockets. datagrams_in, datagrams_out: among them.
    dropped_datagrams: given to `sendto`, and not sent. ignored_writes: to connections that were over.
    accepted: newcomers. refused: turned away, over `Limits.per_peer` or because the factory raised. shortages: times
        that accepting paused because descriptors or memory ran out.
    lost: connections that ended with an exception, by the name of its class: timeouts, limits, resets, bugs.
    output_evictions: those of them that the output budget has ended.
    connections: streams there are now; of them opening (shaking hands), open, and closing; paused (the program does not
        read) and blocked (the peer does not). datagram_sockets, listeners: there are now.
    output: bytes that wait for blocked peers. timers: armed. jobs: calls in threads, running or waiting for a thread.
    busy_seconds: spent in callbacks since the start, and not waiting. busy: that as a share of the last minute.
    lag_p50, lag_p99, lag_max: seconds that a round of the last minute took, which is how long others waited; see `lag`.

    >>> from reactor import Reactor
    >>> with Reactor() as reactor:
    ...     stats = reactor.stats()
    >>> stats.connections, stats["sends"], stats.coalescing, dict(stats)["lost"]
    (0, 0, 1.0, {})
    """

    uptime: float = 0.0
    ticks: int = 0
    events: int = 0
    callbacks: int = 0
    receives: int = 0
    sends: int = 0
    writes: int = 0
    eagains: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    datagrams_in: int = 0
    datagrams_out: int = 0
    dropped_datagrams: int = 0
    ignored_writes: int = 0
    accepted: int = 0
    refused: int = 0
    shortages: int = 0
    lost: Mapping[str, int] = MappingProxyType({})
    output_evictions: int = 0
    connections: int = 0
    opening: int = 0
    open: int = 0
    closing: int = 0
    paused: int = 0
    blocked: int = 0
    datagram_sockets: int = 0
    listeners: int = 0
    output: int = 0
    timers: int = 0
    jobs: int = 0
    busy_seconds: float = 0.0
    busy: float = 0.0
    lag_p50: float = 0.0
    lag_p99: float = 0.0
    lag_max: float = 0.0

    @property
    def coalescing(self) -> float:
        """Writes a send: how many chunks left together. 1.0 before the first."""
        return self.writes / self.sends if self.sends else 1.0

    def as_dict(self) -> dict[str, Any]:
        """All fields, by name, in dicts of the caller's own."""
        return {**dict(zip(self._fields, self._values(), strict=True)), "lost": dict(self.lost)}

    def keys(self) -> Iterator[str]:
        """The names, so that `dict(stats)` works."""
        return iter(self._fields)

    def __getitem__(self, name: str) -> Any:
        if name not in self._fields:
            raise KeyError(name)
        return getattr(self, name)
