"""Taking up a connection after an exception (Ctrl-C) has left a round of the loop before its end. Owns no state."""

from __future__ import annotations

from typing import Any

from .lanes import CLOSED, OPENING


def take_up(transport: Any) -> None:
    """Ask the poller again for what the state says, by level, and send what waits. Harmless twice.

    The edges of that round would not be told again; and the exception may have come while asking, so that `_interest`
    may not be what the poller knows.
    """
    if transport._phase is OPENING or transport._phase is CLOSED:
        return  # a handshake is by level already; a closed one is not watched
    transport._edge = 0
    transport._poller.unregister(transport._fd, transport)
    transport._interest = 0
    transport._watch_input()
    if transport._size and not transport._blocked:
        transport._loop.dirty.append(transport)
