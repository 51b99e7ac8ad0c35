"""Which addresses are one and the same. Pure; an address is the text in `peername`.

IPv6 counts by /64: that is what one customer is given (RFC 6177), who may come from any address in it. An IPv4 address
mapped into IPv6 is that IPv4 address. The peer of a Unix socket has no address, which is the empty text.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CUSTOMER = 64  # bits of an IPv6 address that tell one customer from another
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
    ip = parse(address)
    if ip is None:
        return ""
    return str(ip) if isinstance(ip, ipaddress.IPv4Address) else str(_customer(ip))


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
    return _customer(found.network_address) if found.prefixlen > CUSTOMER else found


def find_network(text: str) -> Network | None:
    """As `network`, and None for what is neither an address nor a network."""
    try:
        return network(text)
    except ValueError:
        return None


def show(network: Network) -> str:
    """A network as people write it.

    >>> show(network("192.0.2.1/32")), show(network("192.0.2.1/24"))
    ('192.0.2.1', '192.0.2.0/24')
    """
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _customer(ip: ipaddress.IPv6Address) -> ipaddress.IPv6Network:
    return ipaddress.IPv6Network((int(ip) >> CUSTOMER << CUSTOMER, CUSTOMER))


def _without_zone(text: str) -> str:
    address, slash, bits = text.strip().partition("/")
    return address.partition("%")[0] + slash + bits
