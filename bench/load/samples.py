"""Latencies counted by whole microseconds, and when the generator of a load was what limited it. Pure."""

from collections import Counter

LOAD_LIMIT = 0.90  # of a core. A generator above it may be what a round waited for
SERVER_LIMIT = 0.95  # of a core. Only a server that had next to nothing left was what a busy generator waited for
LATE_LIMIT = 0.001  # seconds. An open load that is later than this with one message in a hundred is not at its rate
LATE_SHARE = 0.1  # of a latency: where tens of milliseconds are shown, so much of them may be the generator's delay


def percentile(latencies: Counter[int], share: float) -> float | None:
    """The latency in seconds that so many of the messages did not exceed; 1.0 is the longest."""
    left = share * latencies.total()
    for latency in sorted(latencies):
        left -= latencies[latency]
        if left <= 0:
            return latency / 1e6
    return None


def load_bound(load_busy: float, server_busy: float) -> bool:
    """Whether the generator was the bottleneck, so that the rate says nothing about the server.

    load_busy: the CPU share of its busiest process. server_busy: that of the server, above 1 with several cores.

    >>> load_bound(0.97, 0.99), load_bound(1.02, 0.86), load_bound(0.50, 0.45)
    (False, True, False)
    """
    return load_busy >= LOAD_LIMIT and server_busy < SERVER_LIMIT


def off_rate(late: float | None, latency: float = 0.0) -> bool:
    """Whether an open load did not keep to its times. Seconds, both the 99th percentile; `latency` is what it found.

    >>> off_rate(0.004), off_rate(0.004, 0.050), off_rate(0.006, 0.050)
    (True, False, True)
    """
    return (late or 0.0) > max(LATE_LIMIT, LATE_SHARE * latency)


def due(start: float, number: int, rate: float) -> float:
    """When the message of that number is to be sent, whatever has become of the others."""
    return start + number / rate
