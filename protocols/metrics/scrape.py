"""One scrape: what a server listens with that has metrics only if it is asked for them. Loads no HTTP by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from reactor import Reactor

if TYPE_CHECKING:
    from .server import Metrics


def scrape(reactor: Reactor, more: Callable[[], str] | None = None, labels: Mapping[str, str] | None = None) -> Metrics:
    """As `Metrics`, whose HTTP server is loaded with the first one: a third of the start of a small program.

    run(lambda reactor: Echo, port=9000, metrics=scrape)
    """
    from .server import Metrics

    return Metrics(reactor, more, labels)
