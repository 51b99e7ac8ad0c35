"""Names to addresses, off the loop's thread. Literal addresses never leave it."""

from __future__ import annotations

import socket
from concurrent.futures import Future
from typing import Any

from .errors import ResolveError
from .loop import Loop

Address = tuple[int, Any]  # family and sockaddr


def resolve(loop: Loop, host: str, port: int, family: int = 0) -> Future[list[Address]]:
    """The TCP addresses of `host`, in the resolver's order. The future may hold ResolveError.

    getaddrinfo blocks for as long as the name servers are silent and cannot be interrupted, so it runs in a thread of
    the pool and whoever waits sets a deadline: what comes later is dropped.
    """
    try:
        found = _lookup(host, port, family, socket.AI_NUMERICHOST)
    except OSError:
        return loop.run_in_thread(_lookup, host, port, family, 0)
    future: Future[list[Address]] = loop.promise()
    future.set_result(found)
    return future


def _lookup(host: str, port: int, family: int, flags: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=flags)
    except socket.gaierror as exc:
        raise ResolveError(exc.errno, f"cannot resolve {host!r}: {exc.strerror}") from None
    except UnicodeError:
        raise ResolveError(socket.EAI_NONAME, f"cannot resolve {host!r}: not a host name") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))
