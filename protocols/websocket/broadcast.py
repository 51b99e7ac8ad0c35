"""One message to many WebSockets."""

from __future__ import annotations

from collections.abc import Iterable

from .deflate import frame
from .frames import BINARY, TEXT, Bytes, as_bytes
from .protocol import WebSocket


def broadcast(sockets: Iterable[WebSocket], message: str | Bytes) -> None:
    """Send one message to many: framed once, compressed once, and the very same bytes are written to all."""
    if isinstance(message, str):
        opcode, payload = TEXT, message.encode()
    else:
        opcode, payload = BINARY, as_bytes(message)
    frames: dict[int | None, bytes] = {}
    for socket in sockets:
        if socket._shares:
            made = frames.get(socket._window)
            if made is None:
                made = frames[socket._window] = frame(opcode, payload, socket._window)
            socket.transport.write(made)
        else:
            socket.send(message)
