"""Keeps a server that fetches what strangers ask for away from what only it can reach. Knows addresses, no names.

A name says nothing: `evil.example` may resolve to 127.0.0.1, and to something else when it is looked up again. So what
is checked is the very address that is connected to, between the lookup and the connect, on every redirect again.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from reactor import ConnectError

from ..errors import HTTPError
from .special_addresses import Network, special_kind, unwrapped


class AddressForbidden(HTTPError):
    """The guard does not let this address be connected to."""


class _Refused(ConnectionRefusedError):
    """As the connector takes it: one address that cannot be connected to. Perhaps the name has others."""


class Guard:
    """Lets through only addresses of the public internet: not loopback, private, link-local (where clouds keep the
    keys of the machine: 169.254.169.254), multicast, unspecified or reserved ones, however they are wrapped in IPv6.

    allow: networks that are let through all the same, such as "10.1.2.0/24".
    ports: the only ports that may be asked; None: any. Many services of others believe what they get on theirs.
    trust_proxy: through a proxy it is the proxy that looks names up, and this guard cannot see what they come to.
        So names are refused there, unless the proxy is known to be a guard itself; literal addresses are checked.

    >>> Guard().verdict("10.0.0.7"), Guard().verdict("::ffff:127.0.0.1"), Guard().verdict("93.184.215.14")
    ('a private address', 'a loopback address', None)
    >>> Guard(allow=["10.0.0.0/8"]).verdict("10.0.0.7")
    """

    def __init__(
        self, *, allow: Iterable[str | Network] = (), ports: Iterable[int] | None = None, trust_proxy: bool = False
    ) -> None:
        self._allowed = [ipaddress.ip_network(network) for network in allow]
        self._ports = None if ports is None else frozenset(ports)
        self._trust_proxy = trust_proxy

    def check_connect(self, address: Any) -> None:
        """For `Reactor.connect_tcp(allow=...)`: raises an OSError for a socket address that must not be reached."""
        host, port = address[:2]
        if reason := self.verdict(host):
            raise _Refused(None, f"refused by the guard: {reason}")
        if self._ports is not None and port not in self._ports:
            raise _Refused(None, f"refused by the guard: port {port} is not one of those allowed")

    def check_proxied(self, host: str, port: int) -> None:
        """A request through a proxy. Raises AddressForbidden for what is refused, and for what cannot be known."""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            if not self._trust_proxy:
                raise AddressForbidden(
                    f"refused by the guard: the proxy looks {host} up, and the guard cannot see what it comes to"
                ) from None
            return
        try:
            self.check_connect((host, port))
        except _Refused as exc:
            raise AddressForbidden(f"{host}: {exc.strerror}") from None

    def verdict(self, host: str) -> str | None:
        """Why a literal address is refused; None if it is not."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return "not an address"
        inner = unwrapped(address)
        ours = [one for one in (address, inner) for network in self._allowed if one in network]
        return None if ours else special_kind(inner) or special_kind(address)


def forbidden(error: BaseException) -> AddressForbidden | None:
    """The guard's own error, where a connect failed with nothing but its refusals."""
    if isinstance(error, ConnectError) and error.attempts and all(isinstance(e, _Refused) for _, e in error.attempts):
        return AddressForbidden(str(error))
    return None
