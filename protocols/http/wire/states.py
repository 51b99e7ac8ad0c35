"""The states of a wire, as one table. Pure data; `wire` walks it, the tests walk every cell.

HEAD --a final head--> SIZED, CHUNKED, UNSIZED or, with no content, DONE --the next message--> HEAD
the peer's end completes UNSIZED, does nothing to DONE, and cuts every other short; a fault is FAILED for good
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    HEAD = "the head"
    SIZED = "content of a known length"
    CHUNKED = "chunked content"
    UNSIZED = "content until the connection ends"
    DONE = "between two messages"
    FAILED = "nothing any more"

    # Enum's own is a Python call, in each look into a table; members are compared by identity.
    __hash__ = object.__hash__


HEAD, SIZED, CHUNKED, UNSIZED, DONE, FAILED = State
# Under names of their own: up to CPython 3.12, `State.HEAD` costs as much as a call, and a request needs seven.


def _table(drawing: str) -> dict[tuple[State, str], State]:
    head, *rows = drawing.strip().splitlines()
    return {
        (State[state], sign): State[following]
        for state, *cells in map(str.split, rows)
        for sign, following in zip(head.split(), cells, strict=True)
        if following != "-"
    }


TABLE = _table(
    """
              interim  empty  sized  chunked  unsized  tunnel  complete  eof     fault   next
    HEAD      HEAD     DONE   SIZED  CHUNKED  UNSIZED  DONE    -         FAILED  FAILED  -
    SIZED     -        -      -      -        -        -       DONE      FAILED  FAILED  -
    CHUNKED   -        -      -      -        -        -       DONE      FAILED  FAILED  -
    UNSIZED   -        -      -      -        -        -       -         DONE    -       -
    DONE      -        -      -      -        -        -       -         DONE    -       HEAD
    FAILED    -        -      -      -        -        -       -         FAILED  -       -
    """
)
