"""Echo (RFC 862): every byte comes back. Shows backpressure and half-close in full."""

from __future__ import annotations

from reactor import Protocol, StreamTransport


class Echo(Protocol):
    """One peer. While it does not take what comes back, nothing more is read from it: memory stays flat."""

    __slots__ = ("transport",)

    transport: StreamTransport

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def giving_way(self) -> int:
        """Who has sent nothing yet makes room for newcomers."""
        return 0 if self.transport.bytes_in else 2

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def eof_received(self) -> bool | None:
        """Closing sends first what still waits: whoever says all and then ends its side gets all of it back."""
        return None
