"""Log lines about what strangers cause at will: so many of a kind in a minute on each reactor, the rest counted."""

from __future__ import annotations

import logging
from typing import Any, Protocol as Interface
from weakref import WeakKeyDictionary

from .seldom import Seldom

LINES = 100  # of a kind in a minute: as many as the reactor has for connections that it loses


class Clock(Interface):
    """What is asked of a reactor."""

    def time(self) -> float: ...


_told: WeakKeyDictionary[Any, Seldom] = WeakKeyDictionary()


def tell(log: logging.Logger, reactor: Clock, text: str, *args: object) -> None:
    """A line at INFO, unless there were LINES of this `text` in this minute; the next then says how many had none."""
    seldom = _told.get(reactor)
    if seldom is None:
        seldom = _told[reactor] = Seldom(LINES)
    untold = seldom.tell((log.name, text), reactor.time())
    if untold is not None:
        log.info(text + "%s", *args, f" (and {untold:,} like it before)" if untold else "", stacklevel=2)
