"""What operators do, on all servers: typed at one console, done everywhere; bans that hold everywhere.

Passwords stay on the server where they are given: the log has only who has become an operator.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from ...admission import addresses
from ..operators.bans import Ban
from ..operators.operator_commands import hear
from ..operators.powers import Caller, Powers
from .cluster import Cluster


class SharedConsole:
    """The `Console` of a replica, by the powers of this server's operators."""

    def __init__(self, powers: Powers) -> None:
        self._powers = powers
        self._callers: deque[Caller] = deque()  # whose lines are on their way
        self._cluster: Cluster | None = None

    def attach(self, cluster: Cluster) -> None:
        """From now on what is typed here, and what the file of bans says, is done by all servers."""
        self._cluster = cluster
        powers = self._powers
        powers.typed = self._on_typed
        powers.list_nodes = cluster.describe
        powers.bans.clock = cluster.wall
        powers.bans.on_read = lambda bans: cluster.have_bans([_plain(ban) for ban in bans])

    def _on_typed(self, caller: Caller, text: str) -> None:
        cluster, powers = self._cluster, self._powers
        word = text.strip().partition(" ")[0]
        if cluster is None or powers.is_local(word):
            return hear(powers, caller, text)
        self._callers.append(caller)
        cluster.type(text)

    def type(self, node: str, text: str) -> None:
        own = self._cluster is not None and node == self._cluster.stay.name
        caller = self._callers.popleft() if own and self._callers else Caller("console", _tell_nobody)
        hear(self._powers, caller, text)

    def have_bans(self, bans: list[Any]) -> None:
        self._powers.bans.adopt([_ban(*known) for known in bans])

    def sweep(self) -> None:
        self._powers.sweep()

    def bans(self) -> list[Any]:
        powers = self._powers
        return [_plain(ban) for ban in powers.bans.bans.all(powers.bans.clock())]


def _plain(ban: Ban) -> list[Any]:
    return [ban.name, None if ban.network is None else addresses.show(ban.network), ban.until]


def _ban(name: str, network: str | None, until: float | None) -> Ban:
    return Ban(name, None if network is None else addresses.network(network), until)


def _tell_nobody(*notices: str) -> None:
    """It is told at the console where it was typed."""
