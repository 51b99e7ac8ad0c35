"""Names to addresses, off the loop's thread. Literal addresses never leave it."""

from __future__ import annotations

import socket
from concurrent.futures import Future
from typing import Any

from ..errors import ResolveError
from ..loop.kernel import Kernel
from ..loop.loop import Loop

Address = tuple[int, Any]  # family and sockaddr


def resolve(loop: Loop, host: str, port: int, family: int = 0) -> Future[list[Address]]:
    """The TCP addresses of `host`, in the resolver's order. The future may hold ResolveError.

    getaddrinfo blocks for as long as the name servers are silent (resolv.conf(5): 5 s for each, twice, and all that for
    each search domain) and cannot be interrupted. So it runs in a daemon thread, of which there are RESOLVERS, and
    whoever waits sets a deadline and cancels: a lookup that has not begun by then never does, and what a later one
    finds is dropped.
    """
    try:
        found = _lookup(loop._kernel, host, port, family, socket.AI_NUMERICHOST)
    except OSError:
        return loop._jobs.run(loop._jobs.resolvers, _lookup, loop._kernel, host, port, family, 0)
    future: Future[list[Address]] = loop.promise()
    future.set_result(found)
    return future


def _lookup(kernel: Kernel, host: str, port: int, family: int, flags: int) -> list[Address]:
    try:
        if "\0" in host:
            raise UnicodeError  # C would look up what stands before it
        found = kernel.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags)
    except socket.gaierror as exc:
        raise ResolveError(exc.errno, f"cannot resolve {host!r}: {exc.strerror}") from None
    except UnicodeError:
        raise ResolveError(socket.EAI_NONAME, f"cannot resolve {host!r}: not a host name") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))
