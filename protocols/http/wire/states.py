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

    __hash__ = (
        object.__hash__
    )  # Enum's own is a Python call, in each look into a table; members are compared by identity


HEAD, SIZED, CHUNKED, UNSIZED, DONE, FAILED = State
# Under names of their own: until CPython 3.12 to look one up in its class costs as much as a call, seven in a request.


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
