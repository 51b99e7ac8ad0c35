"""Bounds and deadlines of one WebSocket, each with its reason. Pure data; sizes of messages are with their owners."""

from __future__ import annotations

SILENCE = 20.0  # seconds without a byte from the peer until it is pinged: NATs and proxies forget a flow after 30 to 60
PATIENCE = 20.0  # seconds that any byte may take to come then: a phone that changes its network takes ten
CLOSING = 5.0  # seconds for the peer's close after ours, and for the server's end after both
MAX_WAITING = 1024 * 1024  # bytes not taken by the peer at which it gets nothing more: minutes of a busy room
BATCH = 256  # messages handled in one call, after which the other connections have their turn: about a millisecond
LATE_BATCH = 16  # of them where all connections together have taken a round's time: 250 bombs would take a second
PIECE = 4096  # bytes of a message that count as one more in a batch: 256 KiB may hold sixteen of 16 MiB, compressed
MAX_BEHIND = 64 * 1024 * 1024  # bytes of messages that wait until large ones are made: as `Limits.output`
MAX_MAKING = 64 * 1024 * 1024
"""Bytes of messages of all WebSockets that wait until they are made, beyond which no large message is read on: 15 KB
that unpack to 16 MB, and are answered as they are, are sent faster than the answers are made."""
LATE = 1.0  # seconds that our own loop may be late before the peer's silence is not counted as its own
