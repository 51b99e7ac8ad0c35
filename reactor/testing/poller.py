"""Which sockets in memory are ready: by level or by EDGE as epoll tells it, and it never waits.

As in the kernel, a socket tells when something about it changes, and only those that did, or were ready the last time,
are looked at: ten thousand idle connections cost a poll nothing.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from functools import partial

from ..loop.kernel import Telling
from ..loop.poller import EDGE, MAX_EVENTS, Handler
from .sockets import ERROR, HANG_UP, MemorySocket, fault

ALWAYS = ERROR | HANG_UP  # reported whether asked for or not (epoll_ctl(2))


class MemoryPoller(Telling):
    """A poller over the descriptors of one machine in memory. `idle`: the last poll would have waited."""

    def __init__(self, descriptors: Mapping[int, MemorySocket]) -> None:
        self._descriptors = descriptors
        self._handlers: dict[int, Handler] = {}
        self._interest: dict[int, int] = {}
        self._candidates: dict[int, None] = {}  # may be ready; in order
        self.idle = False

    def register(self, fd: int, events: int, handler: Handler) -> None:
        sock = self._descriptors.get(fd)
        if sock is None:
            raise OSError(errno.EBADF, f"descriptor {fd} is none of this machine in memory, which has only TCP")
        if sock.on_change is not None:
            raise fault(errno.EEXIST)
        self._handlers[fd] = handler
        self._interest[fd] = events | ALWAYS
        sock.on_change = partial(self._candidates.setdefault, fd)
        sock.changed()

    def modify(self, fd: int, events: int, handler: Handler | None = None) -> None:
        if handler is not None and self._handlers.get(fd) is not handler:
            raise fault(errno.EBADF)
        self._watched(fd).changed()
        self._interest[fd] = events | ALWAYS

    def unregister(self, fd: int, handler: Handler | None = None) -> None:
        if handler is not None and self._handlers.get(fd) is not handler:
            return
        del self._handlers[fd]
        sock = self._descriptors.get(fd)
        if sock is not None:
            sock.on_change = None

    def poll(self, timeout: float | None) -> list[tuple[Handler, int]]:
        """What is ready now, whatever `timeout` says."""
        ready = self.ready()
        self.idle = not ready and timeout != 0
        return self.told(ready)

    def told(self, ready: list[tuple[int, int]]) -> list[tuple[Handler, int]]:
        """At most MAX_EVENTS of them. An edge is forgotten once all of it is told."""
        for fd, mask in ready[:MAX_EVENTS]:
            if self._interest[fd] & EDGE and mask == self._mask(fd):
                self._candidates.pop(fd, None)
        return [(self._handlers[fd], mask) for fd, mask in ready[:MAX_EVENTS]]

    def _mask(self, fd: int) -> int:
        sock = self._descriptors.get(fd)
        return 0 if sock is None or sock.on_change is None else sock.events() & self._interest[fd]

    def ready(self) -> list[tuple[int, int]]:
        """Each ready descriptor and its events."""
        found = []
        for fd in list(self._candidates):
            if mask := self._mask(fd):
                found.append((fd, mask))
            else:
                del self._candidates[fd]
        return found

    def close(self) -> None:
        for fd in list(self._handlers):
            self.unregister(fd)

    def __len__(self) -> int:
        return len(self._handlers)

    def _watched(self, fd: int) -> MemorySocket:
        sock = self._descriptors.get(fd)
        if sock is None or sock.on_change is None:
            raise fault(errno.ENOENT)
        return sock
