"""Those who have not said anything yet, oldest first: in a full server they give way. Pure; callers pass the time."""

from __future__ import annotations

from typing import Generic, TypeVar

SILENT_TIME = 30.0  # seconds to say the first thing when the server is full: who has come to talk has begun by then

T = TypeVar("T")


class Newcomers(Generic[T]):
    """The newcomers from whom nothing has come.

    >>> newcomers = Newcomers()
    >>> newcomers.add("Ada", now=0.0)
    >>> newcomers.overdue(29.0), newcomers.overdue(30.0), newcomers.due
    (None, 'Ada', 30.0)
    """

    def __init__(self) -> None:
        self._since: dict[T, float] = {}  # in the order of coming

    def add(self, newcomer: T, now: float) -> None:
        self._since[newcomer] = now

    def discard(self, newcomer: T) -> None:
        """`newcomer` has said something, or is gone."""
        self._since.pop(newcomer, None)

    @property
    def due(self) -> float | None:
        """When the patience with the oldest ends."""
        return next((since + SILENT_TIME for since in self._since.values()), None)

    def overdue(self, now: float) -> T | None:
        """The oldest, if it has been silent for too long."""
        due = self.due
        return next(iter(self._since)) if due is not None and due <= now else None
