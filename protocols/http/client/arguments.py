"""What a caller gives, looked at before anything is sent: a wrong kind of thing is named at the call, by a TypeError.

Later it would look like a failure of the network, or of nothing: what is tried again, or waited for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from io import TextIOBase
from typing import TYPE_CHECKING, Any

from .guard import Guard

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

NOT_HEADERS = "headers is a mapping, or pairs of a name and a value"
_COROUTINE = 0x80  # inspect.CO_COROUTINE; `inspect` is not loaded for it


def check_callbacks(**given: Callable[..., Any] | None) -> None:
    """By their names: a function each, and none that would have to be awaited."""
    for name, fn in given.items():
        if fn is None:
            continue
        if not callable(fn):
            raise TypeError(f"{name} is a function, not {_kind(fn)}")
        code = getattr(fn, "__code__", None)
        if code is not None and code.co_flags & _COROUTINE:
            raise TypeError(f"{name} is a coroutine function, which nobody awaits: define it without `async`")


def check_file(file: Any) -> None:
    """Open, binary, and to be written to."""
    if isinstance(file, (str, bytes, os.PathLike)):
        raise TypeError(f"file is an open binary file, not a path: open({os.fspath(file)!r}, 'wb')")
    if isinstance(file, TextIOBase):
        raise TypeError("file is a binary file, and this one is opened for text: open it with 'wb'")
    if isinstance(file, type) or not callable(getattr(file, "write", None)):
        raise TypeError(f"file is an open binary file, not {_kind(file)}")
    mode = getattr(file, "mode", None)  # `writable()` says no for a raw file of the caller's that does not define it
    if isinstance(mode, str) and not set("wax+") & set(mode):
        raise TypeError("file is opened for reading only: open it with 'wb'")


def check_guard(guard: Guard | None) -> Guard | None:
    """A Guard, and not its class."""
    if guard is None or isinstance(guard, Guard):
        return guard
    raise TypeError(f"guard is a Guard, such as Guard(), or None, not {_kind(guard)}")


def check_jar(jar: CookieJar | None) -> CookieJar | None:
    """What can be asked as a jar is. Its class is not loaded for it: that takes 30 ms."""
    if jar is None or (not isinstance(jar, type) and hasattr(jar, "add_cookie_header")):
        return jar
    raise TypeError(f"cookies is an http.cookiejar.CookieJar, or None, not {_kind(jar)}")


def check_names(given: Collection[str], known: Collection[str]) -> None:
    """The names of the options."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise TypeError(f"a fetch has no option {unknown[0]!r}: there are {', '.join(sorted(known))}")


def check_count(name: str, value: Any) -> None:
    """A number that may be 0."""
    if not isinstance(value, int):
        raise TypeError(f"{name} is a whole number, not {_kind(value)}")
    if value < 0:
        raise ValueError(f"{name} must not be negative: {value!r}")


def _kind(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
