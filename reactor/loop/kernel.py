"""The operating system as the reactor sees it: where sockets, names, threads and the wake-up come from.

One object for all of it, so that `reactor.testing` can put a machine in memory under the real reactor. It makes things
and is then out of the way: no byte passes through here.
"""

from __future__ import annotations

import signal
import socket
from typing import Any

from .poller import Poller, default_poller
from .wakeup import Wakeup
from .workers import WorkerPool

AddressInfo = tuple[int, int, int, str, Any]  # family, kind, protocol, canonical name, address


class Kernel:
    """The machine we run on."""

    terminating: tuple[int, ...] = tuple(
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    )
    """The signals that ask a program to end; SIGHUP is a terminal's that is closed."""

    def socket(self, family: int, kind: int) -> socket.socket:
        """As `socket.socket`."""
        return socket.socket(family, kind)

    def getaddrinfo(
        self, host: str | None, port: int, family: int = 0, kind: int = 0, flags: int = 0
    ) -> list[AddressInfo]:
        """As `socket.getaddrinfo`: blocks for as long as the name servers are silent."""
        return list(socket.getaddrinfo(host, port, family, kind, flags=flags))

    def poller(self) -> Poller:
        """Tells which descriptors are ready."""
        return default_poller()

    def wakeup(self) -> Wakeup:
        """Interrupts a poll."""
        return Wakeup(*socket.socketpair())

    def workers(self, size: int, name: str) -> WorkerPool:
        """Threads for what blocks."""
        return WorkerPool(size, name)
