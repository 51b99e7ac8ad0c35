"""The counters of a reactor for Prometheus.

The files, from the bottom up; a file imports only from those above it in this list:

    exposition   from Stats to text; pure
    server       the handler that answers a scrape
"""

from __future__ import annotations

from .exposition import family
from .server import HEAD_TIME, LIMITS, MAX_HEAD, PATH, TIMEOUTS, Metrics, listen_for_scrapes, metrics

__all__ = ["HEAD_TIME", "LIMITS", "MAX_HEAD", "PATH", "TIMEOUTS", "Metrics", "family", "listen_for_scrapes", "metrics"]
