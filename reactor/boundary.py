"""The boundary to the program's code: what it raises is told once, and harms only what it was called for.

Whatever the program gives us to call, and whatever of it we look at, may raise anything. Only the EXITS go through: a
panic of an extension module or a CancelledError is as much a bug of one callback as a KeyError is, and asyncio draws
the same line. The pattern is

    try:
        fn(*args)
    except EXITS:
        raise
    except BaseException as exc:
        ...

`attempt` is that pattern as a call, for whoever stands on the reactor: `from reactor import EXITS, attempt`.

Logging is code of the program too: its handlers, filters and formatters. `log` is the logger of this package, of which
nothing comes back: what they raise goes to stderr. And a handler that writes to a connection of the same reactor, which
is over its limit and is ended, which is logged, is not called from inside itself: such a record waits its turn.

Whoever has found what makes the program raise can have it raise thousands of times a second: of one bug, LINES records
a minute are written, with their tracebacks, and the rest are counted.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from threading import get_ident
from time import monotonic
from types import CoroutineType
from typing import Any

EXITS = (SystemExit, KeyboardInterrupt)

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep  # our own files: a frame in any other is the program's
MINUTE = 60.0  # seconds
LINES = 100  # log lines a minute for what strangers do, of one kind: they can do it thousands of times a second

ECHOES = 1000  # records that one may cause, by handlers that write to connections: more than can be evicted by one

Record = tuple[int, str, tuple[Any, ...], Any]


class Quota:
    """Which of the things that strangers cause have a log line: LINES of a kind in a minute."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[float, int]] = {}  # by kind: when its minute began, how many since

    def ask(self, kind: str, now: float) -> str | None:
        """None if this one has no line, else what is to stand at its end: how many had none before it, or nothing."""
        began, count = self._told.get(kind, (now, 0))
        untold = 0
        if now - began >= MINUTE:
            untold, began, count = max(0, count - LINES), now, 0
        self._told[kind] = began, count + 1
        if count >= LINES:
            return None
        return f" (and {untold:,} like it since)" if untold else ""


class Log:
    """The logger "reactor", for calls after a change of state. Nothing that a handler raises comes back."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._thread = threading.local()
        self._quota = Quota()  # of bugs, which strangers may cause; of this process, as the logger is

    def debug(self, text: str, *args: Any) -> None:
        """What was said before."""
        self._tell(logging.DEBUG, text, args, None)

    def info(self, text: str, *args: Any) -> None:
        """What is nobody's fault here."""
        self._tell(logging.INFO, text, args, None)

    def warning(self, text: str, *args: Any) -> None:
        """What an operator should know."""
        self._tell(logging.WARNING, text, args, None)

    def error(self, text: str, *args: Any, exc_info: BaseException | None = None) -> None:
        """What is broken; with a traceback where there is an exception."""
        self._tell_bug(text, args, exc_info)

    def exception(self, text: str, *args: Any) -> None:
        """As `error`, with the exception that is being handled."""
        self._tell_bug(text, args, sys.exc_info()[1])

    def unasked(self, text: str, *args: Any, exc_info: BaseException | None = None) -> None:
        """As `error`, for what comes at whatever time memory is given back."""
        self._tell_bug(text, args, exc_info, False)

    def catch(self, bugs: list[BaseException] | None) -> None:
        """In this thread, collect the exceptions that are logged as errors; None: no more. For the test kit."""
        self._thread.bugs = bugs

    def forget(self) -> None:
        """Write bugs anew that were written as often as may be in this minute. For the test kit."""
        self._quota = Quota()

    def caught(self) -> list[BaseException] | None:
        """What is being collected in this thread."""
        return getattr(self._thread, "bugs", None)

    def _tell_bug(self, text: str, args: tuple[Any, ...], exc: BaseException | None, kept: bool = True) -> None:
        if exc is not None:
            if kept and (bugs := self.caught()) is not None:
                bugs.append(exc)
            others = self._quota.ask(f"{text} {_origin(exc)}", monotonic())
            if others is None:
                return
            if others:
                text, args = text + "%s", (*args, others)
        self._tell(logging.ERROR, text, args, exc)

    def _tell(self, level: int, text: str, args: tuple[Any, ...], exc: BaseException | None) -> None:
        waiting: deque[Record] | None = getattr(self._thread, "waiting", None)
        if waiting is not None:
            return waiting.append((level, text, args, exc))
        waiting = self._thread.waiting = deque([(level, text, args, exc)])
        try:
            for _ in range(ECHOES):
                if not waiting:
                    return
                self._emit(*waiting.popleft())
            if waiting:
                say(f"reactor: a log handler causes another record with each: after {ECHOES} the rest is dropped")
        finally:
            self._thread.waiting = None

    def _emit(self, level: int, text: str, args: tuple[Any, ...], exc: BaseException | None) -> None:
        try:
            self._logger.log(level, text, *args, exc_info=exc, stacklevel=5 if level == logging.ERROR else 4)
        except EXITS:
            raise
        except BaseException:
            say_traceback()


