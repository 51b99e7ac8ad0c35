"""What a transport reads and writes: a carrier. States the interface; knows no carrier and no transport.

A TCP or Unix socket is a carrier as it is, so that no call stands between it and the transport. TLS, files in the
stream and the standard streams are objects of the same shape, each over a carrier below or over something else:

    transport -> [FileCarrier, while files wait] -> [TLSSocket] -> a socket, or StdioSocket, or a socket in memory

What a plain socket lacks is optional, and asked for here and nowhere else.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, Protocol as Interface

INTERNET = (int(socket.AF_INET), int(socket.AF_INET6))  # numbers: to compare with an enum takes ten times as long
TCP = (0, int(socket.IPPROTO_TCP))
SOCKETS = (socket.SocketType, socket.socket)
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class Carrier(Interface):
    """Non-blocking: BlockingIOError is "not now", any other OSError the end of the connection."""

    def recv(self, size: int, /) -> bytes: ...
    def recv_into(self, buffer: memoryview, /) -> int: ...
    def send(self, data: bytes | memoryview, /) -> int: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...


class Handshaker(Carrier, Interface):
    """A carrier that has to shake hands first. It stands between the transport and its poller, and is both to it."""

    def begin(self, handler: Any, opened: Callable[[BaseException | None], None], early: bytes = b"", /) -> None:
        """Shake hands, then call `opened` with None or the error. early: what the peer has sent already."""

    def stop(self) -> None:
        """Watch nothing any more, and let go of the transport."""


def handshaker(carrier: Any) -> Handshaker | None:
    """The carrier, if it has to shake hands."""
    return carrier if hasattr(carrier, "begin") else None


def reads_all(carrier: Any) -> bool:
    """True if a `recv` that gives less than it was asked for has emptied the carrier.

    So it is with TCP by the kernel, but in front of urgent data, and where a carrier says so itself. On a Unix socket a
    read stops where descriptors were sent along, in SCTP at the end of a message; and what else there is, nobody knows.
    """
    if type(carrier) in SOCKETS:
        return carrier.family in INTERNET and carrier.proto in TCP
    return getattr(carrier, "reads_all", False) is True


def stop(carrier: Any) -> None:
    """Stop the carrier, if it watches anything by itself."""
    if hasattr(carrier, "stop"):
        carrier.stop()


def as_python_socket(carrier: Any) -> Any:
    """The carrier as a program may have it: a `socket.SocketType` is made a `socket.socket`, on the same descriptor.

    A newcomer's is a `socket.SocketType`, the class in C below `socket.socket`, for as long as nobody asks for it: a
    carrier's methods are all in C, and what Python adds (files, enums, `with`) costs a short connection a sixteenth of
    its instructions. The old object is detached: use only what this returns. A closed carrier is returned as it is. Not
    safe in two threads at once: each would make a socket that closes the descriptor.
    """
    if type(carrier) is not socket.SocketType or carrier.fileno() < 0:
        return carrier
    try:
        sock = socket.socket(carrier.family, carrier.type, carrier.proto, carrier.fileno())
    except OSError:
        return carrier  # somebody closed the number behind our back, which its next use will find
    sock.setblocking(False)  # the kernel's descriptor is so already; this tells the new object
    carrier.detach()
    return sock


def reset_on_close(carrier: Any) -> None:
    """Let the peer see a reset instead of an end, if this is TCP."""
    try:
        carrier.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    except (OSError, AttributeError):
        pass  # not a TCP socket


def can_write_eof(carrier: Any) -> bool:
    """Whether the carrier has a half-close; every stream socket does."""
    return bool(getattr(carrier, "can_write_eof", True))


def carrier_info(carrier: Any, name: str, default: Any) -> Any:
    """What a carrier tells of itself (see `get_extra_info`); a plain socket tells of its ends, and that it is one."""
    if name == "sockname":
        try:
            return carrier.getsockname()
        except (OSError, AttributeError):
            return default
    if name == "peercred":
        return peer_credentials(carrier_info(carrier, "socket", None), default)
    info = getattr(carrier, "get_extra_info", None)
    if info is not None:
        return info(name, default)
    return carrier if name == "socket" else default


def peer_credentials(sock: Any, default: Any = None) -> Any:
    """`(pid, uid, gid)` of the process that made the other end, as the kernel noted it then (SO_PEERCRED, Linux)."""
    if sys.platform != "linux" or getattr(sock, "family", None) != socket.AF_UNIX:
        return default
    try:
        return struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    except OSError:
        return default
