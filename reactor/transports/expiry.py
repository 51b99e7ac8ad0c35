"""What no state of a connection may outlast, as one table; who goes when descriptors run out. Knows no clock."""

from __future__ import annotations

from typing import Any

from ..errors import CloseTimeout, HandshakeTimeout, IdleTimeout, LimitExceeded, WriteTimeout
from .lanes import Phase

Row = tuple[bool, float, float | None, type[Exception], str]
"""Does it apply; since when; for how many seconds (None: any); the error; its text, before those seconds."""


def deadlines(connection: Any) -> list[tuple[float, Exception]]:
    """When the state that `connection` is in must be over, each deadline with the error that passing it would be."""
    times, limits, upgrade, soft = connection._timeouts, connection._limits, connection._upgrade, connection._soft_since
    opening, is_open, closing = (connection._phase is phase for phase in (Phase.OPENING, Phase.OPEN, Phase.CLOSING))
    begun, given = (upgrade.begun, upgrade.timeout) if upgrade else (0.0, None)
    size, entered, moved = connection._size, connection._entered, connection._moved
    more = f"more than {limits.output_soft} bytes waiting for"
    rows: list[Row] = [
        (opening, entered, times.handshake, HandshakeTimeout, "no handshake within"),
        (is_open, connection._stamp, times.idle, IdleTimeout, "no byte in or out for"),
        (is_open, begun, given, HandshakeTimeout, "start_tls() got no handshake within"),
        (is_open and connection._blocked, moved, times.write, WriteTimeout, f"{size} bytes waiting and none taken for"),
        (is_open and soft is not None, soft or 0.0, limits.output_soft_seconds, LimitExceeded, more),
        (closing, entered, times.close, CloseTimeout, f"close() had {size} bytes not taken within"),
    ]
    return [
        (since + seconds, error(f"{text} {seconds} s"))
        for applies, since, seconds, error, text in rows
        if applies and seconds is not None
    ]


def make_room(connection: Any) -> bool:
    """Descriptors have run out: end one of which all that is left is to wait for its peer. True if that is the end.

    It waits in a handshake, or for the peer's end where everything was said.
    """
    if connection._phase is Phase.OPENING:
        connection._lose(LimitExceeded("descriptors ran out while it shook hands"))
    else:
        connection._end_lingering(0.0)
    return connection._phase is Phase.CLOSED
