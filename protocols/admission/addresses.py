"""Which addresses are one and the same. Pure; an address is the text in `peername`.

What counts as one is `reactor.peer_key`'s to say, which is pure as well: an IPv6 address counts by its /64. The peer
of a Unix socket has no address, which is the empty text.
"""

from __future__ import annotations

import ipaddress

from reactor import peer_key

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def parse(address: str) -> Address | None:
    """The address itself, None for what is none. A zone (`%eth0`) only says by which way it came.

    >>> parse("::ffff:192.0.2.1"), parse("fe80::1%eth0"), parse("")
    (IPv4Address('192.0.2.1'), IPv6Address('fe80::1'), None)
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip


def key(address: str) -> str:
    """What all addresses that count as one have in common.

    >>> key("192.0.2.1"), key("2001:db8::1"), key("2001:db8::2")
    ('192.0.2.1', '2001:db8::/64', '2001:db8::/64')
    """
    return "" if parse(address) is None else peer_key((address,))


def network(text: str) -> Network:
    """Everybody whom an operator means by ADDRESS or ADDRESS/BITS. Raises ValueError for what is neither.

    >>> network("192.0.2.1"), network("10.1.2.3/8"), network("2001:db8::1")
    (IPv4Network('192.0.2.1/32'), IPv4Network('10.0.0.0/8'), IPv6Network('2001:db8::/64'))
    """
    found = ipaddress.ip_network(_without_zone(text), strict=False)
    if isinstance(found, ipaddress.IPv4Network):
        return found
    if found.subnet_of(_MAPPED):
        mapped = int(found.network_address) & 0xFFFFFFFF
        return ipaddress.IPv4Network((mapped, found.prefixlen - _MAPPED.prefixlen))
    customer = ipaddress.IPv6Network(peer_key((str(found.network_address),)))
    return customer if found.prefixlen > customer.prefixlen else found


def find_network(text: str) -> Network | None:
    """As `network`, and None for what is neither an address nor a network."""
    try:
        return network(text)
    except ValueError:
        return None


# Where many people are behind one address: private networks (RFC 1918, RFC 4193), a provider's shared ones (RFC 6598),
# and a link's own (RFC 3927, RFC 4291). Our own table: what `ipaddress` calls private is another in each version.
_SHARED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


def is_shared(address: str) -> bool:
    """Whether one address is many people: a school behind its router.

    >>> is_shared("192.168.1.5"), is_shared("fe80::1%eth0"), is_shared("192.0.2.1"), is_shared("")
    (True, True, False, False)
    """
    ip = parse(address)
    return ip is not None and any(ip.version == network.version and ip in network for network in _SHARED)


def show(network: Network) -> str:
    """A network as people write it.

    >>> show(network("192.0.2.1/32")), show(network("192.0.2.1/24"))
    ('192.0.2.1', '192.0.2.0/24')
    """
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _without_zone(text: str) -> str:
    address, slash, bits = text.strip().partition("/")
    return address.partition("%")[0] + slash + bits
