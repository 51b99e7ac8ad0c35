"""Who may not come in, and which names nobody may have. Pure: callers pass the time, and keep the record in a file.

A ban is of an address, of a network, or of a name; one of a name has the address of its last holder with it, if that
was known, and is undone as a whole by either. Looking somebody up costs a few dictionary lookups, however many bans
there are: networks are kept by their length, of which operators use two or three.

Times are seconds since 1970 (`time.time`), because bans outlive the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...admission import addresses
from ...admission.addresses import Network
from ..rooms import names

MAX_BANS = 10_000  # 5 MB of memory, and a file that an editor opens at once; who needs more bans networks
MAX_MINUTES = 10 * 366 * 24 * 60  # ten years; longer is without an end


@dataclass(frozen=True, slots=True)
class Ban:
    """One record. `name` or `network` is given, or both; `until` None is without an end."""

    name: str = ""
    network: Network | None = None
    until: float | None = None

    @property
    def key(self) -> str:
        """What a later ban of the same person has in common with this one, which it replaces."""
        return names.key(self.name) if self.name else f"/{self.network}"  # no name begins with a slash

    def over(self, now: float) -> bool:
        return self.until is not None and self.until <= now

    def __str__(self) -> str:
        """Who it is that is banned.

        >>> str(Ban("Mallory", addresses.network("192.0.2.1"))), str(Ban(network=addresses.network("10.0.0.0/8")))
        ('Mallory, 192.0.2.1', '10.0.0.0/8')
        """
        address = "" if self.network is None else addresses.show(self.network)
        return ", ".join(filter(None, (self.name, address)))


class TooManyBans(ValueError):
    """There is no room for another one; the message tells the operator."""


class Bans:
    """The bans there are, found by name and by address. What is over is forgotten when it is met.

    >>> bans = Bans()
    >>> bans.add(Ban(network=addresses.network("10.0.0.0/8"), until=60.0), now=0.0)
    >>> bans.of_address("10.1.2.3", now=59.0) is None, bans.of_address("10.1.2.3", now=60.0) is None
    (False, True)
    """

    def __init__(self, limit: int = MAX_BANS) -> None:
        self.limit = limit
        self._bans: dict[str, Ban] = {}  # by their keys, in the order in which they were made
        self._looks: dict[str, set[str]] = {}  # the keys of those that have a name, by its look
        self._places: dict[tuple[int, int, int], dict[str, Ban]] = {}  # by version, length and prefix of the network
        self._lengths: dict[tuple[int, int], int] = {}  # how many places have this version and length

    def __len__(self) -> int:
        return len(self._bans)

    def all(self, now: float) -> Iterator[Ban]:
        """Those that hold, the oldest first."""
        return (ban for ban in self._bans.values() if not ban.over(now))

    def of_address(self, address: str, now: float) -> Ban | None:
        """The ban that keeps out who comes from `address`."""
        ip = addresses.parse(address) if self._lengths else None
        if ip is None:
            return None
        number = int(ip)
        for version, length in list(self._lengths):
            if version == ip.version:
                place = self._places.get((version, length, number >> (ip.max_prefixlen - length)), {})
                for ban in list(place.values()):
                    if self._holds(ban, now):
                        return ban
        return None

    def of_name(self, name: str, now: float) -> Ban | None:
        """The ban that keeps anybody from being called `name`."""
        ban = self._bans.get(names.key(name))
        return ban if ban is not None and self._holds(ban, now) else None

    def of_look(self, name: str, now: float) -> Ban | None:
        """The ban of a name that `name` cannot be told from: it would be the same person once more."""
        bans = (self._bans[key] for key in list(self._looks.get(names.look(name), ())))
        return next((ban for ban in bans if self._holds(ban, now)), None)

    def add(self, ban: Ban, now: float) -> None:
        """Ban somebody; a ban of the same name or network is replaced. Raises TooManyBans."""
        if ban.key not in self._bans and len(self._bans) >= self.limit:
            self.forget_old(now)
            if len(self._bans) >= self.limit:
                raise TooManyBans(f"there are {self.limit:,} bans, and no more can be: /unban some, or ban a network")
        self.remove(ban.key)
        self._bans[ban.key] = ban
        if ban.name:
            self._looks.setdefault(names.look(ban.name), set()).add(ban.key)
        if ban.network is not None:
            version, length, _ = place = _place(ban.network)
            if place not in self._places:
                self._places[place] = {}
                self._lengths[version, length] = self._lengths.get((version, length), 0) + 1
            self._places[place][ban.key] = ban

    def remove(self, key: str) -> None:
        """Undo the ban with this key, if there is one."""
        ban = self._bans.pop(key, None)
        if ban is not None and ban.name:
            looks = self._looks[look := names.look(ban.name)]
            looks.discard(key)
            if not looks:
                del self._looks[look]
        if ban is None or ban.network is None:
            return
        version, length, _ = place = _place(ban.network)
        del self._places[place][key]
        if not self._places[place]:
            del self._places[place]
            self._lengths[version, length] -= 1
            if not self._lengths[version, length]:
                del self._lengths[version, length]

    def matching(self, text: str, now: float) -> list[Ban]:
        """The bans that `/unban TEXT` undoes: of that name, and of just that address or network."""
        named = self.of_name(text, now)
        found = [] if named is None else [named]
        try:
            place = self._places.get(_place(addresses.network(text)), {})
        except ValueError:
            return found
        return found + [ban for ban in place.values() if not ban.over(now)]

    def forget_old(self, now: float) -> None:
        """Drop what is over."""
        for ban in [ban for ban in self._bans.values() if ban.over(now)]:
            self.remove(ban.key)

    def replace(self, bans: Iterable[Ban], now: float) -> int:
        """Have these bans and no others; gives the number of those for which there was no room."""
        self._bans, self._looks, self._places, self._lengths = {}, {}, {}, {}
        wanted = {ban.key: ban for ban in bans if not ban.over(now)}
        for ban in list(wanted.values())[: self.limit]:
            self.add(ban, now)
        return len(wanted) - len(self)

    def _holds(self, ban: Ban, now: float) -> bool:
        if ban.over(now):
            self.remove(ban.key)
            return False
        return True


def _place(network: Network) -> tuple[int, int, int]:
    length = network.prefixlen
    return network.version, length, int(network.network_address) >> (network.max_prefixlen - length)
