"""Making UDP sockets: whose address, which options, which multicast groups. Knows no loop and no transport."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from typing import Any

from ..errors import ConnectError, ListenError, ResolveError
from .addresses import check_port, show

ERROR_ROOM = 512  # bytes of ancillary data: an error takes 64, and what other options add stands beside it
RECVERR = (11, 25)  # IP_RECVERR and IPV6_RECVERR of Linux, for which the socket module of 3.11 has no names
_ERROR = struct.Struct("=I")  # the first member of struct sock_extended_err

HostPort = tuple[Any, ...]  # a host and a port, or all four parts of an IPv6 address, as getsockname gives them


def open_socket(
    local: HostPort | None,
    remote: HostPort | None,
    family: int = 0,
    *,
    broadcast: bool = False,
    reuse_port: bool = False,
) -> socket.socket:
    """A non-blocking UDP socket, bound to `local` and connected to `remote`, of which either may be None.

    Names are looked up in the calling thread. Of several addresses the first that works is taken. Raises ListenError
    where `local` is to blame, ConnectError (it lists every attempt) or ResolveError where there is a `remote`.
    """
    failures: list[tuple[str, OSError]] = []
    for kind, here, there in _pairs(local, remote, family):
        try:
            return _open(kind, here, there, broadcast, reuse_port)
        except OSError as exc:
            where = " from ".join(show(address) for address in (there, here) if address is not None)
            failures.append((where, exc))
    if remote is not None:
        raise ConnectError(f"UDP {show(remote)}", failures)
    where, first = failures[0]
    raise ListenError(first.errno, f"cannot listen on UDP {where}: {first.strerror or first}")


def refuse_names(*addresses: HostPort | None) -> None:
    """Raise ValueError for a host that getaddrinfo would have to ask a name server about."""
    for host, port, *_ in filter(None, addresses):
        try:
            socket.getaddrinfo(host or None, 0, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            recipe = f"run_in_thread(socket.getaddrinfo, {host!r}, {port!r})"
            raise ValueError(f"to look up {host!r} would stop the running loop: use an address, by {recipe}") from None


def _pairs(local: HostPort | None, remote: HostPort | None, family: int) -> list[tuple[int, Any, Any]]:
    """What to try, in order: (family, local address, remote address), with None for what was not asked for."""
    if remote is None:
        # Bound even where nobody asked: a socket that only sends would be at its first datagram, and its port is known.
        return [(kind, here, None) for kind, here in _locals(local or (None, 0), family)]
    theres = _remotes(remote, family)
    if local is None:
        return [(kind, None, there) for kind, there in theres]
    heres = _locals(local, family)
    pairs = [(kind, here, there) for kind, there in theres for other, here in heres if kind == other]
    if not pairs:
        text = f"cannot reach UDP {show(remote)} from {show(local)}: no address family in common"
        raise ListenError(errno.EAFNOSUPPORT, text)
    return pairs


def _host_port(address: HostPort) -> tuple[str | None, int]:
    """Host and port. The scope of an IPv6 address goes into the host, as its zone."""
    host, port, *more = address
    scope = more[1] if len(more) > 1 else 0
    return (f"{host}%{scope}" if scope and "%" not in str(host) else host), port


def _locals(local: HostPort, family: int) -> list[tuple[int, Any]]:
    host, port = _host_port(local)
    if not 0 <= check_port(port) <= 65535:
        raise ListenError(errno.EINVAL, f"cannot listen on UDP port {port}: not in 0 to 65535")
    try:
        found = _lookup(host or None, port, family, socket.AI_PASSIVE)
    except (OSError, UnicodeError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise ListenError(errno.EADDRNOTAVAIL, f"cannot listen on UDP {host}: {reason}") from None
    if not host:
        found.sort(key=lambda each: each[0] != socket.AF_INET)  # "every interface" is IPv4 unless `family` says IPv6
    return found


def _remotes(remote: HostPort, family: int) -> list[tuple[int, Any]]:
    host, port = _host_port(remote)
    if not host or not 0 < check_port(port) <= 65535:
        raise ValueError(f"a remote address is a host and a port from 1 to 65535, not {remote!r}")
    try:
        return _lookup(host, port, family, 0)
    except (OSError, UnicodeError) as exc:
        number = exc.errno if isinstance(exc, socket.gaierror) else socket.EAI_NONAME
        raise ResolveError(number, f"cannot resolve {host!r}: {getattr(exc, 'strerror', None) or exc}") from None


def _lookup(host: str | None, port: int, family: int, flags: int) -> list[tuple[int, Any]]:
    found = socket.getaddrinfo(host, port, family, socket.SOCK_DGRAM, flags=flags)
    return list(dict.fromkeys((kind, address) for kind, _, _, _, address in found))


def _open(family: int, local: Any, remote: Any, broadcast: bool, reuse_port: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        # Never SO_REUSEADDR, as with TCP: for UDP it lets any other program take our datagrams.
        if reuse_port:
            if not hasattr(socket, "SO_REUSEPORT"):
                raise OSError(errno.ENOTSUP, "this system has no SO_REUSEPORT")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if broadcast:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # an address means one thing: nothing is mapped
        if local is not None:
            sock.bind(local)
        if remote is not None:
            sock.connect(remote)
    except BaseException:
        sock.close()
        raise
    return sock


def adopt(sock: Any) -> None:
    """Make ready a socket that somebody else made. Raises ValueError for what is no UDP socket."""
    if isinstance(sock, socket.socket):  # anything else that behaves as one is for tests, and ready
        if sock.type != socket.SOCK_DGRAM or sock.family not in (socket.AF_INET, socket.AF_INET6):
            raise ValueError(f"not a UDP socket: {sock!r}")
        sock.setblocking(False)


def peer_of(sock: Any) -> Any:
    """The address that `sock` is connected to, or None."""
    try:
        return sock.getpeername()
    except (OSError, AttributeError):
        return None


def take_error(sock: Any) -> OSError | None:
    """The oldest entry of the kernel's queue of errors, or None. Sockets with IP_RECVERR have one (ip(7)).

    Such a socket hears of refusals without being connected; until it is read the queue keeps the socket ready.
    """
    if not hasattr(socket, "MSG_ERRQUEUE"):
        return None  # Linux alone has it
    try:
        _, ancillary, _, address = sock.recvmsg(0, ERROR_ROOM, socket.MSG_ERRQUEUE)
    except (OSError, AttributeError):  # nothing there, or not a socket of the kernel's
        return None
    number = next((_ERROR.unpack_from(data)[0] for _, kind, data in ancillary if kind in RECVERR), 0)
    return OSError(number, f"{show(address)}: {os.strerror(number)}")


def set_membership(sock: socket.socket, group: str, interface: str | int | None, *, joined: bool) -> None:
    """Join or leave a multicast group. Raises ValueError for what is no group, OSError with the group in its message.

    interface: a name or an index, for IPv4 also one of its addresses; None lets the routing table choose.
    """
    group, _, zone = group.partition("%")
    import ipaddress  # for groups alone

    address = ipaddress.ip_address(group)
    if zone:
        zoned = int(zone) if zone.isdecimal() else zone
        if interface is not None and _index_of(interface) != _index_of(zoned):
            raise ValueError(f"{group}%{zone} names an interface, and it is not {interface!r}")
        interface = zoned
    if not address.is_multicast:
        raise ValueError(f"not a multicast group: {group!r}")
    try:
        if isinstance(address, ipaddress.IPv6Address):
            option = socket.IPV6_JOIN_GROUP if joined else socket.IPV6_LEAVE_GROUP
            request = struct.pack("@16sI", address.packed, _index(interface))
            sock.setsockopt(socket.IPPROTO_IPV6, option, request)
        else:
            option = socket.IP_ADD_MEMBERSHIP if joined else socket.IP_DROP_MEMBERSHIP
            sock.setsockopt(socket.IPPROTO_IP, option, address.packed + _interface_v4(interface))
    except OSError as exc:
        verb = "join" if joined else "leave"
        where = "" if interface is None else f" on {interface}"
        raise OSError(exc.errno, f"cannot {verb} {group}{where}: {exc.strerror or exc}") from None


def _interface_v4(interface: str | int | None) -> bytes:
    """The end of a struct ip_mreqn (ip(7)); Windows knows only the address, and takes an index for one of net 0."""
    try:
        address, index = socket.inet_aton(str(interface or "0.0.0.0")), 0
        if isinstance(interface, int):
            address, index = bytes(4), interface
    except OSError:
        address, index = bytes(4), _index(interface)
    if sys.platform == "win32":
        return struct.pack("!I", index) if index else address
    return address + struct.pack("@i", index)


def _index_of(interface: str | int) -> int:
    return interface if isinstance(interface, int) else socket.if_nametoindex(interface)


def _index(interface: str | int | None) -> int:
    if interface is None or isinstance(interface, int):
        return interface or 0
    return socket.if_nametoindex(interface)
