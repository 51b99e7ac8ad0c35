"""Taking up a connection after an exception (Ctrl-C) has left a round of the loop before its end. Owns no state."""

from __future__ import annotations

from typing import Any

from .lanes import CLOSED, OPENING


def take_up(transport: Any) -> None:
    """Ask the poller again for what the state says, by level, and let leave what waits. Harmless twice.

    The edges of that round would not be told again; and the exception may have come in the midst of asking, so that
    what is noted is not what the poller knows.
    """
    if transport._phase is OPENING or transport._phase is CLOSED:
        return  # a handshake is told by level, and who is closed is not told
    transport._edge = 0
    transport._poller.unregister(transport._fd, transport)
    transport._interest = 0
    transport._watch_input()
    if transport._size and not transport._blocked:
        transport._loop.dirty.append(transport)
