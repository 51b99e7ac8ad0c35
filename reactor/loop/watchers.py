"""Foreign descriptors, each with a callback for reading, one for writing, or both. Knows the poller, not the loop."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from ..boundary import EXITS, log
from .meter import Meter
from .poller import READ, WRITE, Poller

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
        except EXITS:
            raise
        except BaseException:
            log.exception("exception in the callback for descriptor %d, which is removed", self._fd)
            return False
        return True

    def _update(self) -> None:
        wanted = (READ if self._reader else 0) | (WRITE if self._writer else 0)
        held, self._interest = self._interest, wanted
        if not wanted:
            if held:
                del self._registry[self._fd]
                self._poller.unregister(self._fd, self)
        elif held:
            try:
                self._poller.modify(self._fd, wanted, self)
            except OSError:  # closed meanwhile without a word to us, and the number is a new file's
                self._poller.unregister(self._fd, self)
                self._register(wanted)
        else:
            self._register(wanted)

    def _register(self, wanted: int) -> None:
        self._registry.pop(self._fd, None)
        self._interest = 0
        try:
            self._poller.register(self._fd, wanted, self)
        except PermissionError:  # epoll_ctl(2): EPERM for files and directories
            text = f"descriptor {self._fd} is a file: always ready, and not to be polled. Read it in run_in_thread"
            raise PermissionError(errno.EPERM, text) from None
        except FileExistsError:
            text = f"descriptor {self._fd} is watched already: it is a connection's or a listener's of this reactor"
            raise FileExistsError(errno.EEXIST, text) from None
        self._registry[self._fd] = self
        self._interest = wanted


class Watchers:
    """The descriptors of the program that one loop watches."""

    def __init__(self, poller: Poller, meter: Meter) -> None:
        self._poller = poller
        self._meter = meter
        self._found: dict[int, Watcher] = {}

    def __len__(self) -> int:
        return len(self._found)

    def read(self, fd: Any, call: Call) -> None:
        """Make `call` whenever `fd` is readable."""
        self._watcher(fd).set_reader(call)

    def write(self, fd: Any, call: Call) -> None:
        """Make `call` whenever `fd` is writable."""
        self._watcher(fd).set_writer(call)

    def stop_reading(self, fd: Any) -> bool:
        """Make no more calls for reading; false if there were none to make."""
        watcher = self._found.get(_fileno(fd))
        return watcher is not None and watcher.set_reader(None)

    def stop_writing(self, fd: Any) -> bool:
        """Make no more calls for writing; false if there were none to make."""
        watcher = self._found.get(_fileno(fd))
        return watcher is not None and watcher.set_writer(None)

    def _watcher(self, fd: Any) -> Watcher:
        number = _fileno(fd)
        return self._found.get(number) or Watcher(number, self._poller, self._found, self._meter)

    def clear(self) -> None:
        """In a forked child: forget them all. They are the parent's."""
        self._found.clear()


def _fileno(fd: Any) -> int:
    return fd if isinstance(fd, int) else fd.fileno()
