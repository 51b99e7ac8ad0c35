"""Foreign descriptors, each with a callback for reading, one for writing, or both. Knows the poller, not the loop."""

from __future__ import annotations

import errno
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from .meter import Meter
from .poller import READ, WRITE, Poller

log = logging.getLogger("reactor")

Call = tuple[Callable[..., Any], tuple[Any, ...]]


class Watcher:
    """One descriptor that the program owns. It is in `registry` exactly while it is registered with the poller."""

    __slots__ = ("_fd", "_interest", "_meter", "_poller", "_reader", "_registry", "_writer")

    def __init__(self, fd: int, poller: Poller, registry: dict[int, Watcher], meter: Meter) -> None:
        self._fd = fd
        self._poller = poller
        self._registry = registry
        self._meter = meter
        self._reader: Call | None = None
        self._writer: Call | None = None
        self._interest = 0

    def set_reader(self, call: Call | None) -> bool:
        """Set or (None) remove the callback for reading; true if there was one."""
        had, self._reader = self._reader is not None, call
        self._update()
        return had

    def set_writer(self, call: Call | None) -> bool:
        """Set or (None) remove the callback for writing; true if there was one."""
        had, self._writer = self._writer is not None, call
        self._update()
        return had

    def _on_ready(self, events: int) -> None:
        """Called by the loop."""
        self._meter.other_events += 1
        reader = self._reader
        if events & ~WRITE and reader is not None and not self._ran(reader) and self._reader is reader:
            self.set_reader(None)
        writer = self._writer
        if events & ~READ and writer is not None and not self._ran(writer) and self._writer is writer:
            self.set_writer(None)

    def _ran(self, call: Call) -> bool:
        fn, args = call
        try:
            fn(*args)
        except Exception:
            log.exception("exception in the callback for descriptor %d, which is removed", self._fd)
            return False
        return True

    def _update(self) -> None:
        wanted = (READ if self._reader else 0) | (WRITE if self._writer else 0)
        held, self._interest = self._interest, wanted
        if wanted == held:
            return
        if not wanted:
            del self._registry[self._fd]
            self._poller.unregister(self._fd)
        elif held:
            self._poller.modify(self._fd, wanted)
        else:
            self._register(wanted)

    def _register(self, wanted: int) -> None:
        try:
            self._poller.register(self._fd, wanted, self)
        except PermissionError:  # epoll_ctl(2): EPERM for files and directories
            text = f"descriptor {self._fd} is a file: always ready, and not to be polled. Read it in run_in_thread"
            raise PermissionError(errno.EPERM, text) from None
        self._registry[self._fd] = self


class ForeignDescriptors(ABC):
    """The verbs for descriptors that the program owns; a part of the loop."""

    poller: Poller
    meter: Meter

    def __init__(self) -> None:
        self._watchers: dict[int, Watcher] = {}

    @abstractmethod
    def check_usable(self) -> None:
        """Raise a clear error where the reactor cannot work any more."""

    def add_reader(self, fd: Any, fn: Callable[..., Any], *args: Any) -> None:
        """Call `fn(*args)` whenever `fd` (a number, or anything with `fileno()`) is readable or hung up.

        Replaces an earlier reader of `fd`. A callback that raises is logged and removed: left there, it would be
        called again at once and for ever. The descriptor stays the caller's, to be removed here before it is closed.

        >>> import os
        >>> from reactor import Reactor
        >>> reading, writing = os.pipe()
        >>> with Reactor() as reactor:
        ...     def on_readable():
        ...         print(os.read(reading, 100))
        ...         reactor.remove_reader(reading)
        ...         reactor.stop()
        ...     reactor.add_reader(reading, on_readable)
        ...     _ = os.write(writing, b"hello")
        ...     reactor.run()
        b'hello'
        >>> os.close(reading), os.close(writing)
        (None, None)
        """
        self._watch(fd).set_reader((fn, args))

    def add_writer(self, fd: Any, fn: Callable[..., Any], *args: Any) -> None:
        """As `add_reader`, for writing."""
        self._watch(fd).set_writer((fn, args))

    def remove_reader(self, fd: Any) -> bool:
        """Stop watching `fd` for reading; False if it was not watched."""
        watcher = self._watchers.get(_fileno(fd))
        return watcher is not None and watcher.set_reader(None)

    def remove_writer(self, fd: Any) -> bool:
        """Stop watching `fd` for writing; False if it was not watched."""
        watcher = self._watchers.get(_fileno(fd))
        return watcher is not None and watcher.set_writer(None)

    def _watch(self, fd: Any) -> Watcher:
        self.check_usable()
        number = _fileno(fd)
        return self._watchers.get(number) or Watcher(number, self.poller, self._watchers, self.meter)


def _fileno(fd: Any) -> int:
    return fd if isinstance(fd, int) else fd.fileno()
