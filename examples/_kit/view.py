"""--metrics for Prometheus, on a port of its own."""

from __future__ import annotations

from reactor import Listener, Reactor
from reactor.serving import add_metrics_option, dump_on_signal, port_number  # noqa: F401 - for the programs


def listen_for_scrapes(reactor: Reactor, port: int | None) -> Listener | None:
    """The metrics on their own port; nothing without one. Raises ListenError."""
    if port is None:
        return None
    from protocols import metrics  # who is not asked for metrics need not load http

    return metrics.listen_for_scrapes(reactor, port)
