"""Puts the copy of every loop out of service in a forked child: it is the parent's.

A fork copies a loop whole, but the epoll instance, the wake-up socket and every connection are still the parent's: a
copy that registers, sends or shuts down does so for the parent. So the copy is put out of service before the child's
first line runs, and says so to whoever calls it. Checking the process in each call instead would cost every message.
"""

from __future__ import annotations

import os
import weakref
from typing import Any, NoReturn, Protocol as Interface

from ..errors import ReactorError

MESSAGE = "this reactor belongs to the parent process: after a fork make a new one"
KEPT = frozenset({"close", "connections", "dump", "stats", "time"})  # what a child may call of a loop

_loops: weakref.WeakSet[Any] = weakref.WeakSet()


def track(loop: Any) -> None:
    """While it lives, let its sentry rest at each fork, and retire its copy in the child."""
    _loops.add(loop)


class Inherited(Interface):
    """What is told of a fork in the child alone."""

    def _on_forked(self) -> None: ...


_inherited: weakref.WeakSet[Any] = weakref.WeakSet()


def tell_in_child(owner: Inherited) -> None:
    """While it lives, tell its copy in each forked child, before the child's first line."""
    _inherited.add(owner)


def refuse(*args: Any, **kwargs: Any) -> NoReturn:
    """What stands in a child where a method of the parent's was."""
    raise ReactorError(MESSAGE)


def disarm(owner: Any, keep: frozenset[str]) -> None:
    """Let every public method of `owner` but these raise ReactorError."""
    for name in dir(type(owner)):
        if name[0] != "_" and name not in keep and callable(getattr(type(owner), name)):
            setattr(owner, name, refuse)


def _prepare() -> None:
    """In the parent: a fork copies one thread, and Python warns of a process that has others."""
    for loop in list(_loops):
        if (sentry := loop._lookout.sentry) is not None:
            sentry.rest()


def _go_on() -> None:
    """In the parent: the callback that forked may go on for long."""
    for loop in list(_loops):
        if (sentry := loop._lookout.sentry) is not None and loop._running:
            sentry.wake()


def _retire(loop: Any) -> None:
    """In the child: nothing here may work for the parent, or call the program."""
    loop._lookout.sentry = None  # its thread has not come with us
    loop._signals.close()  # the child's SIGTERM is its own again
    disarm(loop, KEPT)
    loop._inventory.on_forked()
    for queue in (loop._soon, loop._inbox, loop.dirty, loop.doomed, loop._watchers, loop.timers):
        queue.clear()
    loop._wakeup.close()
    loop.poller.close()


def _tell() -> None:
    for loop in list(_loops):
        _retire(loop)
    for owner in list(_inherited):
        owner._on_forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_prepare, after_in_parent=_go_on, after_in_child=_tell)
