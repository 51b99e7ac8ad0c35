"""Socket addresses: how to write one down, and tell whose it is. Opens no socket, and looks up no names."""

from __future__ import annotations

import socket
from typing import Any

V6_PREFIX = 64  # bits: the smallest network a provider hands to one customer (RFC 6177)


def show(address: Any) -> str:
    """`127.0.0.1:80`, `[::1]:80`, or the path of a Unix socket."""
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
    if isinstance(address, bytes):  # an abstract Unix address begins with a NUL
        return address.decode("utf-8", "backslashreplace").replace("\0", "@")
    return str(address) or "unnamed"


def peer_key(address: Any) -> str:
    """What counts as one peer, for `Limits.per_peer` and for counts of your own: of a `peername`, as text.

    That is the IPv4 address, or the /64 of an IPv6 one, which is what a provider hands to one customer (RFC 6177). An
    IPv4 address mapped into IPv6 is that IPv4 address.

    >>> peer_key(("192.0.2.1", 5123)), peer_key(("::ffff:192.0.2.1", 5123, 0, 0)), peer_key(("2001:db8::1", 5123, 0, 0))
    ('192.0.2.1', '192.0.2.1', '2001:db8::/64')
    """
    if not isinstance(address, tuple):
        return str(address)
    host = str(address[0]).partition("%")[0]
    if ":" not in host:
        return host
    import ipaddress  # two milliseconds, for IPv6 alone

    ip = ipaddress.IPv6Address(host)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((ip, V6_PREFIX), strict=False))


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own: 127.0.0.0/8 and ::1 (RFC 6890), mapped into IPv6 as well.

    >>> [host for host in ("127.0.0.1", "::1", "::ffff:127.9.9.9", "10.0.0.1", "fe80::1") if is_loopback(host)]
    ['127.0.0.1', '::1', '::ffff:127.9.9.9']
    """
    return host == "::1" or host.removeprefix("::ffff:").startswith("127.")


def local_addresses(local: tuple[str, int]) -> dict[int, Any]:
    """What to bind to before connecting from `local`, for each family. "" is any address: only the port is chosen.

    Looks up no names. Raises ValueError or TypeError for what is not a literal address and a port.
    """
    if not isinstance(local, tuple) or len(local) < 2 or not isinstance(local[0], str):
        raise TypeError(f"local is an address and a port, ('192.0.2.1', 0), not {local!r}")
    host, port = local[0], check_port(local[1])
    flags = socket.AI_NUMERICHOST | socket.AI_PASSIVE
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError):
        raise ValueError(f"local is a literal address and a port, not {local!r}") from None
    return {family: address for family, _, _, _, address in found}


def check_port(port: Any) -> int:
    """The port; TypeError if it is no number, such as one from a command line that is text still."""
    if not isinstance(port, int):
        raise TypeError(f"a port is a number, not {port!r}")
    return port
