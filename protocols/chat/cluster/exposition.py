"""What of a cluster is worth a graph or an alarm, for Prometheus."""

from __future__ import annotations

from ...metrics.exposition import family
from .cluster import Cluster, Mode

_COUNTERS = {
    "joined": "Times that this server has joined.",
    "alone": "Times that this server was cut off for longer than the lease, and people were told.",
    "entries": "Entries read in the log.",
    "resent": "Entries written again.",
    "refused": "Entries that Redis has not taken.",
}


def exposition(cluster: Cluster) -> str:
    """Metrics that begin with `chat_cluster_`."""
    stay = cluster.stay
    counts = cluster.counts + stay.counts
    is_in = cluster.mode is Mode.IN
    gauges = {
        "in": ("Whether this server is in the cluster: 0 or 1.", int(is_in)),
        "servers": ("Servers in the cluster, as this one has it.", len(stay.replica.nodes) if is_in else 1),
        "outbox_bytes": ("Bytes that were written and are not read back.", stay.outbox.size),
        "lag_seconds": ("Age of the oldest entry that was written and is not read back.", stay.lag if is_in else 0.0),
    }
    parts = [family(name, "gauge", text, [("", {}, value)], "chat_cluster") for name, (text, value) in gauges.items()]
    parts += [
        family(name, "counter", text, [("_total", {}, counts[name])], "chat_cluster")
        for name, text in _COUNTERS.items()
    ]
    return "".join(parts)
