"""The counters of a reactor for Prometheus.

The files, from the bottom up; a file imports only from those above it in this list:

    exposition   from Stats to text; pure
    server       the protocol that answers a scrape
"""

from __future__ import annotations

from .server import HEAD_TIME, LIMITS, MAX_HEAD, PATH, TIMEOUTS, Metrics

__all__ = ["HEAD_TIME", "LIMITS", "MAX_HEAD", "PATH", "TIMEOUTS", "Metrics"]
