"""One message to many WebSockets."""

from __future__ import annotations

from collections.abc import Iterable

from .frames import BINARY, TEXT, Bytes, as_bytes
from .outbox import Work
from .protocol import WebSocket


def broadcast(sockets: Iterable[WebSocket], message: str | Bytes) -> None:
    """Send one message to many: framed once, compressed once, and the very same bytes are written to all."""
    if isinstance(message, str):
        opcode, payload = TEXT, message.encode()
    else:
        opcode, payload = BINARY, as_bytes(message)
    made: dict[int | None, bytes | Work] = {}
    # Three ways. Nearly every socket `_shares`: it gets the very bytes. One that is busy gets them behind what waits.
    # A client masks with a key of its own, and one that is closed takes nothing: `send` knows.
    for socket in sockets:
        if not socket._shares and (socket.is_client or not socket._open):
            socket.send(message)
            continue
        frame = made.get(socket._window)
        if frame is None:
            frame = made[socket._window] = socket._make(opcode, payload)
        if socket._shares and type(frame) is bytes:
            socket.transport.write(frame)
        else:
            socket._post(frame)
