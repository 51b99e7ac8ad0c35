"""The handshake of TLS: from the bytes that still leave in the clear to its outcome. Gone when it is over."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from .records import SLICE, Records


class Handshake:
    """One handshake over one carrier.

    flush: hands down what OpenSSL has to say; BlockingIOError while the carrier does not take all of it. clear: bytes
    that go out in the clear before it begins (STARTTLS). opened: is told None or the error, once it has begun.
    """

    __slots__ = ("_below", "_flush", "_records", "clear", "opened")

    def __init__(self, records: Records, below: Any, flush: Callable[[], None], clear: int) -> None:
        self._records = records
        self._below = below
        self._flush = flush
        self.clear = clear
        self.opened: Callable[[BaseException | None], None] | None = None

    def send_clear(self, data: bytes | memoryview) -> int:
        """Send the beginning of `data` as far as it goes out in the clear; BlockingIOError for what comes after it."""
        if not self.clear:
            raise BlockingIOError
        sent: int = self._below.send(memoryview(data)[: self.clear])
        self.clear -= sent
        return sent

    def advance(self) -> None:
        """Go on to the end. Raises BlockingIOError until the carrier is ready again, and whatever it fails with."""
        records = self._records
        self._flush()
        while True:
            done = records.handshake()
            self._flush()
            if done:
                return
            data = self._below.recv(SLICE)
            if not data:
                raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the peer left during the handshake")
            records.incoming.write(data)
