"""How many connections one address has. Loopback is not counted, for the proxy of everybody is there, unless
`Limits.count_loopback` says so: the rule of `Limits.per_peer`."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from protocols.admission.addresses import key, parse
from reactor import Limits


class Peers:
    """The transports of each address. One that is over is no longer here, whoever had it last."""

    def __init__(self, most: int, *, count_loopback: bool = False) -> None:
        self._most = most
        self._count_loopback = count_loopback
        self._transports: dict[str, WeakSet[Any]] = {}

    def admit(self, transport: Any) -> bool:
        """Count a newcomer, unless its address has as many as it may have."""
        name = transport.get_extra_info("peername")
        if not _counts(name, self._count_loopback):
            return True
        mine = self._transports.setdefault(key(name[0]), WeakSet())
        if len(mine) >= self._most and sum(other.get_protocol() is not None for other in mine) >= self._most:
            return False
        mine.add(transport)
        return True

    def sweep(self) -> None:
        """Forget addresses that have none any more."""
        for address in [address for address, transports in self._transports.items() if not transports]:
            del self._transports[address]


def _counts(peername: Any, count_loopback: bool) -> bool:
    """Whether there is an address to count. The peers of a Unix socket have none."""
    address = parse(peername[0]) if isinstance(peername, tuple) else None
    return address is not None and (count_loopback or not address.is_loopback)


def refusing(limits: Limits, most: int) -> Limits:
    """`limits` by which an address that has `most` connections is turned away at accept, where handshakes count too."""

    def refuse(peername: Any, held: int) -> bytes | None:
        if held >= most and _counts(peername, limits.count_loopback):
            return b""
        return None if limits.refuse is None else limits.refuse(peername, held)

    return limits.replace(refuse=refuse)
