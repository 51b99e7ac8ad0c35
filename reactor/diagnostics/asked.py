"""What a program, or its environment, asks to be told of a reactor: watchdog, debug mode, dump. Loads none of them."""

from __future__ import annotations

WATCHDOG = 1.0  # seconds: a person notices, and no callback that a loop can afford takes so long
MAX_CONNECTIONS = 1000  # lines of a dump: some 150 KB, what a log bears and a terminal scrolls back


def debug(given: bool | None, environment: str | None) -> bool:
    """What the program says, else whether REACTOR_DEBUG is anything but empty or 0."""
    return environment not in (None, "", "0") if given is None else given


def seconds(given: float | None, is_real_time: bool, environment: str | None) -> float:
    """What to watch with: what the program says, else REACTOR_WATCHDOG, else WATCHDOG; 0 where time is moved by tests.

    Raises ValueError for what is no number of seconds from 0 up.

    >>> seconds(None, True, None), seconds(0.5, True, "9"), seconds(None, True, "9"), seconds(None, False, "9")
    (1.0, 0.5, 9.0, 0.0)
    """
    if given is None:
        if not is_real_time:
            return 0.0
        given = parse("REACTOR_WATCHDOG", environment) if environment else WATCHDOG
    if not 0 <= given < float("inf"):
        raise ValueError(f"the watchdog is a number of seconds, 0 for none, not {given!r}")
    return float(given)


def parse(name: str, text: str) -> float:
    """A number from the environment. Raises ValueError with its name."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} is a number of seconds, 0 for none, not {text!r}") from None
