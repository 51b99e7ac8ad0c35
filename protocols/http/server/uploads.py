"""Bodies that come: in pieces to a handler of the program's, or whole to a function. Knows no connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..headers import Headers
from .request import Request
from .response import plain


class Upload:
    """A handler that takes the body in pieces. Subclass it; each request has an object of its own.

    Each of the first three may give an answer, which is then final: the rest of the body is not waited for. What
    `end_received` gives is the answer in any case, as a function's would be. "100 Continue" is sent when the body is
    wanted: after `head_received`, or at `request.resume()` where that has called `request.pause()`.

    >>> class Count(Upload):
    ...     def head_received(self, request):
    ...         self.size = 0
    ...     def data_received(self, data):
    ...         self.size += len(data)
    ...     def end_received(self, trailers):
    ...         return f"{self.size} bytes"
    """

    def head_received(self, request: Request) -> Any:
        """The head has come. The place to refuse: nothing of the body is sent yet by a client that asked first."""

    def data_received(self, data: bytes) -> Any:
        """Some of the body. `request.pause()` holds back what follows, `request.resume()` lets it come."""

    def end_received(self, trailers: Headers) -> Any:
        """The body is complete. Trailers are what a client sends behind a chunked body: mostly nothing."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went, or broke the rules, before the body was complete."""


class Budget:
    """Bytes of the bodies that are being kept whole, on all connections together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    def take(self, size: int) -> bool:
        """Count `size` bytes more; false where that is too much. Give them back in either case."""
        self.held += size
        return self.held <= self._most

    def give_back(self, size: int) -> None:
        """They are a handler's now, or nobody's."""
        self.held -= size


class Whole(Upload):
    """The body at once, for a function."""

    __slots__ = ("_handler", "_left", "_pieces", "_request")

    def __init__(self, handler: Callable[[Request], Any], max_body: int) -> None:
        self._handler = handler
        self._left = max_body
        self._pieces: list[bytes] = []

    def head_received(self, request: Request) -> Any:
        self._request = request

    def data_received(self, data: bytes) -> Any:
        self._left -= len(data)
        if self._left < 0:
            return plain(413)
        self._pieces.append(data)
        if len(self._pieces) > 1000:  # a byte a segment: an object for each would cost fifty times the body
            self._pieces = [b"".join(self._pieces)]
        return None

    def end_received(self, trailers: Headers) -> Any:
        self._request.body = b"".join(self._pieces)
        return self._handler(self._request)
