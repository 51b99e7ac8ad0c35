"""The reactor as a selector of the standard library: one `select` is one round of it. Knows nothing of asyncio.

Whoever is given this selector shares a thread with the reactor: while it waits for its own descriptors, the reactor
serves its connections, fires its timers and runs its calls, and `select` returns after that round.
"""

from __future__ import annotations

import selectors
from collections.abc import Iterator, Mapping
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey
from typing import Any

from ..loop.loop import MAX_WAIT
from ..loop.poller import READ, WRITE
from ..reactor import Reactor


class Watched:
    """One descriptor, as the poller sees it. `key` is None once it is unregistered: its last event may be under way."""

    __slots__ = ("_reactor", "_ready", "key")

    def __init__(self, key: SelectorKey, ready: list[tuple[Watched, int]], reactor: Reactor) -> None:
        self.key: SelectorKey | None = key
        self._ready = ready
        self._reactor = reactor

    def _on_ready(self, events: int) -> None:
        """Note what happened; any bit but READ and WRITE (an error, a hang-up) is told to both."""
        self._reactor.meter.other_events += 1
        self._ready.append((self, (EVENT_READ if events & ~WRITE else 0) | (EVENT_WRITE if events & ~READ else 0)))


class Keys(Mapping[Any, SelectorKey]):
    """The registered keys, looked up by descriptor or by the object that has one."""

    def __init__(self, watched: dict[int, Watched]) -> None:
        self._watched = watched

    def __getitem__(self, fileobj: Any) -> SelectorKey:
        key = self._watched[fileno(fileobj)].key
        assert key is not None
        return key

    def __iter__(self) -> Iterator[int]:
        return iter(self._watched)

    def __len__(self) -> int:
        return len(self._watched)


class ReactorSelector(selectors.BaseSelector):
    """A selector over one reactor, which stays its owner's: `close` only takes what was registered here back."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._watched: dict[int, Watched] = {}
        self._keys = Keys(self._watched)
        self.ready: list[tuple[Watched, int]] = []

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """As `BaseSelector.register`."""
        fd = fileno(fileobj)
        if not events or events & ~(EVENT_READ | EVENT_WRITE):
            raise ValueError(f"invalid events: {events!r}")
        if fd in self._watched:
            raise KeyError(f"{fileobj!r} (descriptor {fd}) is registered already")
        key = SelectorKey(fileobj, fd, events, data)
        watched = Watched(key, self.ready, self._reactor)
        self._reactor.poller.register(fd, _interest(events), watched)
        self._watched[fd] = watched
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """As `BaseSelector.modify`; the kernel is asked only where the events change."""
        fd = fileno(fileobj)
        held = self._keys[fd]
        if not events or events & ~(EVENT_READ | EVENT_WRITE):
            raise ValueError(f"invalid events: {events!r}")
        if events != held.events:
            self._reactor.poller.modify(fd, _interest(events))
        key = self._watched[fd].key = SelectorKey(held.fileobj, fd, events, data)
        return key

    def unregister(self, fileobj: Any) -> SelectorKey:
        """As `BaseSelector.unregister`."""
        key = self._keys[fileobj]
        self._watched.pop(key.fd).key = None
        try:
            self._reactor.poller.unregister(key.fd)
        except (KeyError, OSError, ValueError):
            pass  # the reactor is closed, or a parent process's: its poller is gone, and this with it
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """One round of the reactor, which waits at most `timeout` seconds; what is ready here. Perhaps nothing.

        A round that an exception ended, such as KeyboardInterrupt, loses nothing: what was not handled is still ready.
        """
        self.ready.clear()
        self._reactor._tick(longest=MAX_WAIT if timeout is None else max(timeout, 0))
        return self.take()

    def take(self) -> list[tuple[SelectorKey, int]]:
        """What this round found ready, of what is still asked for: other callbacks of the round may have changed it."""
        found = [(watched.key, mask & watched.key.events) for watched, mask in self.ready if watched.key is not None]
        self.ready.clear()
        return [(key, mask) for key, mask in found if mask]

    def get_map(self) -> Keys:
        """As `BaseSelector.get_map`."""
        return self._keys

    def get_key(self, fileobj: Any) -> SelectorKey:
        """As `BaseSelector.get_key`. Raises KeyError for what is not registered."""
        return self._keys[fileobj]

    def close(self) -> None:
        """Watch nothing any more."""
        for fd in list(self._watched):
            self.unregister(fd)
        self.ready.clear()


def fileno(fileobj: Any) -> int:
    """The descriptor of a number or an object. Raises ValueError where there is none, as in `selectors`."""
    try:
        fd = fileobj if isinstance(fileobj, int) else int(fileobj.fileno())
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"not a file object: {fileobj!r}") from None
    if fd < 0:
        raise ValueError(f"not a descriptor: {fd}")
    return fd


def _interest(events: int) -> int:
    return (READ if events & EVENT_READ else 0) | (WRITE if events & EVENT_WRITE else 0)
