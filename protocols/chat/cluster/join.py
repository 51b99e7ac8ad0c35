"""One attempt to join: a name that nobody ever had, a word in the log, and the state that others have at that word.

All who are in the cluster answer; the first answer stands, they are equal. (If only one were to answer, it might be
the one that has died.) Where nobody answers, and nobody has said lately that it is there, one newcomer is given
the right to begin with what it has.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Protocol as Interface

from reactor import Reactor, Timer, attempt

from .entries import Entry, EntryID, pack
from .log import Log

log = logging.getLogger("protocols.chat")

POLL = 0.05  # seconds between two looks for the state: a round trip and a moment's work
GIVE_UP = 3.0  # seconds after which a new attempt is better: the word may have been lost, or come before a founder's


QUICK = 0.3  # seconds without an answer after which a new server may begin alone, where the log was there at once
PATIENT = 1.5  # the same after a fault: longer than others take to find that the log is there again
MOST_PATIENT = 2.5  # the same for a server that has never been in: others may have more to begin with


def choose_patience(*, was_down: bool, was_in: bool) -> float:
    """How long to wait for an answer. was_down: the log could not be reached. was_in: it has been in the cluster."""
    if not was_down:
        return QUICK
    return PATIENT if was_in else MOST_PATIENT


class Joiner(Interface):
    """Who wants to join."""

    def on_state(self, join: Join, state: bytes) -> None:
        """The others have this at `join.id`."""

    def on_founding(self, join: Join, kept: bytes | None) -> None:
        """Nobody else is there; `kept` is what was left when that happened last."""

    def on_not_joined(self, join: Join) -> None:
        """Not this time."""


class Join:
    """Begins with `begin`.

    before: what this server was called, the last entry of that name that it has read back, and whether its people keep
        their places.
    patience: seconds without an answer after which nobody may be there.
    """

    def __init__(
        self,
        reactor: Reactor,
        log: Log,
        joiner: Joiner,
        title: str,
        before: tuple[str, int, bool],
        lease: float,
        patience: float,
    ) -> None:
        self._reactor = reactor
        self._log = log
        (self._word,) = pack([["sync", title, *before]])
        self._joiner: Joiner | None = joiner
        self._lease = lease
        self._patience = patience
        self._timer: Timer | None = None
        self._claimed_at = reactor.time()
        self._began = reactor.time()
        self.name = secrets.token_hex(6)
        self.id: EntryID | None = None

    def begin(self) -> None:
        """Write the word. The answer that it cannot be written may come before this returns."""
        self._log.append(self.name, 1, self._word, 0, self._on_written)

    @property
    def entry(self) -> Entry:
        """The word, once it is in the log."""
        assert self.id is not None
        return Entry(self.id, self.name, 1, self._word, 0)

    def stop(self) -> None:
        """Forget it."""
        self._joiner = None
        if self._timer is not None:
            self._timer.cancel()

    def _on_written(self, id: EntryID | None) -> None:
        if id is None:
            return self._end(lambda joiner: joiner.on_not_joined(self))
        self.id = id
        self._claimed_at = self._reactor.time()
        self._look()

    def _look(self) -> None:
        if self._joiner is not None:
            self._log.fetch_state(self.name, self._on_answer)
            self._timer = self._reactor.call_later(POLL, self._go_on)

    def _on_answer(self, state: bytes | None) -> None:
        if state is not None:
            self._end(lambda joiner: joiner.on_state(self, state))

    def _go_on(self) -> None:
        now = self._reactor.time()
        if now - self._began > GIVE_UP:
            return self._end(lambda joiner: joiner.on_not_joined(self))
        if now - self._claimed_at >= self._patience:
            self._claimed_at = now
            self._log.claim(self._lease, self._on_claimed)
        self._look()

    def _on_claimed(self, mine: bool) -> None:
        if mine and self._joiner is not None:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._reactor.call_later(GIVE_UP, self._end, lambda joiner: joiner.on_not_joined(self))
            self._log.fetch_kept(lambda kept: self._end(lambda joiner: joiner.on_founding(self, kept)))

    def _end(self, tell: Callable[[Joiner], None]) -> None:
        joiner = self._joiner
        self.stop()
        if joiner is None:
            return
        _, error = attempt(tell, joiner)
        if error is not None:  # a state that cannot be read, say: whoever joined must not wait for this one for ever
            log.error("a server could not join its cluster", exc_info=error)
            joiner.on_not_joined(self)
