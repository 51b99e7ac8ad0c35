"""The private names of asyncio that `guest`, `loop` and `stream` lean on: one table, and what to do where one is gone.

asyncio promises nothing about them. A test looks at this table on every interpreter, and `new_event_loop` does before
it makes a loop: where one is gone it makes a `HostedEventLoop`, which needs none of them. So a new Python may cost
speed, and never service.
"""

from __future__ import annotations

import asyncio
import inspect
from asyncio import base_events, constants, events, selector_events, sslproto, trsock
from typing import Any

TransportSocket = trsock.TransportSocket
SSLProtocol: Any = sslproto.SSLProtocol

NAMES: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (
        selector_events.BaseSelectorEventLoop,
        (
            "_make_socket_transport", "_make_ssl_transport", "_start_serving", "_stop_serving", "_process_events",
            "_ensure_fd_no_transport", "_sendfile_fallback", "_run_once",
        ),
    ),
    (events.Handle, ("_run", "_cancelled", "_source_traceback")),
    (events.TimerHandle, ("_when", "_scheduled")),
    (base_events, ("_format_handle",)),
    (base_events.Server, ("_attach", "_detach")),
    (sslproto.SSLProtocol, ("connection_made",)),
    (trsock, ("TransportSocket",)),
    (constants, ("_SendfileMode",)),
)  # fmt: skip
"""Classes and modules, each with what it must have."""

SET = (
    "_ready", "_scheduled", "_closed", "_timer_cancelled_count", "_clock_resolution", "_debug", "_stopping",
    "_transports", "_current_handle", "slow_callback_duration",
)  # fmt: skip
"""What the methods of the loop keep in it."""

PARAMETERS = {
    "_make_socket_transport": ("sock", "protocol", "waiter", "extra", "server"),
    "_make_ssl_transport": (
        "rawsock", "protocol", "sslcontext", "waiter", "server_side", "server_hostname", "extra", "server",
        "ssl_handshake_timeout", "ssl_shutdown_timeout",
    ),
    "_start_serving": (
        "protocol_factory", "sock", "sslcontext", "server", "backlog", "ssl_handshake_timeout", "ssl_shutdown_timeout",
    ),
    "_stop_serving": ("sock",),
    "_sendfile_fallback": ("transp", "file", "offset", "count"),
}  # fmt: skip
"""The methods that are replaced, and all that they may be called with."""


def missing() -> list[str]:
    """What of all that this asyncio does not have; nothing, on the versions that we know."""
    found = [f"{owner.__name__}.{name}" for owner, names in NAMES for name in names if not hasattr(owner, name)]
    kept = {
        name
        for kind in (base_events.BaseEventLoop, selector_events.BaseSelectorEventLoop)
        for method in vars(kind).values()
        if inspect.isfunction(method)
        for name in method.__code__.co_names
    }
    found += [f"loop.{name}" for name in SET if name not in kept]
    for name, known in PARAMETERS.items():
        method = getattr(asyncio.SelectorEventLoop, name, None)
        if method is not None and not set(inspect.signature(method).parameters) <= {"self", *known}:
            found.append(f"{name}{inspect.signature(method)}")
    return found


KNOWN_TO_SERVER = len(inspect.signature(base_events.Server._attach).parameters) > 1  # type: ignore[attr-defined]
"""From Python 3.13 on a server knows its transports; before, it counts them."""


def attach(server: Any, transport: Any) -> None:
    """Let `server` count `transport`."""
    server._attach(transport) if KNOWN_TO_SERVER else server._attach()


def detach(server: Any, transport: Any) -> None:
    """The reverse."""
    server._detach(transport) if KNOWN_TO_SERVER else server._detach()
