"""An open connection changes its protocol, and the new one begins. Owns no state: all of it is the transport's."""

from __future__ import annotations

import errno
from typing import Any

from ..boundary import EXITS
from .buffered import feed
from .lanes import ENDED, FULL, INBOUND, OPENING


def switch(transport: Any, protocol: Any, data: bytes) -> BaseException | None:
    """For the contract see `switch_protocol`."""
    if transport.is_closing():
        return ConnectionAbortedError(errno.ECONNABORTED, "switch_protocol() on a connection that ends")
    if transport._in is not ENDED:
        transport._in = INBOUND[transport._in, "resume"]
    transport.set_protocol(protocol)
    if transport._phase is OPENING:  # it hears `connection_made` when the handshake is over
        transport.unread(data)
        return None
    try:
        transport._protocol.connection_made(transport)
    except EXITS:
        transport._end(None)
        raise
    except BaseException as exc:
        transport._blame(exc, "connection_made")
        return exc
    if transport._in is ENDED:
        _deliver_end(transport, data)
    else:
        transport.unread(data)
        transport._loop.call_soon(transport._redeliver)  # what the former one gave back while it paused
    if transport._out is FULL and not transport.is_closing():
        transport._callback("pause_writing")
    return None


def _deliver_end(transport: Any, data: bytes) -> None:
    """The peer said its end to the former protocol: nothing more can come in another way."""
    if data and transport._buffered:
        feed(transport, data)
    elif data and not transport.is_closing():
        transport._callback("data_received", data)
    if not transport.is_closing():
        transport._on_eof()
