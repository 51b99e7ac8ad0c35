"""Log lines about what strangers cause at will: so many of a kind in a minute on each reactor, the rest counted.

Two accounts: whoever is refused all the time takes no line from a bug of the program that others meet.
"""

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
_bugs: WeakKeyDictionary[Any, Seldom] = WeakKeyDictionary()


def tell(log: logging.Logger, reactor: Clock, text: str, *args: object) -> None:
    """A line at INFO, unless there were LINES of this `text` in this minute; the next then says how many had none."""
    others = _ask(_told, reactor, log.name, text)
    if others is not None:
        log.info(text + "%s", *args, others, stacklevel=2)


def tell_bug(log: logging.Logger, reactor: Clock, error: BaseException, text: str, *args: object) -> None:
    """The same at ERROR, with a traceback: for what the program raises, which a stranger may make it do at will.

    A kind is this `text`, the class of `error`, and the line that raised it: one bug hides no other.
    """
    others = _ask(_bugs, reactor, log.name, text, type(error), *_origin(error))
    if others is not None:
        log.error(text + "%s", *args, others, exc_info=error, stacklevel=2)


def _ask(accounts: WeakKeyDictionary[Any, Seldom], reactor: Clock, *kind: object) -> str | None:
    """None if there is no line for this one, else what is to stand at its end."""
    seldom = accounts.get(reactor)
    if seldom is None:
        seldom = accounts[reactor] = Seldom(LINES)
    untold = seldom.tell(kind, reactor.time())
    if untold is None:
        return None
    return f" (and {untold:,} like it before)" if untold else ""


def _origin(error: BaseException) -> tuple[object, ...]:
    """The file and the line that raised it."""
    step = error.__traceback__
    if step is None:
        return ()
    while step.tb_next is not None:
        step = step.tb_next
    return step.tb_frame.f_code.co_filename, step.tb_lineno
