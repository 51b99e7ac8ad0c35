"""What no state of a connection may outlast, as one table, and who gives way to newcomers. Knows no clock."""

from __future__ import annotations

from typing import Any

from ..boundary import has
from ..errors import CloseTimeout, HandshakeTimeout, IdleTimeout, LimitExceeded, WriteTimeout
from .lanes import Out, Phase

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


STAYS, FRESH, IDLE, SILENT, LINGERS = range(5)
"""Whether a connection gives way to a newcomer where descriptors or places run out: the higher, the sooner."""

FRESH_FOR = 1.0  # seconds in which a newcomer may say what it wants: several round trips


def gives_way(connection: Any) -> int:
    """LINGERS: all is said, and only the peer's end is waited for. SILENT: it shakes hands, or its protocol says that
    its peer has said nothing yet; FRESH: so, and it has just come. IDLE: its protocol says that it is between requests.
    """
    if connection._phase is Phase.CLOSING:
        return LINGERS if connection._out is Out.SHUT else STAYS
    said = 2 if connection._phase is Phase.OPENING else 0
    if connection._phase is Phase.OPEN and has(connection._protocol, "giving_way"):
        said = connection._callback("giving_way")
    if said == 2:
        return FRESH if connection._loop.now - connection._born < FRESH_FOR else SILENT
    return IDLE if said == 1 else STAYS


def age(connection: Any) -> float:
    """When it came: for an order."""
    return connection._born  # type: ignore[no-any-return]


def give_way(connection: Any) -> None:
    """End it for a newcomer's sake."""
    if connection._phase is Phase.CLOSING:
        connection._end(None)
    else:
        connection._lose(LimitExceeded("it gave way to a newcomer: there were no descriptors, or no places"))
