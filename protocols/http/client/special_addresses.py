"""Addresses that are not the public internet: IANA's registries of special purposes, as a table of our own. Pure.

Python's `ipaddress` has such tables, and they change with its version: 192.0.0.192, where a cloud has kept the keys of
its machines, was public for it until 3.12.4. A guard must say the same on each interpreter.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE, RESERVED, NOT_PUBLIC = "a private address", "a reserved address", "not an address of the public internet"
LOOPBACK, LINK_LOCAL, MULTICAST = "a loopback address", "a link-local address", "a multicast address"
UNSPECIFIED, INSIDE_A_CLOUD = "the unspecified address", "an address that only the inside of a cloud answers"

_TABLE = {  # RFC 6890 and the registries that it began, as of 2025; the first that fits
    UNSPECIFIED: "0.0.0.0/32 ::/128",
    LOOPBACK: "127.0.0.0/8 ::1/128",
    LINK_LOCAL: "169.254.0.0/16 fe80::/10",
    MULTICAST: "224.0.0.0/4 ff00::/8",
    PRIVATE: "0.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"
    " 192.0.0.0/24"  # protocol assignments
    " 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"  # documentation
    " 198.18.0.0/15"  # benchmarks
    " 240.0.0.0/4"  # reserved, and the broadcast
    " 2001::/23"  # protocol assignments: Teredo, benchmarks, ORCHID
    " 64:ff9b:1::/48",  # translation within a network
    RESERVED: "fec0::/10",  # site-local, RFC 3879
    INSIDE_A_CLOUD: "168.63.129.16/32",
    NOT_PUBLIC: "100.64.0.0/10"  # behind a carrier's translation
    " 192.88.99.0/24"  # relays of 6to4, RFC 7526
    " 100::/64 100:0:0:1::/64 5f00::/16",  # discarded, dummies, segment routing
}
_NETWORKS = [(ipaddress.ip_network(text), kind) for kind, texts in _TABLE.items() for text in texts.split()]
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")  # all that was ever given out

_EMBEDDING = [  # where the last 32 bits are an IPv4 address, to which a packet comes
    ipaddress.IPv6Network("::ffff:0:0/96"),  # mapped (RFC 4291, 2.5.5.2)
    ipaddress.IPv6Network("::ffff:0:0:0/96"),  # translated (RFC 2765)
    ipaddress.IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
]
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, 2.5.5.1: deprecated, and still routed by some
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")  # RFC 3056: a tunnel to the 32 bits behind
_ISATAP = 0x5EFE  # RFC 5214, 6.1: the upper half of an interface identifier, with or without its universal bit


def unwrapped(address: Address) -> Address:
    """The IPv4 address that a packet to an IPv6 one comes out at, where there is one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    number = int(address)
    if any(address in network for network in _EMBEDDING) or (address in _COMPATIBLE and number > 0xFFFF):
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF)
    if number >> 32 & 0xFDFFFFFF == _ISATAP:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return address


def special_kind(address: Address) -> str | None:
    """What an address is that is none of the public internet; None for one that is."""
    for network, kind in _NETWORKS:
        if address in network:
            return kind
    if isinstance(address, ipaddress.IPv4Address) or address in _PUBLIC_V6 or unwrapped(address) is not address:
        return None
    return NOT_PUBLIC
