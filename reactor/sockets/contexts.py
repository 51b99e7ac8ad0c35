"""What `tls=` may be: contexts, checked where they are given, and the carriers that are made with them.

Nothing above imports `ssl` by itself: where there is no TLS, OpenSSL is not loaded (3 MiB, 10 ms).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

    from .tls import TLSSocket


def check_server_context(tls: object) -> None:
    """Refuse at the call what would fail every handshake. Raises TypeError, and ssl.SSLError for a client's context."""
    if tls is None:
        return
    import ssl

    if not isinstance(tls, ssl.SSLContext):
        raise TypeError(f"tls is an ssl.SSLContext with a certificate, not {tls!r}")
    tls.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)


def server_carrier(loop: Any, tls: ssl.SSLContext | None) -> Callable[[socket.socket], TLSSocket] | None:
    """What makes the carrier of a newcomer; None without TLS."""
    if tls is None:
        return None
    from .tls import TLSSocket

    return lambda sock: TLSSocket(loop.call_soon, sock, loop.poller, tls, server_side=True)


def client_carrier(
    loop: Any, tls: ssl.SSLContext | bool | None, server_hostname: str
) -> Callable[[socket.socket], TLSSocket] | None:
    """What makes the carrier of an outgoing connection; None without TLS. Raises TypeError for what is no context."""
    if tls is None or tls is False:
        return None
    import ssl

    from .tls import TLSSocket

    context = system_context() if tls is True else tls
    if not isinstance(context, ssl.SSLContext):
        raise TypeError(f"tls is True or an ssl.SSLContext, not {tls!r}")

    def secure(sock: socket.socket) -> TLSSocket:
        return TLSSocket(loop.call_soon, sock, loop.poller, context, server_hostname=server_hostname or None)

    return secure


@cache
def system_context() -> ssl.SSLContext:
    """A client's context with the system's roots. Made once: reading them takes 20 ms."""
    import ssl

    return ssl.create_default_context()
