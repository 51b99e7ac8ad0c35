"""The chat in a browser: a page, and its WebSocket, which speaks plain lines or typed events.

The files, from the bottom up; a file imports only from those above it in this list:

    events       lines of the chat as typed events; pure
    states       what a member knows of where it is: its name, the room, who is there
    sockets      one browser's connection
    page         the page and its port
    options      the server's command line for it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .page import WebChat
    from .sockets import PROTOCOL

__all__ = ["PROTOCOL", "WebChat"]


def __getattr__(name: str) -> Any:
    """Loaded when first asked for: a chat without a page need not load http and websocket."""
    if name == "WebChat":
        from .page import WebChat

        return WebChat
    if name == "PROTOCOL":
        from .sockets import PROTOCOL

        return PROTOCOL
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
