"""What a cluster needs of its log, whoever keeps it: Redis, or a list in a test. An interface and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol as Interface

from .entries import Entry, EntryID


class Reader(Interface):
    """Who is told what happens to the log. Everything is called on the loop's thread, and nothing inside a call."""

    def on_up(self, *, whole: bool) -> None:
        """The log can be reached. What was written before may be lost: it is written again.

        whole: the entry that was read last is still there, or nothing at all. Else others may have gone on in a new
        log, with what was written into the old one and is not known here.
        """

    def on_down(self, error: Exception) -> None:
        """It cannot be reached; it is tried again."""

    def on_refused(self, error: Exception) -> None:
        """It has not taken an entry."""

    def on_entries(self, entries: list[Entry]) -> None:
        """The next ones, in order."""

    def on_drain(self, grace: float) -> bool:
        """The program ends; true where something is still to be written, and `close` will be called."""


class Log(Interface):
    """Entries in one order, and a few texts beside them. No call blocks or raises, answers may never come."""

    @property
    def is_up(self) -> bool:
        """It can be reached."""

    def open(self, reader: Reader) -> None:
        """Begin, and tell `reader` from now on."""

    def append(
        self, node: str, seq: int, data: bytes, read: int, answer: Callable[[EntryID | None], None] | None = None
    ) -> None:
        """Add an entry, see `Entry`. `answer` is given its id; None where it was not taken, or nobody knows."""

    def read_from(self, last: EntryID) -> None:
        """Give `reader` what comes after `last`, until told otherwise."""

    def stop_reading(self) -> None:
        """Give it nothing more."""

    def offer_state(self, node: str, state: bytes) -> None:
        """The state at the entry with which `node` has joined; the first offer is kept, for half a minute."""

    def fetch_state(self, node: str, answer: Callable[[bytes | None], None]) -> None:
        """What was offered for `node`."""

    def mark_live(self, seconds: float) -> None:
        """Somebody is in the cluster, for so long; 0: nobody any more."""

    def claim(self, seconds: float, answer: Callable[[bool], None]) -> None:
        """True for one who asks while nobody is in the cluster."""

    def keep(self, state: bytes) -> None:
        """What outlives a stop of all servers."""

    def fetch_kept(self, answer: Callable[[bytes | None], None]) -> None:
        """What was kept."""

    def close(self) -> None:
        """End at once."""
