"""The operating system as the reactor sees it: where pollers, sockets, names, threads and the wake-up come from.

One object for all of it, so that `reactor.testing` can put a machine in memory under the real reactor. It makes things
and is then out of the way: no byte passes through here. On Linux the poller is `poller`'s, elsewhere the one below.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
from typing import Any

from .poller import READ, WRITE, EpollPoller, Handler, Poller, lost
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


def default_poller() -> Poller:
    """The fastest poller of this system."""
    return EpollPoller() if sys.platform == "linux" else SelectorPoller()


class Telling:
    """`tell` for pollers whose batch is a list of handlers, each with its events."""

    def tell(self, batch: list[tuple[Handler, int]]) -> int:
        for handler, events in batch:
            handler._on_ready(events)
        return len(batch)


class SelectorPoller(Telling):
    """Any selector of the standard library. The way on systems without epoll."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        self._selector = selector or selectors.DefaultSelector()

    def register(self, fd: int, events: int, handler: Handler) -> None:
        self._selector.register(fd, _to_selector(events), handler)

    def modify(self, fd: int, events: int, handler: Handler | None = None) -> None:
        found = self._selector.get_map().get(fd)
        if handler is not None and (found is None or found.data is not handler):
            raise lost(fd)
        self._selector.modify(fd, _to_selector(events), self._selector.get_key(fd).data)

    def unregister(self, fd: int, handler: Handler | None = None) -> None:
        found = self._selector.get_map().get(fd)
        if handler is None or (found is not None and found.data is handler):
            self._selector.unregister(fd)

    def poll(self, timeout: float | None) -> list[tuple[Handler, int]]:
        return [(key.data, _from_selector(events)) for key, events in self._selector.select(timeout)]

    def close(self) -> None:
        try:
            self._selector.close()
        except OSError:
            pass  # in a forked child: a kqueue is not inherited


def _to_selector(events: int) -> int:
    return (selectors.EVENT_READ if events & READ else 0) | (selectors.EVENT_WRITE if events & WRITE else 0)


def _from_selector(events: int) -> int:
    return (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0)
