"""Rows that one thread hands over and another writes down. Bounded: what has to go is counted."""

from __future__ import annotations

import threading
from collections import deque

from .archive import Row

LIMIT = 4 << 20  # bytes of memory: hours of a school's talk, and nothing to a server
BATCH = 2_000  # rows taken at once: a transaction of a tenth of a second
ROW_COST = 160  # bytes a row takes beside its text: a tuple, a float, an object's head, a place in the queue


class Backlog:
    """Rows on their way from one thread to another. Where they would be more than `limit` bytes the oldest go."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()  # held for microseconds
        self._rows: deque[Row] = deque()
        self._size = 0  # bytes of all rows, those that were taken and are not done included
        self._taken: list[Row] = []
        self.lost = 0  # rows given up

    def __len__(self) -> int:
        with self._lock:
            return len(self._rows) + len(self._taken)

    def put(self, row: Row) -> bool:
        """Add a row; false if others had to go for it."""
        with self._lock:
            self._rows.append(row)
            self._size += ROW_COST + len(row[2])
            if self._size <= self._limit:
                return True
            while self._size > self._limit and self._rows:
                self._size -= ROW_COST + len(self._rows.popleft()[2])
                self.lost += 1
            return False

    def take(self, count: int = BATCH) -> list[Row]:
        """The oldest rows. They still count, until `done` or `put_back`."""
        with self._lock:
            self._taken = [self._rows.popleft() for _ in range(min(count, len(self._rows)))]
            return self._taken

    def done(self, *, lost: bool = False) -> None:
        """The rows that were taken need no more care: they are written down, or nobody can do that."""
        with self._lock:
            self._size -= sum(ROW_COST + len(line) for _, _, line in self._taken)
            self.lost += len(self._taken) if lost else 0
            self._taken = []

    def put_back(self) -> None:
        """The rows that were taken are to be taken again."""
        with self._lock:
            self._rows.extendleft(reversed(self._taken))
            self._taken = []