log = Log("reactor")


def _origin(exc: BaseException) -> str:
    """Which bug it is: its class, and the line that raised it."""
    step, place = exc.__traceback__, ""
    while step is not None:
        place, step = f"{step.tb_frame.f_code.co_filename}:{step.tb_lineno}", step.tb_next
    return f"{type(exc).__qualname__} {place}"


def say(text: str) -> None:
    """A line on stderr, where there is one: for what the log cannot tell."""
    try:
        print(text, file=sys.stderr)
    except Exception:
        pass  # nobody is left to be told


def say_traceback() -> None:
    """The exception that is being handled, on stderr, where there is one: the last resort."""
    try:
        traceback.print_exc(file=sys.stderr)
    except Exception:
        pass  # nobody is left to be told


def name_of(fn: Any) -> str:
    """A callable, as people call it; its attributes and its repr are code of the program too."""
    try:
        return str(getattr(fn, "__qualname__", fn))
    except EXITS:
        raise
    except BaseException:
        return object.__repr__(fn)


def class_of(thing: Any) -> str:
    """The name of its class, as the program calls it: a wrapper says by `__class__` for whom it stands."""
    try:
        return str(thing.__class__.__qualname__)
    except EXITS:
        raise
    except BaseException:
        return type(thing).__qualname__


def has(thing: Any, name: str) -> bool:
    """Whether an object of the program's has that attribute. One that raises otherwise has it not."""
    try:
        return hasattr(thing, name)
    except EXITS:
        raise
    except BaseException:
        log.exception("exception in the attribute %s of %s", name, type(thing).__qualname__)
        return False


def attempt(fn: Callable[..., Any], *args: Any) -> tuple[Any, BaseException | None]:
    """Call code of the program: what it gives, and None; or None, and what it has raised. The EXITS go through.

    >>> attempt(int, "7")
    (7, None)
    >>> attempt(int, "seven")
    (None, ValueError("invalid literal for int() with base 10: 'seven'"))
    """
    try:
        return fn(*args), None
    except EXITS:
        raise
    except BaseException as exc:
        return None, exc


def call(what: str, fn: Callable[..., Any], *args: Any) -> Any:
    """Call code of the program whose failure harms nothing else: what it raises is logged, and None is given."""
    result, error = attempt(fn, *args)
    if error is not None:
        log.error("exception in %s %s", what, name_of(fn), exc_info=error)
    return result


class Runner:
    """The thread that a loop runs in, while it runs. Nobody else may change anything of the loop meanwhile."""

    __slots__ = ("ident", "interrupted", "thread")

    def __init__(self) -> None:
        self.interrupted = False  # an exception has left a round of the loop before its end
        self.end()

    def begin(self) -> None:
        """It runs, here."""
        self.thread: threading.Thread | None = threading.current_thread()
        self.ident = get_ident()

    def end(self) -> None:
        """It does not run."""
        self.thread = None
        self.ident = 0

    def check(self, what: str = "") -> None:
        """Raise RuntimeError in another thread than the one that the loop runs in, where it runs."""
        if self.ident and self.ident != get_ident():
            runner = "another thread" if self.thread is None else repr(self.thread.name)
            here = threading.current_thread().name
            raise RuntimeError(
                f"{what or _called()} in the thread {here!r}, while the loop runs in {runner}: use call_soon_threadsafe"
            )


def _called() -> str:
    """The function of ours that the program has called."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_back.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_name}()"


def not_seconds(verb: str, given: object) -> TypeError:
    """What is wrong with a time that is no number."""
    return TypeError(f"{verb} takes seconds, not {given!r}")


def refuse_coroutine(given: object) -> None:
    """What a timer or a call of the loop gave: a coroutine would end without having begun. TypeError."""
    if isinstance(given, CoroutineType):
        given.close()
        raise TypeError("it is a coroutine, which nobody awaits: asyncio's tasks are on the loop of reactor.aio")


def check_interval(interval: float) -> None:
    """Raise where a series cannot have it: it would be due at once, and for ever."""
    try:
        positive = interval > 0
    except TypeError:
        raise not_seconds("call_every()", interval) from None
    if not positive:
        raise ValueError(f"the interval must be positive: {interval!r}")
