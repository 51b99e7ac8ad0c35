"""The counters of a reactor for Prometheus.

The files, from the bottom up; a file imports only from those above it in this list:

    exposition   from Stats to text; pure
    server       the handler that answers a scrape
    scrape       the same, loaded when it is asked for
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .exposition import family
from .scrape import scrape

if TYPE_CHECKING:
    from .server import HEAD_TIME, LIMITS, MAX_HEAD, PATH, TIMEOUTS, Metrics, listen_for_scrapes, metrics

__all__ = [
    "HEAD_TIME", "LIMITS", "MAX_HEAD", "PATH", "TIMEOUTS", "Metrics", "family", "listen_for_scrapes", "metrics",
    "scrape",
]  # fmt: skip

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """What `server` has, which loads HTTP (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.server"), name)
