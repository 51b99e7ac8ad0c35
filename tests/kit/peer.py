"""A client of a stage, as a test talks to it: text and lines. Knows no protocol."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .stage import Stage


class Peer:
    """A client's end: a plain socket, and everything received from it so far."""

    def __init__(self, stage: Stage, sock: socket.socket) -> None:
        self._stage = stage
        self.sock = sock
        self.received = b""
        self.ended = False
        sock.setblocking(False)

    def send(self, data: str | bytes) -> None:
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    @property
    def text(self) -> str:
        """All that has come."""
        try:
            while self.sock.fileno() >= 0 and (data := self.sock.recv(65536)):
                self.received += data
            self.ended = True
        except BlockingIOError:
            pass
        return self.received.decode(errors="replace")

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def gets(self, text: str) -> None:
        """Wait until `text` has come."""
        self._stage.until(lambda: text in self.text, lambda: f"{text!r} in {self.text!r}")

    def ends(self) -> None:
        """Wait until the server has ended its side."""
        self._stage.until(lambda: bool(self.text is not None and self.ended), lambda: f"an end after {self.text!r}")

    def end(self) -> None:
        """Say that no more comes."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Vanish as a killed process with unread input does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
