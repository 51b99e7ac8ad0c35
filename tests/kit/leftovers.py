"""What an end leaves behind, looked for in the same tick: a moment later time has passed, and has tidied up by itself.

`Before(reactor)` is taken while nothing is open; `left()` names what is there beyond it. `of_the_dead(reactor)` needs
no such moment: it names timers that serve a connection which is over, whoever else is connected, and a heap of timers
that was not swept.
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from typing import Any

from reactor.loop.timers import SWEEP_AT
from reactor.transports.stream import StreamTransport
from tests.kit.guards import open_descriptors


def _refers_to(fn: Any) -> list[Any]:
    """What a callback holds: the object whose method it is, what it was given, what it encloses."""
    if isinstance(fn, partial):
        return [*_refers_to(fn.func), *fn.args]
    cells = getattr(fn, "__closure__", None) or ()
    return [getattr(fn, "__self__", None), *(cell.cell_contents for cell in cells)]


def _is_over(owner: Any) -> bool:
    transport = getattr(owner, "transport", owner)
    return isinstance(transport, StreamTransport) and transport.get_protocol() is None


def _is_ours(fn: Any) -> bool:
    """Whether a method of the packages for themselves: what a user asks for, he may ask for too late."""
    fn = fn.func if isinstance(fn, partial) else fn
    return getattr(fn, "__module__", "").startswith(("reactor.", "protocols.")) and fn.__name__.startswith("_")


def of_the_dead(reactor: Any) -> list[str]:
    """Timers of ours whose connection is over, and keys of timers that were cancelled long ago."""
    heap = reactor.timers
    left = [
        f"{timer!r} of a connection that is over"
        for timer in heap.armed.values()
        if _is_ours(timer._fn) and any(_is_over(owner) for owner in (*_refers_to(timer._fn), *timer._args))
    ]
    if len(heap.entries) > 2 * (len(heap.armed) + SWEEP_AT):  # it is swept by whoever arms, not by who cancels
        left.append(f"{len(heap.entries)} keys of {len(heap.armed)} timers")
    return left


class Before:
    """What a reactor holds while nothing is open."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._had = self._now()
        self._descriptors = open_descriptors() if sys.platform == "linux" else {}

    def _now(self) -> Counter[str]:
        reactor = self._reactor
        poller = getattr(reactor.poller, "_poller", reactor.poller)
        own = reactor.wheel.timer
        return Counter(
            {
                "connections": reactor.stats()["connections"],
                "registrations": len(poller._handlers),
                "deadlines": len(reactor.wheel),
                "timers": len(reactor.timers) - bool(own is not None and own.active),
                "promises": len(reactor._promises),
            }
        )

    def left(self, *, descriptors: bool = True) -> list[str]:
        """What is there now and was not then. descriptors: the kernel's too, where no thread has any in hand."""
        more = [f"{count} {what}" for what, count in (self._now() - self._had).items()]
        if descriptors and self._descriptors:
            now = open_descriptors()
            more += [f"descriptor {fd}: {what}" for fd, what in now.items() if self._descriptors.get(fd) != what]
        return more + of_the_dead(self._reactor)
