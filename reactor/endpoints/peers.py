"""Who has how many connections to a listener, from accept to the close of their descriptors; and whom it turns away."""

from __future__ import annotations

import socket
from collections import Counter
from time import monotonic
from typing import Any

from ..boundary import EXITS, Quota, log
from ..limits import Limits
from ..sockets.addresses import is_loopback, peer_key, show


class Peers:
    """The count, and the judgement of a newcomer by `Limits.per_peer` and `Limits.refuse`.

    Where neither is set it is `idle`: it need not be asked or told of anybody. The peers of a Unix socket have no
    address: they are asked about, and not counted.
    """

    def __init__(self, limits: Limits) -> None:
        self._most = limits.per_peer
        self._spares_loopback = not limits.count_loopback
        self._refuse = limits.refuse
        self.idle = self._most is None and self._refuse is None
        self.held: Counter[str] = Counter()
        self._quota = Quota()

    def refusal(self, address: Any) -> bytes | None:
        """What a newcomer is told who is not let in; None for one who is."""
        held = self.held[peer_key(address)] if isinstance(address, tuple) else 0
        if self._most is not None and held >= self._most and self._counts(address):
            if (others := self._quota.ask("turned away", monotonic())) is not None:
                log.info("%s turned away: it has %d connections already%s", show(address), held, others)
            return b""
        if self._refuse is None:
            return None
        try:
            return checked(self._refuse(address, held))
        except EXITS:
            raise
        except BaseException:
            log.exception("exception in the refusal of %s, which is turned away", show(address))
            return b""

    def _counts(self, address: Any) -> bool:
        return isinstance(address, tuple) and not (self._spares_loopback and is_loopback(address[0]))

    def add(self, address: Any) -> None:
        """One from there is in."""
        if isinstance(address, tuple):
            self.held[peer_key(address)] += 1

    def remove(self, address: Any) -> None:
        """One from there is over, and its descriptor closed."""
        if isinstance(address, tuple):
            key = peer_key(address)
            self.held[key] -= 1
            if not self.held[key]:
                del self.held[key]


def checked(word: Any) -> bytes | None:
    """What a refusal has given. Raises TypeError for what cannot be sent."""
    if word is None or isinstance(word, (bytes, bytearray, memoryview)):
        return word if word is None else bytes(word)
    raise TypeError(f"Limits.refuse gives bytes or None, not {word!r}")


def turn_away(sock: socket.socket, word: bytes) -> None:
    """One send, and the descriptor is free again: who is refused must cost nothing after the word."""
    if word:
        try:
            sock.setblocking(False)
            sock.send(word)
        except OSError:
            pass  # it has gone, or takes nothing: it is not owed more
    sock.close()
