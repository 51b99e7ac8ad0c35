"""The counters of a reactor in the text that Prometheus reads (exposition format 0.0.4). Pure: from Stats to text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import reactor
from reactor import Stats

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LABEL = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]  # what is appended to the name, labels, value

COUNTERS = {
    "ticks": ("ticks", "Rounds of the loop."),
    "events": ("events", "Descriptors that the poller reported as ready."),
    "callbacks": ("callbacks", "Events handled, timers fired and calls made."),
    "receives": ("receives", "Times that a connection or datagram socket was read from."),
    "sends": ("sends", "Times that a connection sent what it had."),
    "writes": ("writes", "Chunks that left with those sends."),
    "eagains": ("eagains", "Reads and sends for which the kernel had nothing or no room."),
    "bytes_in": ("received_bytes", "Bytes received."),
    "bytes_out": ("sent_bytes", "Bytes sent."),
    "datagrams_in": ("received_datagrams", "Datagrams received."),
    "datagrams_out": ("sent_datagrams", "Datagrams sent."),
    "dropped_datagrams": ("dropped_datagrams", "Datagrams that were not sent."),
    "ignored_writes": ("ignored_writes", "Writes to connections that were over."),
    "accepted": ("accepted", "Newcomers that got a connection."),
    "refused": ("refused", "Newcomers that were turned away."),
    "shortages": ("shortages", "Times that accepting paused for want of descriptors or memory."),
    "output_evictions": ("output_evictions", "Connections ended because all together had too much waiting."),
    "busy_seconds": ("busy_seconds", "Time in callbacks, not waiting."),
}
GAUGES = {
    "uptime": ("uptime_seconds", "Time since the reactor was made."),
    "paused": ("paused_connections", "Connections that the program does not read from."),
    "blocked": ("blocked_connections", "Connections whose peer does not take what waits."),
    "output": ("output_bytes", "Bytes waiting for blocked peers."),
    "datagram_sockets": ("datagram_sockets", "Datagram sockets."),
    "listeners": ("listeners", "Listeners."),
    "timers": ("timers", "Timers that are armed."),
    "jobs": ("thread_calls", "Calls in threads, running or waiting for a thread."),
    "busy": ("busy_ratio", "Share of the last minute in callbacks, 0 to 1."),
    "lag_max": ("lag_max_seconds", "The longest round of the last minute."),
}
"""Fields of Stats, each with its name here, by the conventions of Prometheus (units, `_total`), and its help."""


def render(stats: Stats, labels: Labels | None = None) -> str:
    """The exposition text, format 0.0.4. labels: put on every sample, to tell processes of one host apart.

    >>> print(render(Stats(accepted=3, lost={"IdleTimeout": 2})).split("# HELP reactor_lost_total ")[1].splitlines()[2])
    reactor_lost_total{reason="IdleTimeout"} 2
    """
    parts = [family(name, "counter", text, [("_total", {}, stats[field])]) for field, (name, text) in COUNTERS.items()]
    parts += [family(name, "gauge", text, [("", {}, stats[field])]) for field, (name, text) in GAUGES.items()]
    phases = [("", {"state": state}, stats[state]) for state in ("opening", "open", "closing")]
    parts.append(family("connections", "gauge", "Stream connections.", phases))
    lost = [("_total", {"reason": reason}, count) for reason, count in sorted(stats.lost.items())]
    parts.append(family("lost", "counter", "Connections that ended with an exception.", lost))
    lag: list[Sample] = [
        ("", {"quantile": "0.5"}, stats.lag_p50),
        ("", {"quantile": "0.99"}, stats.lag_p99),
        ("_sum", {}, stats.busy_seconds),
        ("_count", {}, stats.ticks),
    ]
    parts.append(family("lag_seconds", "summary", "Length of a round of the loop; quantiles of the last minute.", lag))
    version = [("", {"version": reactor.__version__}, 1)]
    parts.append(family("info", "gauge", "What answers: always 1, and the version as a label.", version))
    text = "".join(parts)
    return text if not labels else "".join(_labelled(line, labels) for line in text.splitlines(keepends=True))


def _labelled(line: str, labels: Labels) -> str:
    """A line of the text with further labels; what describes a metric stays as it is."""
    if line.startswith("#"):
        return line
    name, value = line.rsplit(" ", 1)
    name, _, own = name.partition("{")
    return f"{name}{_braces(labels)[:-1]}{',' if own else ''}{own or '}'} {value}"


def family(name: str, kind: str, text: str, samples: Iterable[Sample], prefix: str = "reactor") -> str:
    """One metric: its help, its type and its samples. A counter is named with its `_total` in all three.

    >>> print(family("players", "gauge", "People who play.", [("", {"game": "chess"}, 4)], prefix="game"), end="")
    # HELP game_players People who play.
    # TYPE game_players gauge
    game_players{game="chess"} 4
    """
    full = f"{prefix}_{name}_total" if kind == "counter" else f"{prefix}_{name}"
    lines = [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
    lines += [f"{prefix}_{name}{suffix}{_braces(labels)} {value!r}" for suffix, labels, value in samples]
    return "\n".join(lines) + "\n"


def _braces(labels: Labels) -> str:
    inside = ",".join(f'{name}="{value.translate(_LABEL)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""
