"""An open connection changes its protocol, and the new one begins. Owns no state: all of it is the transport's."""

from __future__ import annotations

import errno
from typing import Any

from ..boundary import EXITS
from .lanes import FULL, OPENING, READING


def switch(transport: Any, protocol: Any, data: bytes) -> BaseException | None:
    """For the contract see `switch_protocol`."""
    if transport.is_closing():
        return ConnectionAbortedError(errno.ECONNABORTED, "switch_protocol() on a connection that ends")
    transport._in = READING  # after the peer's end, too: who reads again is told of it again, behind what is left
    transport.set_protocol(protocol)
    given = transport._protocol
    if transport._phase is OPENING:  # it hears `connection_made` when the handshake is over
        transport.unread(data)
        return None
    try:
        given.connection_made(transport)
    except EXITS:
        transport._end(None)
        raise
    except BaseException as exc:
        transport._blame(exc, "connection_made")
        return exc
    transport.unread(data)
    transport._loop.call_soon(transport._redeliver)  # what the former one gave back while it paused
    if transport._out is FULL and transport._protocol is given:  # else it has given the connection away in its turn
        transport._callback("pause_writing")
    return None
