"""How long a fetch may take, as a whole and in each of its parts. Pure data."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

TOTAL = 30.0  # seconds: a person has given up by then, and a server that fetches has others waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTimeouts:
    """Seconds; None is no bound. Where `timeout=` is a number, it is `total` and the only bound on an answer.

    Besides, a server that takes no byte of a request for 60 s is given up.

    total: from the call to the last byte: resolving, connecting, TLS, sending, redirects, all of it.
    connect: resolving, connecting and TLS, for each connection. 30 s, as `Reactor.connect_tcp` and for its reasons.
    first_byte: from when the request is sent until the answer begins. 60 s: what a proxy gives its servers (nginx).
    idle: between two pieces of an answer. 60 s: longer than any pause of a sender that is still there.
    """

    total: float | None = TOTAL
    connect: float | None = 30.0
    first_byte: float | None = 60.0
    idle: float | None = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not isinstance(value, (int, float)):
                raise TypeError(f"FetchTimeouts.{field.name} is a number of seconds or None, not {value!r}")
            if value is not None and not 0 < value <= math.inf:
                raise ValueError(f"FetchTimeouts.{field.name} must be positive: {value!r}")


def make_timeouts(timeout: float | FetchTimeouts | None) -> FetchTimeouts:
    """`timeout=` as a caller gives it. None is no total, and the bounds of the parts: nothing waits for ever."""
    if isinstance(timeout, FetchTimeouts):
        return timeout
    if timeout is None:
        return _NO_TOTAL
    return _DEFAULT if timeout == TOTAL else FetchTimeouts(total=timeout, connect=None, first_byte=None, idle=None)


_NO_TOTAL = FetchTimeouts(total=None)
_DEFAULT = FetchTimeouts(total=TOTAL, connect=None, first_byte=None, idle=None)
