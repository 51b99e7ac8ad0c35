"""The operating system as the reactor sees it: where sockets, names, threads and the wake-up come from.

One object for all of it, so that `reactor.testing` can put a machine in memory under the real reactor. It makes things
and is then out of the way: no byte passes through here.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

from .poller import Poller, default_poller
from .wakeup import Wakeup
from .workers import WorkerPool

ROOM = (16_384, 4096, 1024)  # descriptors a table is made for, the first that the process may have: 8 bytes each
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

    def make_room(self, sock: Any) -> None:
        """Let the table of our descriptors be as large as a crowd needs, before it comes. `sock`: any open one.

        Linux doubles the table when it is full, at 256, 512, 1,024 descriptors and so on. In a process with threads,
        the thread that opens the next one sleeps until no core can be reading the old table (`expand_fdtable` in
        fs/file.c): 4 to 16 ms, measured, in which nobody is served. A table never shrinks; a forked child has its own.
        """
        try:
            import fcntl
        except ImportError:
            return  # Windows
        for last in ROOM:
            try:
                return os.close(fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, last - 1))
            except (OSError, ValueError):
                pass  # it may not have so many: then the table grows when it must

    def workers(self, size: int, name: str) -> WorkerPool:
        """Threads for what blocks."""
        return WorkerPool(size, name)
