"""A view inside a reactor while it runs: its counters, its connections, and both in words."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ..endpoints.inventory import Inventory
from ..loop.loop import Loop
from ..transports.lanes import In, Phase
from .dump import describe
from .stats import Stats


def dump(loop: Loop, inventory: Inventory, limit: int) -> str:
    """For its contract see `Reactor.dump`."""
    listeners = list(inventory.listeners)
    return describe(stats(loop, inventory), inventory.transports(), listeners, loop.timers, loop.clock(), limit)


def stats(loop: Loop, inventory: Inventory) -> Stats:
    """For its contract see `Reactor.stats`."""
    meter, now = loop.meter, loop.clock()
    lag = meter.lag.summary(now, meter.ticks, meter.busy)
    return Stats(
        uptime=now - meter.born,
        busy_seconds=meter.busy,
        busy=lag.busy,
        lag_p50=lag.p50,
        lag_p99=lag.p99,
        lag_max=lag.max,
        **_done(loop),
        **_traffic(loop, inventory),
        **_held(loop, inventory),
    )


def _done(loop: Loop) -> dict[str, Any]:
    """What the loop has counted; `meter` says how."""
    meter = loop.meter
    sends = meter.flushes - meter.empty_flushes
    found = {
        "receives": meter.events - meter.other_events - loop._wakeup.taken,
        "sends": sends,
        "writes": sends + meter.joined,
    }
    meter.told = {name: max(count, meter.told.get(name, 0)) for name, count in found.items()}  # why: see `meter`
    same = ("ticks", "events", "eagains", "dropped_datagrams", "ignored_writes", "accepted", "refused", "shortages")
    return {
        **{name: getattr(meter, name) for name in same},
        **meter.told,
        "callbacks": meter.events + meter.calls + loop.timers.fired,
        "lost": dict(meter.lost),
        "output_evictions": loop.budget.evicted,
    }


def _traffic(loop: Loop, inventory: Inventory) -> dict[str, Any]:
    """What went through the connections: those that are over, and those that are not."""
    meter, datagrams, transports = loop.meter, inventory.datagrams.connections, inventory.transports()
    return {
        "bytes_in": meter.bytes_in + sum([each.bytes_in for each in transports]),
        "bytes_out": meter.bytes_out + sum([each.bytes_out for each in transports]),
        "datagrams_in": meter.datagrams_in + sum([each.datagrams_in for each in datagrams]),
        "datagrams_out": meter.datagrams_out + sum([each.datagrams_out for each in datagrams]),
    }


def _held(loop: Loop, inventory: Inventory) -> dict[str, Any]:
    """What there is now."""
    streams = inventory.streams()
    # One slot of all at a time, counted by identity: asking ten thousand one by one takes 80 ms, this takes 8.
    phases, inbound, blocked = (list(map(attrgetter(name), streams)) for name in ("_phase", "_in", "_blocked"))
    return {
        "connections": len(streams),
        "opening": phases.count(Phase.OPENING),
        "open": phases.count(Phase.OPEN),
        "closing": phases.count(Phase.CLOSING) + phases.count(Phase.CLOSED),
        "paused": inbound.count(In.PAUSED),
        "blocked": blocked.count(True),
        "datagram_sockets": len(inventory.datagrams.connections),
        "listeners": len(inventory.listeners),
        "output": loop.budget.total,
        "timers": len(loop.timers),
        "jobs": loop._jobs.pending,
    }
