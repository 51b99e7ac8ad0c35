"""How many connections one address has. Loopback is not counted: the proxy of everybody is there."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from protocols.admission.addresses import key, parse
from reactor import Limits


class Peers:
    """The transports of each address. One that is over is no longer here, whoever had it last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._transports: dict[str, WeakSet[Any]] = {}

    def admit(self, transport: Any) -> bool:
        """Count a newcomer, unless its address has as many as it may have."""
        name = transport.get_extra_info("peername")
        address = parse(name[0]) if isinstance(name, tuple) else None
        if address is None or address.is_loopback:
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


def refusing(limits: Limits, most: int) -> Limits:
    """`limits` by which an address that has `most` connections is turned away at accept, where handshakes count too."""

    def refuse(peername: Any, held: int) -> bytes | None:
        address = parse(peername[0]) if held >= most and isinstance(peername, tuple) else None
        if address is not None and not address.is_loopback:
            return b""
        return None if limits.refuse is None else limits.refuse(peername, held)

    return limits.replace(refuse=refuse)
