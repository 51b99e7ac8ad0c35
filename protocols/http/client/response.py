"""An answer, as the caller has it: status, headers, body, and what the body means as text. Knows no wire."""

from __future__ import annotations

import json
import time
from typing import Any

from ..dates import http_date
from ..headers import Headers
from .content.charsets import decode_text
from .content.labels import named_charset

RETRY_AFTER_MAX = 86_400.0  # seconds: who says "in a hundred years" means no, and nobody has a timer for that


class Response:
    """What came back. 4xx and 5xx are answers as well.

    `body` is the content, with its Content-Encoding undone; empty where it was streamed. `url` is where it came from in
    the end, without userinfo and fragment. `history` has the redirects that led there, without their bodies.

    >>> response = Response(200, "OK", Headers([("Content-Type", "application/json")]), b'{"a": [1, 2]}')
    >>> response.text, response.json()["a"], response.headers["content-type"]
    ('{"a": [1, 2]}', [1, 2], 'application/json')
    """

    __slots__ = ("_text", "body", "headers", "history", "reason", "status", "url", "version")

    def __init__(
        self,
        status: int,
        reason: str,
        headers: Headers,
        body: bytes = b"",
        url: str = "",
        history: list[Response] | None = None,
        version: str = "1.1",
    ) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.url = url
        self.history: list[Response] = history or []
        self.version = version
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The body as text, in whatever charset it is; never raises. What is no character is U+FFFD."""
        if self._text is None:
            self._text = decode_text(self.body, self.headers.get("content-type") or "")
        return self._text

    def json(self) -> Any:
        """What the body says in JSON. Raises ValueError where it says nothing."""
        try:
            if named_charset(self.headers.get("content-type") or ""):
                return json.loads(self.text)
            return json.loads(self.body)  # which finds out by itself: UTF-8, 16 or 32 (RFC 8259, 8.1)
        except RecursionError:
            raise ValueError("the JSON is nested too deeply") from None

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait (RFC 9110, 10.2.3), a day at most; None where it says nothing."""
        return retry_after(self.headers, time.time())

    def __repr__(self) -> str:
        size = f" {len(self.body)} bytes" if self.body else ""
        return f"<Response {self.status} {self.url}{size}>"


def retry_after(headers: Headers, now: float) -> float | None:
    """Seconds to wait from `now`, a time since the epoch. A date counts from the server's own Date where it gives one.

    >>> retry_after(Headers([("Retry-After", "120")]), 0.0), retry_after(Headers([("Retry-After", "9" * 99)]), 0.0)
    (120.0, 86400.0)
    """
    value = (headers.get("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:20]), RETRY_AFTER_MAX)
    when = http_date(value)
    if when is None:
        return None
    sent = http_date(headers.get("date") or "")
    return min(max(0.0, when - (now if sent is None else sent)), RETRY_AFTER_MAX)
