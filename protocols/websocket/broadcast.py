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
    for socket in sockets:
        if not socket._shares and (socket.is_client or not socket._open):
            socket.send(message)  # a client masks, with a key of its own
            continue
        frame = made.get(socket._window)
        if frame is None:
            frame = made[socket._window] = socket._make(opcode, payload)
        if socket._shares and type(frame) is bytes:
            socket.transport.write(frame)
        else:
            socket._post(frame)
