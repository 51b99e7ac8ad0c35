"""WebSocket (RFC 6455) with permessage-deflate (RFC 7692), as a server and as a client.

    from protocols.http.server import Server
    from protocols.websocket import WebSocket

    class Echo(WebSocket):
        def text_received(self, text):
            self.send(text)

    site = Server(reactor)
    site.route("GET", "/echo", Echo)
    site.listen("127.0.0.1", 8000)

The files, from the bottom up; a file imports only from those above it in this list:

    limits       bounds and deadlines of one WebSocket
    closing      how a WebSocket ends: codes, and the payload of a close frame
    frames       frames made, and masking
    deflate      what is agreed about compression, and messages made small and large again
    messages     one message while it comes in pieces
    wire         what comes: bytes in, messages and control frames out
    handshake    the opening handshake, both sides of it
    outbox       large messages made a slice at a time, and what waits behind them
    route        from a request to a WebSocket
    unfinished   how much of messages that have not ended all WebSockets hold together
    protocol     a WebSocket on its transport: messages, the close, the clock
    broadcast    one message to many
    connect      a WebSocket as a client
    lines        any protocol of text lines as a WebSocket
"""

from __future__ import annotations

from ..http.server import Refusal
from .broadcast import broadcast
from .connect import connect
from .handshake import ANY_ORIGIN, HandshakeError
from .lines import LineSocket, lines_over
from .protocol import WebSocket
from .route import WebSocketRoute

__all__ = [
    "ANY_ORIGIN",
    "HandshakeError",
    "LineSocket",
    "Refusal",
    "WebSocket",
    "WebSocketRoute",
    "broadcast",
    "connect",
    "lines_over",
]
