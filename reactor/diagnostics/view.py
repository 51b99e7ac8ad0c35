"""A view inside a reactor while it runs: its counters, its connections, and both in words."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ..endpoints.datagrams import DatagramLoop
from ..endpoints.listener import Listener
from ..endpoints.roster import Roster
from ..transports.datagram import DatagramTransport
from ..transports.lanes import In, Phase
from ..transports.stream import StreamTransport
from .dump import MAX_CONNECTIONS, describe
from .stats import Stats


class Inside(DatagramLoop):
    """The loop with what is open on it, and the verbs that tell."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._listeners: dict[Listener, None] = {}
        self._clients: Roster[StreamTransport] = Roster(self)
        self._told = {"receives": 0, "sends": 0, "writes": 0}

    def connections(self) -> list[StreamTransport | DatagramTransport]:
        """All that is open: accepted, made by us, datagram sockets; each in order of arrival."""
        return [*self._streams(), *self._datagrams.connections]

    def _streams(self) -> list[StreamTransport]:
        accepted = [transport for listener in self._listeners for transport in listener.connections]
        return accepted + list(self._clients.connections)

    def dump(self, limit: int = MAX_CONNECTIONS) -> str:
        """All that is open, in lines for an operator's eyes: at most `limit` connections, the most troubled first.

        What comes from peers is shown without control characters. Meant for a signal: the examples print it to
        stderr on SIGUSR1.

        >>> from reactor import Reactor
        >>> with Reactor() as reactor:
        ...     print(reactor.dump())
        up ...: connections 0, datagram sockets 0, listeners 0, timers 0, calls in threads 0
        ...
        """
        return describe(self.stats(), self.connections(), list(self._listeners), self.timers, self.clock(), limit)

    def stats(self) -> Stats:
        """Counters since the start, and what there is now. Looks at each connection: 1 ms for a thousand."""
        meter, now = self.meter, self.clock()
        lag = meter.lag.summary(now, meter.ticks, meter.busy)
        return Stats(
            uptime=now - meter.born,
            busy_seconds=meter.busy,
            busy=lag.busy,
            lag_p50=lag.p50,
            lag_p99=lag.p99,
            lag_max=lag.max,
            **self._done(),
            **self._traffic(),
            **self._held(),
        )

    def _done(self) -> dict[str, Any]:
        """What the loop has counted; `meter` says how."""
        meter = self.meter
        sends = meter.flushes - meter.empty_flushes
        found = {
            "receives": meter.events - meter.other_events - self._wakeup.taken,
            "sends": sends,
            "writes": sends + meter.joined,
        }
        self._told = {name: max(count, self._told[name]) for name, count in found.items()}  # why: see `meter`
        same = ("ticks", "events", "eagains", "dropped_datagrams", "ignored_writes", "accepted", "refused", "shortages")
        return {
            **{name: getattr(meter, name) for name in same},
            **self._told,
            "callbacks": meter.events + meter.calls + self.timers.fired,
            "lost": dict(meter.lost),
            "output_evictions": self.budget.evicted,
        }

    def _traffic(self) -> dict[str, Any]:
        """What went through the connections: those that are over, and those that are not."""
        meter, datagrams, connections = self.meter, self._datagrams.connections, self.connections()
        return {
            "bytes_in": meter.bytes_in + sum([each.bytes_in for each in connections]),
            "bytes_out": meter.bytes_out + sum([each.bytes_out for each in connections]),
            "datagrams_in": meter.datagrams_in + sum([each.datagrams_in for each in datagrams]),
            "datagrams_out": meter.datagrams_out + sum([each.datagrams_out for each in datagrams]),
        }

    def _held(self) -> dict[str, Any]:
        """What there is now."""
        streams = self._streams()
        # The slots themselves, and counted by identity: ten thousand `state()` hold the loop for 80 ms, this for 8.
        phases, inbound, blocked = (list(map(attrgetter(name), streams)) for name in ("_phase", "_in", "_blocked"))
        return {
            "connections": len(streams),
            "opening": phases.count(Phase.OPENING),
            "open": phases.count(Phase.OPEN),
            "closing": phases.count(Phase.CLOSING) + phases.count(Phase.CLOSED),
            "paused": inbound.count(In.PAUSED),
            "blocked": blocked.count(True),
            "datagram_sockets": len(self._datagrams.connections),
            "listeners": len(self._listeners),
            "output": self.budget.total,
            "timers": len(self.timers),
            "jobs": self.pending_jobs(),
        }
