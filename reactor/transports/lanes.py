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


class Phase(Enum):
    OPENING = auto()
    OPEN = auto()
    CLOSING = auto()
    CLOSED = auto()


class In(Enum):
    """The lane in. What follows a state is an attribute of it, by event: no lookup of Python is faster than that."""

    READING = auto()
    PAUSED = auto()
    DISCARDING = auto()
    ENDED = auto()

    pause: In
    resume: In
    close: In
    eof: In
    lost: In
    is_leaving: bool


class Out(Enum):
    """The lane out, in the same way."""

    FLOWING = auto()
    FULL = auto()
    FINISHING = auto()
    SHUT = auto()

    fill: Out
    drain: Out
    finish: Out
    sent: Out
    lost: Out
    is_leaving: bool


def _follow(states: type[In] | type[Out], leave: str, drawing: str) -> None:
    """Let each state know what follows it; one that is left alone by the event `leave` is leaving already."""
    events, *rows = map(str.split, drawing.strip().splitlines())
    for name, *cells in rows:
        state = states[name]
        for event, following in zip(events, cells, strict=True):
            setattr(state, event, states[following])
        state.is_leaving = getattr(state, leave) is state


_follow(
    In,
    "close",
    """
                pause       resume      close       eof     lost
    READING     PAUSED      READING     DISCARDING  ENDED   ENDED
    PAUSED      PAUSED      READING     DISCARDING  ENDED   ENDED
    DISCARDING  DISCARDING  DISCARDING  DISCARDING  ENDED   ENDED
    ENDED       ENDED       ENDED       ENDED       ENDED   ENDED
    """,
)

_follow(
    Out,
    "finish",
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
