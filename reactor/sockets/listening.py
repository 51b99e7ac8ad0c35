"""Sockets that listen, and the options of those that connect. Knows no loop."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable
from typing import Any

from ..errors import ListenError
from ..loop.kernel import Kernel
from .addresses import check_port, show

KEEPALIVE_IDLE = 120  # seconds of silence before the kernel asks whether the peer lives
KEEPALIVE_INTERVAL = 15  # seconds between its questions
KEEPALIVE_COUNT = 4  # unanswered questions until the connection is lost: a vanished peer is noticed in three minutes
PORT_TRIES = 16  # attempts to get one free port number in both families


def tune(sock: socket.socket) -> None:
    """Options for a TCP socket: no Nagle (we coalesce ourselves), keepalive. Linux hands them on to what it accepts."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM:
        return
    options = [
        (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", KEEPALIVE_IDLE),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", KEEPALIVE_INTERVAL),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", KEEPALIVE_COUNT),
    ]
    for level, name, value in options:
        if hasattr(socket, name):
            try:
                sock.setsockopt(level, getattr(socket, name), value)
            except OSError:
                pass  # reset before we got here: reading will tell


def listening_sockets(
    host: str | None, port: int, *, backlog: int, reuse_port: bool, kernel: Kernel | None = None
) -> list[socket.socket]:
    """Sockets that listen on every address of `host`, with one port number for all; None or "" is every interface.

    Looks a name up in the calling thread: a server listens once, before it serves. Raises ListenError.
    """
    if not 0 <= check_port(port) <= 65535:
        raise ListenError(errno.EINVAL, f"cannot listen on port {port}: not in 0 to 65535")
    kernel = kernel or Kernel()
    addresses = _addresses(kernel, host or None, port)
    for _ in range(PORT_TRIES):
        try:
            return _listen_on_all(kernel, addresses, port, backlog, reuse_port, skip_missing=not _is_literal(host))
        except ListenError as exc:
            # A number that is free in one family may be taken in the other: draw again.
            if port or exc.errno != errno.EADDRINUSE or len(addresses) < 2:
                raise
    raise ListenError(errno.EADDRINUSE, f"no port is free on every address of {host or '*'}")


def adopt_listening(sock: socket.socket, backlog: int) -> None:
    """Make a socket that somebody else opened fit to accept from: listening, non-blocking and tuned.

    One that listens already keeps its backlog. Raises TypeError or ValueError for what nobody can accept from, and
    ListenError where the system refuses; the socket stays open and the caller's then.
    """
    if not isinstance(sock, socket.socket):
        raise TypeError(f"cannot accept connections on {sock!r}: not a socket")
    if hasattr(sock, "do_handshake"):
        raise TypeError(f"cannot accept connections on {sock!r}: give the plain socket, not one wrapped in TLS")
    if sock.fileno() < 0:
        raise ValueError(f"cannot accept connections on {sock!r}: it is closed")
    if sock.type != socket.SOCK_STREAM:
        raise ValueError(f"cannot accept connections on {sock!r}: not a stream socket")
    try:
        if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            _refuse_unbound(sock)
            sock.listen(backlog)
    except OSError as exc:
        raise ListenError(exc.errno, f"cannot listen on {show(sock.getsockname())}: {exc.strerror or exc}") from None
    sock.setblocking(False)
    tune(sock)


def accepting(sock: Any, *, bare: bool = False) -> Callable[[], tuple[Any, Any]]:
    """What accepts from it as `sock.accept` does: that very method, where a subclass has one of its own.

    `socket.accept` turns family and type into enums for each newcomer, only to turn them back: a seventh of all that a
    short connection costs in Python. It also sets the mode of the new socket; here that is left as the kernel made it,
    for the listener sets it to non-blocking anyway. bare: give a `socket.SocketType` where that can be
    done, see `carrier.as_python_socket`.
    """
    if type(sock).accept is not socket.socket.accept or not hasattr(sock, "_accept"):
        return sock.accept  # type: ignore[no-any-return]
    accept, family, kind, proto = sock._accept, int(sock.family), int(sock.type), sock.proto  # of CPython, undocumented
    make = socket.SocketType if bare else socket.socket

    def accept_one() -> tuple[Any, Any]:
        fd, address = accept()
        return make(family, kind, proto, fd), address

    return accept_one


def _refuse_unbound(sock: socket.socket) -> None:
    """To listen on a socket without an address would open any free port on every interface."""
    try:
        peer = sock.getpeername()
    except OSError:
        address = sock.getsockname()
        if not address or (isinstance(address, tuple) and not address[1]):
            raise ValueError(f"cannot accept connections on {sock!r}: not bound to an address") from None
        return
    raise ValueError(f"cannot accept connections on {sock!r}: it is a connection, to {show(peer)}")


def _is_literal(host: str | None) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, str(host).partition("%")[0])
        except (OSError, ValueError):
            continue
        return True
    return False


def _addresses(kernel: Kernel, host: str | None, port: int) -> list[tuple[int, Any]]:
    try:
        found = kernel.getaddrinfo(host, port, 0, socket.SOCK_STREAM, socket.AI_PASSIVE)
    except (OSError, UnicodeError) as exc:
        reason, number = str(exc), errno.EADDRNOTAVAIL
        if isinstance(exc, OSError):
            reason = exc.strerror or reason
            if not isinstance(exc, socket.gaierror):  # those have numbers of their own
                number = exc.errno or number
        raise ListenError(number, f"cannot listen on {host}: {reason}") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _listen_on_all(
    kernel: Kernel, addresses: list[tuple[int, Any]], port: int, backlog: int, reuse_port: bool, skip_missing: bool
) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    failure: ListenError | None = None
    for family, address in addresses:
        address = (address[0], port, *address[2:])
        try:
            sockets.append(_listen_on(family, address, backlog, reuse_port, kernel))
            port = port or sockets[0].getsockname()[1]
        except OSError as exc:
            failure = ListenError(exc.errno, f"cannot listen on {show(address)}: {exc.strerror or exc}")
            # A name, or "every interface", means what there is of it: IPv6 may be switched off.
            if skip_missing and exc.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                continue
            break
    else:
        if sockets:
            return sockets
    for sock in sockets:
        sock.close()
    assert failure is not None
    raise failure


def _listen_on(family: int, address: Any, backlog: int, reuse_port: bool, kernel: Kernel) -> socket.socket:
    sock = kernel.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there the option means that anybody may steal the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            if not hasattr(socket, "SO_REUSEPORT"):
                raise OSError(errno.ENOTSUP, "this system has no SO_REUSEPORT")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own beside it
        sock.bind(address)
        sock.listen(backlog)
        sock.setblocking(False)
        tune(sock)
    except BaseException:
        sock.close()
        raise
    return sock
