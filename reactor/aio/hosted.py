"""asyncio's own loop with the reactor as its selector: both worlds in one thread. Public interfaces of asyncio only.

asyncio's transports, tasks and timers are asyncio's. Each of its rounds begins with one of the reactor's, in place of a
`select`: the reactor's connections, timers and calls are served there. Everything that asyncio can do works, on every
version of Python, at the speed of asyncio. `loop` has the faster loop.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from ..loop.ground import Guest
from ..loop.signals import Signals
from ..reactor import Reactor
from .selector import ReactorSelector

Call = tuple[Callable[..., Any], tuple[Any, ...]]


class HostSignals(Signals):
    """The signal handlers of a reactor that asyncio's loop turns: they go by that loop's, for a process has one
    wake-up descriptor.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._replaced: dict[int, Any] = {}

    def __contains__(self, signum: int) -> bool:
        return signum in self._replaced

    def add(self, signum: int, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Call `fn(*args)` on the loop when `signum` comes. Raises ValueError outside the main thread, OSError for a
        signal that cannot be caught.
        """
        if threading.current_thread() is not threading.main_thread():
            raise ValueError("signal handlers can only be set in the main thread")
        previous = signal.getsignal(signum)
        try:
            self._loop.add_signal_handler(signum, fn, *args)
        except RuntimeError as exc:
            raise OSError(errno.EINVAL, str(exc)) from None
        self._replaced.setdefault(signum, previous)

    def remove(self, signum: int) -> bool:
        """Put back what was there before. False if there was no call of the reactor's for `signum`."""
        if signum not in self._replaced:
            return False
        previous = self._replaced.pop(signum)
        if self._loop.remove_signal_handler(signum) and previous is not None:
            signal.signal(signum, previous)
        return True

    def close(self) -> None:
        """Remove every handler."""
        for signum in list(self._replaced):
            self.remove(signum)


class HostedEventLoop(asyncio.SelectorEventLoop):
    """One thread for asyncio and for `reactor`: see `reactor.aio.new_event_loop`.

    A reactor that it was given stays open at `close`, and can be run by itself then; its own is closed.
    """

    guest: Guest | None = None  # asyncio's own round asks for one of the reactor's, not the other way round
    _awaits = False  # runs until a coroutine is done

    def __init__(self, reactor: Reactor | None = None) -> None:
        self.reactor = own_reactor() if reactor is None else reactor
        """The reactor underneath: Protocols, timers and verbs, on the same thread."""
        self._owns_reactor = reactor is None
        self._reactor_selector = ReactorSelector(self.reactor)
        super().__init__(self._reactor_selector)
        self._signals_before = self.reactor._signals
        self._set_signals(HostSignals(self))
        self.reactor._host = self

    def time(self) -> float:
        """The reactor's clock: timers of both worlds can be compared."""
        return self.reactor.clock()

    def run_forever(self) -> None:
        """Until `stop`, this loop's or the reactor's."""
        if self.is_closed() or self.is_running():
            return super().run_forever()  # which says so
        self.reactor._run_here(super().run_forever)

    def run_until_complete(self, future: Any) -> Any:
        """As asyncio's. A drain of the reactor does not end it: the coroutine may wait for that, and goes on."""
        self._awaits = True
        try:
            return super().run_until_complete(future)
        finally:
            self._awaits = False

    def drained(self) -> None:
        """Whoever runs until a drain, with `reactor.run()` or `run_forever()`, is done."""
        if not self._awaits:
            self.reactor.stop()

    def close(self) -> None:
        """As asyncio's; a reactor of our own is closed first, and `connection_lost` delivered to its protocols."""
        if self._owns_reactor and self.reactor._running:
            # Asked of the reactor: a refused run within a run lets CPython 3.13 forget that it is running.
            raise RuntimeError("Cannot close a running event loop")
        if not self.is_running() and not self.is_closed():
            self._leave()
        super().close()

    def _set_signals(self, signals: Signals) -> None:
        self.reactor._signals = self.reactor._termination._signals = signals

    def _leave(self) -> None:
        self.reactor._signals.close()
        self._set_signals(self._signals_before)
        self.reactor._host = None
        if self._owns_reactor:
            self.reactor.close()


def own_reactor() -> Reactor:
    """A reactor for a program of asyncio's, which expects no bounds: a watchdog only where the environment has one."""
    return Reactor(output_budget=None, watchdog=None if os.environ.get("REACTOR_WATCHDOG") else 0)
