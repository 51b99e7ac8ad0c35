"""The operator's seat: what is typed reaches everybody, what is said is shown. For `reactor.open_stdio`."""

from __future__ import annotations

import os
import stat

from reactor import Limits, Protocol, StreamTransport

from ..framer import Fault, TextFramer
from . import commands
from .hub import Hub

LIMITS = Limits(output=1024 * 1024)  # a terminal stopped with Ctrl-S for an evening; beyond it the display goes


class Console(Protocol):
    """Standard input and output of the server.

    An input that has ended, was never open, or is a file takes nothing away but the typing: lines are still shown.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._framer = TextFramer()

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport
        self._hub.console = transport.write
        if _is_file(transport.get_extra_info("stdin")):
            transport.pause_reading()  # `< file` is how scripts say that nobody types

    def connection_lost(self, exc: Exception | None) -> None:
        self._hub.console = None

    def data_received(self, data: bytes) -> None:
        for item in self._framer.feed(data):
            self._type(item)

    def eof_received(self) -> bool:
        for item in self._framer.finish():
            self._type(item)
        return True  # go on showing

    def _type(self, item: str | Fault) -> None:
        if isinstance(item, Fault):
            self._show(f"that line was not taken: {item.value}")
        elif item.startswith("/") and not item.startswith("//"):
            self._run(item.split()[0])
        elif text := item.removeprefix("/").strip():
            self._hub.say_as_operator(text)

    def _run(self, word: str) -> None:
        if word == "/who":
            self._show(*commands.who(self._hub))
        else:
            self._show(f"there is no {word} here; /who lists who is there, anything else is said to everybody")

    def _show(self, *notices: str) -> None:
        self.transport.write("".join(f"* {notice}\n" for notice in notices).encode())


def _is_file(fd: int | None) -> bool:
    try:
        return fd is not None and stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return False
