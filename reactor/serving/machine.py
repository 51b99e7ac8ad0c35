"""What the machine gives a process: descriptors, and the rights of root. Knows no command line."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..boundary import log
from ..endpoints.listener import Listener

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]


def raise_descriptor_limit(wanted: int) -> None:
    """Let this process have `wanted` descriptors if it may: many systems give 1024 until a program asks for more.

    A connection is one descriptor. Where the hard limit is lower, that is what the process gets, and the log says so.
    """
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        log.info("connections are limited by the %d descriptors that this process may have", hard)
        wanted = hard
    if soft != resource.RLIM_INFINITY and wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def warn_if_root(listeners: Iterable[Listener]) -> None:
    """Say so where root is at the reach of other machines: a fault would cost the machine."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        for host in {name[0] for listener in listeners for name in listener.addresses if isinstance(name, tuple)}:
            if not host.startswith("127.") and host != "::1":
                log.warning("running as root on %s, where others can connect: a user of its own is safer", host)
                return
