"""The states of a connection: two lanes and a phase. Pure data; the transport walks it, the tests walk every cell.

    phase  OPENING --connection_made--> OPEN --both lanes leaving--> CLOSING --both done--> CLOSED, connection_lost
           an I/O error, abort() or a deadline goes straight to CLOSED from anywhere
    in     READING <-> PAUSED;   peer's EOF -> ENDED;   close() -> DISCARDING --EOF or deadline--> ENDED
    out    FLOWING <-> FULL;     write_eof()/close() -> FINISHING --all sent, end said to the peer--> SHUT

Each direction leaves on its own, which is what half-close means. DISCARDING reads and drops: closing a socket with
unread input sends a reset, and that would take our last bytes from the peer (RFC 1122, 4.2.2.13).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple, TypeVar

E = TypeVar("E", bound=Enum)


class Quick(Enum):
    """An Enum to look up tables with: its own hash is a call of Python, a dozen of them in the life of a connection."""

    __hash__ = object.__hash__


class Phase(Quick):
    OPENING = auto()
    OPEN = auto()
    CLOSING = auto()
    CLOSED = auto()


class In(Quick):
    READING = auto()
    PAUSED = auto()
    DISCARDING = auto()
    ENDED = auto()


class Out(Quick):
    FLOWING = auto()
    FULL = auto()
    FINISHING = auto()
    SHUT = auto()


class State(NamedTuple):
    """Where a connection stands, and since when, in seconds of the loop's clock."""

    phase: Phase
    inbound: In
    outbound: Out
    blocked: bool  # the peer does not take what waits
    born: float  # when it was made
    stamp: float  # when a byte last went in or out


def _table(states: type[E], drawing: str) -> dict[str, dict[E, E]]:
    """What follows, by event and then by state. One dict with pairs as keys would take three times as long."""
    events, *rows = map(str.split, drawing.strip().splitlines())
    table: dict[str, dict[E, E]] = {event: {} for event in events}
    for state, *cells in rows:
        for event, following in zip(events, cells, strict=True):
            table[event][states[state]] = states[following]
    return table


INBOUND = _table(
    In,
    """
                pause       resume      close       eof     lost
    READING     PAUSED      READING     DISCARDING  ENDED   ENDED
    PAUSED      PAUSED      READING     DISCARDING  ENDED   ENDED
    DISCARDING  DISCARDING  DISCARDING  DISCARDING  ENDED   ENDED
    ENDED       ENDED       ENDED       ENDED       ENDED   ENDED
    """,
)

OUTBOUND = _table(
    Out,
    """
                fill        drain       finish      sent        lost
    FLOWING     FULL        FLOWING     FINISHING   FLOWING     SHUT
    FULL        FULL        FLOWING     FINISHING   FULL        SHUT
    FINISHING   FINISHING   FINISHING   FINISHING   SHUT        SHUT
    SHUT        SHUT        SHUT        SHUT        SHUT        SHUT
    """,
)

# Under names of their own: to look one up in its class costs as much as a call, 30 times in the life of a connection.
OPENING, OPEN, CLOSING, CLOSED = Phase.OPENING, Phase.OPEN, Phase.CLOSING, Phase.CLOSED
READING, DISCARDING, ENDED = In.READING, In.DISCARDING, In.ENDED
FLOWING, FULL, FINISHING, SHUT = Out.FLOWING, Out.FULL, Out.FINISHING, Out.SHUT
IN_LEAVING, OUT_LEAVING = frozenset({DISCARDING, ENDED}), frozenset({FINISHING, SHUT})
