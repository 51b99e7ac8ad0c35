"""A reactor in lines of text, for whoever has to find out why it misbehaves. Reads, and changes nothing.

The text is bounded, however many connections there are, and harmless to show: a peer on a Unix socket chooses its own
name, which may hold control characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol as Interface

from ..loop.lag import QUICK
from ..loop.timers import TimerHeap
from ..sockets.addresses import show
from ..transports.lanes import In, Out, Phase
from .stats import Stats

MAX_OTHERS = 20  # lines of listeners, and of timers: the next ones are those that matter
MAX_NAME = 80  # characters of a name; a path of a Unix socket has 108 at most

UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class Shown(Interface):
    """What is asked of a connection."""

    bytes_in: int
    bytes_out: int
    _phase: Phase
    _in: In
    _out: Out
    _blocked: bool  # the peer does not take what waits
    _born: float  # when it was made, in seconds of the loop's clock
    _stamp: float  # when a byte last went in or out

    def get_extra_info(self, name: str, default: Any = None) -> Any: ...
    def get_protocol(self) -> Any: ...
    def get_write_buffer_size(self) -> int: ...


def describe(
    stats: Stats, connections: Iterable[Shown], listeners: Sequence[object], timers: TimerHeap, now: float, limit: int
) -> str:
    """The whole text: the sums, then the listeners, the timers due next, the connections."""
    lines = summary(stats)
    lines += section("listeners", [clean(repr(listener)) for listener in listeners[:MAX_OTHERS]], len(listeners))
    due = sorted(timers.armed.values(), key=lambda timer: timer.when)
    lines += section(
        "timers", [f"in {timer.when - now:,.3f} s: {clean(timer.name)}" for timer in due[:MAX_OTHERS]], len(due)
    )
    ranked = sorted(connections, key=trouble)
    open_ = "connections and datagram sockets" if stats.datagram_sockets else "connections"
    lines += section(open_, table(ranked[: max(0, limit)], now), len(ranked))
    return "\n".join(lines)


def trouble(connection: Shown) -> tuple[int, float]:
    """The order of connections: those with the most waiting first, then the longest idle."""
    return -connection.get_write_buffer_size(), connection._stamp


def summary(stats: Stats) -> list[str]:
    """The sums, in a few lines."""
    s = stats
    lost = ", ".join(f"{count:,} {clean(name)}" for name, count in sorted(s.lost.items(), key=lambda item: -item[1]))
    lag = f"lag p50 {at_most(s.lag_p50)}, p99 {at_most(s.lag_p99)}, max {at_most(s.lag_max)}"
    sends = f"{size(s.bytes_out)} in {s.sends:,} sends of {s.coalescing:.1f} writes"
    phases = f"{s.opening:,} opening, {s.open:,} open, {s.closing:,} closing"
    return [
        f"up {span(s.uptime)}: connections {s.connections:,}, datagram sockets {s.datagram_sockets:,}, "
        f"listeners {s.listeners:,}, timers {s.timers:,}, calls in threads {s.jobs:,}",
        f"last minute: busy {s.busy:.0%}, {lag}; since the start {s.ticks:,} ticks, {s.callbacks:,} callbacks",
        f"in: {size(s.bytes_in)} in {s.receives:,} receives; out: {sends}; {s.eagains:,} EAGAIN",
        f"accepted {s.accepted:,}, refused {s.refused:,}, out of descriptors {s.shortages:,}; lost: {lost or 'none'}",
        f"now: {phases}; {s.paused:,} paused, {s.blocked:,} blocked with {size(s.output)} waiting",
    ]


def at_most(lag: float) -> str:
    """A lag; what is QUICK may be anything below."""
    return span(lag) if lag > QUICK else f"under {span(QUICK)}"


def section(title: str, lines: list[str], total: int) -> list[str]:
    """A heading and its lines, and how many are not shown; nothing where there is nothing."""
    if not total:
        return []
    rest = [f"  ... and {total - len(lines):,} more"] if total > len(lines) else []
    return [f"{title}: {total:,}", *(f"  {line}" for line in lines), *rest]


def table(connections: Iterable[Shown], now: float) -> list[str]:
    """A line for each connection, in columns."""
    rows = [row(connection, now) for connection in connections]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def row(connection: Shown, now: float) -> tuple[str, ...]:
    """What one connection comes to."""
    peer = connection.get_extra_info("peername") or connection.get_extra_info("sockname")
    return (
        clean(show(peer)) if peer else "unnamed",
        connection._phase.name,
        f"in={connection._in.name}",
        f"out={connection._out.name}{' BLOCKED' if connection._blocked else ''}",
        f"age {span(now - connection._born)}",
        f"idle {span(now - connection._stamp)}",
        f"in {size(connection.bytes_in)}",
        f"out {size(connection.bytes_out)}",
        f"buffer {size(connection.get_write_buffer_size())}",
        clean(connection.get_protocol().__class__.__qualname__),
    )


def clean(text: str) -> str:
    """`text` in one line of at most MAX_NAME characters, none of which acts on a terminal.

    >>> clean("/tmp/a\\x1b[2J\\nb")
    '/tmp/a\\\\x1b[2J\\\\nb'
    """
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[: MAX_NAME + 1])
    return shown if len(shown) <= MAX_NAME else shown[: MAX_NAME - 3] + "..."


def span(seconds: float) -> str:
    """Seconds for reading.

    >>> span(0.00052), span(12.34), span(7325.0), span(0.0)
    ('0.52 ms', '12.3 s', '2h02m', '0 s')
    """
    if seconds >= 3600:
        return f"{seconds // 3600:.0f}h{seconds % 3600 // 60:02.0f}m"
    if 0 < seconds < 0.1:
        return f"{seconds * 1000:.2g} ms"
    return f"{seconds:.3g} s"


def size(count: int) -> str:
    """Bytes for reading.

    >>> size(100), size(2048), size(5 << 30)
    ('100 B', '2.0 KiB', '5.0 GiB')
    """
    for unit, name in UNITS:
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count} B"
