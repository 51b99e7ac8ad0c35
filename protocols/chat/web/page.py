"""The page and its port: its files from memory, and the WebSocket at /chat."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

from reactor import Limits, Listener

from ...http.server import Request, Response, Server
from ...websocket import WebSocketRoute
from ...websocket.lines import SharedFrames, texts
from ..session import HARD, Chat
from . import events
from .sockets import ChatSocket
from .states import States

FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/chat.css": ("chat.css", "text/css; charset=utf-8"),
    "/log.js": ("log.js", "text/javascript; charset=utf-8"),
    "/panel.js": ("panel.js", "text/javascript; charset=utf-8"),
    "/chat.js": ("chat.js", "text/javascript; charset=utf-8"),
}
FAREWELL = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
LIMITS = Limits(connections=10_000, output=HARD)  # who does not read is evicted as on TCP

POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src data:",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip
"""Nothing inline and nothing from elsewhere: what somebody says cannot become a program (CSP level 3)."""


class WebChat:
    """The chat on a port for browsers.

    origins: whose pages may connect; None: only this one's. Behind a proxy that changes Host, name what people see.

    >>> from reactor.testing import MemoryReactor
    >>> from protocols.http import fetch
    >>> with MemoryReactor() as reactor:
    ...     listener = WebChat(Chat(reactor)).listen("localhost", 80)
    ...     reactor.run_until(fetch(reactor, "http://localhost/", proxy=False)).headers["content-type"]
    'text/html; charset=utf-8'
    """

    def __init__(self, chat: Chat, *, origins: Collection[str] | None = None) -> None:
        self._chat = chat
        self.site = Server(chat.reactor, limits=LIMITS.replace(refuse=self._refuse))
        states = States(chat.reactor, chat.hub)
        lines, typed = SharedFrames(texts), SharedFrames(events.render)

        def socket() -> ChatSocket:
            made = ChatSocket(chat, states, lines, typed)
            made.origins = origins
            return made

        self.site.route("GET", "/chat", WebSocketRoute(socket))
        for path, (name, kind) in FILES.items():
            self.site.route("GET", path, partial(self._show, StaticFile(name, kind)))

    def _refuse(self, peername: Any, held: int) -> bytes | None:
        """Who is banned gets no page; how many may talk is judged by the door they share with the chat's own port."""
        reason = self._why_not(peername)
        return None if reason is None else forbidden(reason)

    def _show(self, file: StaticFile, request: Request) -> Response:
        """A connection may be older than a ban; half a page, whose rest is asked for over a new one, tells nobody."""
        reason = self._why_not(request.peer)
        return file(request) if reason is None else Response(403, farewell(reason), {**FAREWELL, "Connection": "close"})

    def _why_not(self, peername: Any) -> str | None:
        address = peername[0] if isinstance(peername, tuple) else ""
        if (reason := self._chat.authority.refuses(address)) is not None:
            self._chat.note_refused(address, reason)
        return reason

    def listen(self, host: str | None, port: int, *, tls: ssl.SSLContext | None = None) -> Listener:
        """Serve it there."""
        return self.site.listen(host, port, tls=tls)


def forbidden(reason: str) -> bytes:
    """The answer to whoever is banned, whatever it asks for: its browser shows the reason."""
    body = farewell(reason).encode()
    fields = "".join(f"{name}: {value}\r\n" for name, value in FAREWELL.items())
    return f"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body


def farewell(reason: str) -> str:
    """What its browser shows instead of the page."""
    return f"goodbye: {reason}\n"


class StaticFile:
    """A file of this package, read once. Asked for again, it is sent only if it is another version."""

    def __init__(self, name: str, kind: str) -> None:
        content = (Path(__file__).parent / name).read_bytes()
        self._tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        fields = {
            "Content-Type": kind,
            "Cache-Control": "no-cache",  # ask each time, so that the page is never older than the server
            "ETag": self._tag,
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        self._whole = Response(200, content, fields)
        self._same = Response(304, None, fields)

    def __call__(self, request: Request) -> Response:
        known = request.headers.get("if-none-match", "")
        same = known.strip() == "*" or self._tag in known
        return self._same if same else self._whole
