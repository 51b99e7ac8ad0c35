"""What is wrong with the callbacks of a class, found when it is defined. Knows no connection."""

from __future__ import annotations

from typing import Any

CALLBACKS = ("connection_made", "connection_lost", "pause_writing", "resume_writing", "buffer_updated", "draining")
"""What is called beside all that is named `..._received`."""

_COROUTINE = 0x80  # inspect.CO_COROUTINE; `inspect` is not loaded for it


def check_callbacks(kind: type[Any]) -> None:
    """Refuse a callback that would never be awaited, or never called: TypeError, with the name that was meant."""
    known = {name for base in kind.__mro__[1:] for name in vars(base) if _is_callback(name)}
    own = vars(kind)
    for name, fn in own.items():
        code = getattr(fn, "__code__", None)
        if code is None or name.startswith("_"):
            continue
        if name not in known and (wanted := _meant(name, known - own.keys())) is not None:
            raise TypeError(f"{kind.__qualname__}.{name} is never called: the name is {wanted}")
        if code.co_flags & _COROUTINE and _is_callback(name):
            raise TypeError(
                f"{kind.__qualname__}.{name} is a coroutine, which nobody awaits: define it without `async`; "
                "on the loop of reactor.aio it may start a task"
            )


def _is_callback(name: str) -> bool:
    return name in CALLBACKS or name.endswith("_received")


def _meant(name: str, known: set[str]) -> str | None:
    """The callback whose letters a name has, from the first on: other capitals, no underscores, letters exchanged."""
    letters = {*name.lower()} - {"_"}
    found = (wanted for wanted in known if wanted[0] == name[0] and {*wanted} - {"_"} == letters)
    return min(found, default=None)
