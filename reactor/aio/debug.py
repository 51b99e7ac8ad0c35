"""Debug mode for the streams of asyncio's programs: what asyncio's own debug mode does not see of them.

asyncio checks what its loop is asked for and times what its handles run. Our transports are called by the tick, without
a handle, and their verbs ask no loop. So in debug mode, asyncio's or the reactor's, they are of the class here:

    another thread      a verb that does more than tell raises RuntimeError, which names both threads
    slow callbacks      are told as asyncio tells those of its handles, from `loop.slow_callback_duration` on
    never closed        is told when the loop is closed, with the call that the connection comes from
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from ..boundary import PACKAGE, class_of
from ..diagnostics.debug import call_site, changing
from ..loop.poller import READ
from ..sockets.addresses import show
from .stream import AioStream

log = logging.getLogger("asyncio")

ASYNCIO = os.path.dirname(os.path.abspath(asyncio.__file__)) + os.sep


class DebugAioStream(AioStream):
    """One connection of a program in debug mode."""

    __slots__ = ("origin",)

    def __init__(self, aio: Any, *args: Any) -> None:
        self.origin = _program(sys._getframe(1))
        super().__init__(aio, *args)
        if self._server is not None:
            self.origin = f"accepted on {show(self._extra['sockname'])}"

    def _on_ready(self, events: int) -> None:
        if events == READ:
            self._time(super()._on_ready, events)
        else:
            super()._on_ready(events)  # it calls us again with READ alone, and sends in `_on_flush`

    def _on_flush(self) -> None:
        self._time(super()._on_flush)

    def _time(self, fn: Callable[..., None], *args: Any) -> None:
        aio, name = self._aio, class_of(self._protocol)
        began = aio.time()
        fn(*args)
        took = aio.time() - began
        if took >= aio.slow_callback_duration:
            log.warning("Executing a callback of %s for %r took %.3f seconds", name, self, took)


def _guarded(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: AioStream, *args: Any, **options: Any) -> Any:
        self._loop.runner.check(f"transport.{name}()")
        return method(self, *args, **options)

    return call


for _name in changing(AioStream):
    setattr(DebugAioStream, _name, _guarded(_name, getattr(AioStream, _name)))
DebugAioStream.__name__ = DebugAioStream.__qualname__ = AioStream.__name__


def _program(frame: FrameType | None) -> str:
    """The stack without asyncio's part and ours at its inner end."""
    while frame is not None and frame.f_code.co_filename.startswith((ASYNCIO, PACKAGE)):
        frame = frame.f_back
    return call_site(frame)
