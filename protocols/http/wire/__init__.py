"""HTTP/1.1 messages for both roles: bytes in, events out. Pure; knows no sockets and no clock.

The files, from the bottom up; a file imports only from those above it in this list:

    turns        how much is read before others have their turn
    states       the states of a wire, as one table
    heads        the block of lines before the content
    chunked      the chunked coding undone
    bodies       where the content of a message ends
    messages     what both wires have in common, and responses
    requests     requests, one after the other
"""

from __future__ import annotations

from ..events import Data, End, Event, Failed, Head, Informational, RequestHead
from .heads import MAX_HEAD, MAX_LINES
from .messages import MAX_INTERIM, MAX_LEFTOVER, ResponseWire
from .requests import RequestWire

__all__ = [
    "MAX_HEAD", "MAX_INTERIM", "MAX_LEFTOVER", "MAX_LINES", "Data", "End", "Event", "Failed", "Head", "Informational",
    "RequestHead", "RequestWire", "ResponseWire",
]  # fmt: skip
