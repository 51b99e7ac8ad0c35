"""How many may come, in all and from one address. Pure; callers pass the address."""

from __future__ import annotations

from collections import Counter

from . import addresses


class Door:
    """Counts who is inside. `None` is no limit.

    per_address: IPv6 counts by /64, which is what one customer is given (RFC 6177).
    per_shared: the same, for a private or link-local address, behind which there may be a school; None is per_address.
    spare_loopback: 127.0.0.1 and ::1 are not counted: proxies, tunnels and tests all come from there.
    """

    def __init__(
        self,
        everybody: int | None = None,
        per_address: int | None = None,
        *,
        per_shared: int | None = None,
        spare_loopback: bool = True,
    ) -> None:
        self.everybody = everybody
        self.per_address = per_address
        self.per_shared = per_address if per_shared is None else per_shared
        self.spare_loopback = spare_loopback
        self._inside = 0
        self._by_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._inside

    @property
    def full(self) -> bool:
        """Whether nobody more is let in."""
        return self.everybody is not None and self._inside >= self.everybody

    def refuses(self, address: str, held: int = 0) -> str | None:
        """Why a newcomer from `address` is not let in; None if it is.

        held: how many connections it has as its listener counts them: those that shake hands or linger, too.
        """
        if self.full:
            return "the server is full"
        key = self.key(address)
        limit = self.per_shared if addresses.is_shared(address) else self.per_address
        if limit is not None and key and max(self._by_address[key], held) >= limit:
            return "too many connections from your address"
        return None

    def enter(self, address: str) -> None:
        """Somebody who was not refused comes in."""
        self._inside += 1
        if key := self.key(address):
            self._by_address[key] += 1

    def leave(self, address: str) -> None:
        """Somebody who has entered goes."""
        self._inside -= 1
        if key := self.key(address):
            self._by_address[key] -= 1
            if not self._by_address[key]:
                del self._by_address[key]

    def key(self, address: str) -> str:
        """What counts as one address; empty for what is not counted at all."""
        ip = addresses.parse(address)
        if ip is None or (ip.is_loopback and self.spare_loopback):
            return ""
        return addresses.key(address)
