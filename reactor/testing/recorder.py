"""A protocol that writes down its life."""

from __future__ import annotations

from typing import Any

from ..protocol import Protocol


class Recorder(Protocol):
    """Writes down every callback: `events` holds their names, `data` all bytes received, `lost` what ended it."""

    def __init__(self, keep_open: bool = False) -> None:
        self.events: list[str] = []
        self._pieces: list[bytes] = []  # joined when somebody asks: megabytes come in hundreds of pieces
        self.transport: Any = None
        self.lost: Exception | None = None
        self._keep_open = keep_open

    @property
    def data(self) -> bytes:
        """All bytes received."""
        if len(self._pieces) != 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0]

    @data.setter
    def data(self, data: bytes) -> None:
        self._pieces = [data]

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.events.append("connection_made")

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self.events.append("data_received")

    def eof_received(self) -> bool:
        self.events.append("eof_received")
        return self._keep_open

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = exc
        self.events.append("connection_lost")

    def pause_writing(self) -> None:
        self.events.append("pause_writing")

    def resume_writing(self) -> None:
        self.events.append("resume_writing")
