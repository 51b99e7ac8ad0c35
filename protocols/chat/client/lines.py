"""Standard input and output of a client without a person at both: whole lines, and nothing around them."""

from __future__ import annotations

import select
import sys
from typing import TYPE_CHECKING, Any

from reactor import LineProtocol, StreamTransport
from reactor.serving import complain

if TYPE_CHECKING:
    from .terminal import Owner


class Lines(LineProtocol):
    """Standard input and output where they are no terminal with a person at both: whole lines, and nothing around them.

    The last line is sent in any case, with an end or not.
    """

    transport: StreamTransport

    def __init__(self, client: Owner) -> None:
        self.client = client

    def connection_made(self, transport: StreamTransport) -> None:
        super().connection_made(transport)
        self.transport = transport

    def show(self, line: str) -> None:
        self.transport.write(f"{line}\n".encode(encoding(sys.stdout), "replace"))

    def note(self, text: str) -> None:
        complain(text)

    def line_received(self, line: bytes) -> None:
        self.client.typed(line.decode(encoding(sys.stdin), "surrogateescape"))

    def line_too_long(self, size: int) -> None:
        complain(f"not sent: a line of more than {self.max_line} bytes")

    def eof_received(self) -> bool:
        super().eof_received()
        if (error := self.transport.get_extra_info("stdout_error")) is not None:
            self.client.seat_lost(error)
        elif nobody_reads(sys.stdout):  # what cannot be written ends both ways
            self.client.seat_lost(BrokenPipeError("nobody reads what is said"))
        else:
            self.client.input_ended()
        return True  # the server's answers are still to be shown

    def pause_writing(self) -> None:
        self.client.output_stalls(True)

    def resume_writing(self) -> None:
        self.client.output_stalls(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.client.seat_lost(exc)


def encoding(stream: Any) -> str:
    """What a standard stream is encoded in; it may be closed."""
    return getattr(stream, "encoding", None) or "utf-8"


def nobody_reads(stream: Any) -> bool:
    """Whether a standard stream is a pipe that has lost its reader."""
    try:
        poll = select.poll()
        poll.register(stream, 0)
        return any(events & select.POLLERR for _, events in poll.poll(0))
    except (AttributeError, OSError, TypeError, ValueError):
        return False  # closed at start, or there is no poll here
