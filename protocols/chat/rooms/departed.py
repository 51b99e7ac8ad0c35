"""From where those came who have left lately, by their names: who bans somebody acts seconds too late. Pure."""

from __future__ import annotations

from collections.abc import Callable

from . import names

KEPT = 3600.0  # seconds: who acts on what happened a lesson ago looks into the log, and bans an address
MOST = 1000  # names, 200 KB; beyond it the one is forgotten that left first


class Departed:
    """The addresses of who has left, each under its last name. wall: seconds since 1970, in a cluster those of all.

    >>> now = [0.0]
    >>> departed = Departed(lambda: now[0])
    >>> departed.left("Max", "192.0.2.7")
    >>> departed.address("MAX"), departed.address("Eve")
    ('192.0.2.7', '')
    >>> now[0] = KEPT
    >>> departed.address("Max")
    ''
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._left: dict[str, tuple[str, float]] = {}  # by the key of the name, in the order of leaving

    def left(self, name: str, address: str) -> None:
        """Who is called so leaves. It may have no address: then nothing is known of that name."""
        key = names.key(name)
        self._left.pop(key, None)
        if address:
            self._left[key] = address, self._wall()
            if len(self._left) > MOST:
                del self._left[next(iter(self._left))]

    def address(self, name: str) -> str:
        """Where the last came from who was called so; empty if that is not known, or was too long ago."""
        address, when = self._left.get(names.key(name), ("", 0.0))
        return address if self._wall() - when < KEPT else ""

    def dump(self) -> list[list[object]]:
        """All of it, as plain data."""
        return [[key, address, when] for key, (address, when) in self._left.items()]

    def restore(self, known: list[list[str | float]]) -> None:
        """Have what `dump` has given, and nothing else."""
        self._left = {str(key): (str(address), float(when)) for key, address, when in known}
