"""What this server has to say to all, until it has read that in the log. Pure: callers pass the time.

An entry is acknowledged by being read back, not by the answer to having written it: only then is it known where it
stands. What was not read back is written again, with the same numbers, and counts once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .entries import Input, pack, unpack

Done = Callable[[], None]


@dataclass(slots=True)
class Sent:
    """An entry on its way."""

    seq: int
    data: bytes
    at: float  # when it was written first


class Outbox:
    """Inputs in order: collected for the next entry, then sent, then read back."""

    def __init__(self, seq: int = 0) -> None:
        self.seq = seq  # of the last entry
        self.sent: deque[Sent] = deque()
        self.size = 0  # bytes on their way
        self._batch: list[Input] = []
        self._done: deque[tuple[int, Done]] = deque()

    @property
    def is_empty(self) -> bool:
        """All that was said is read back."""
        return not self.sent and not self._batch

    @property
    def read(self) -> int:
        """The last entry that was read back."""
        return self.sent[0].seq - 1 if self.sent else self.seq

    def push(self, one: Input) -> bool:
        """Something is to be said; true if it is the first since the last `flush`."""
        self._batch.append(one)
        return len(self._batch) == 1

    def flush(self, now: float, *, heartbeat: bool = False) -> list[Sent]:
        """The entries that are to be written now; one at least for a heartbeat."""
        if not self._batch and not heartbeat:
            return []
        batch, self._batch = self._batch, []
        new = []
        for data in pack(batch):
            self.seq += 1
            new.append(Sent(self.seq, data, now))
            self.size += len(data)
        self.sent.extend(new)
        if len(new) > 1 and self._done:  # who waits for the batch waits for its last entry
            first = new[0].seq
            self._done = deque((self.seq if seq == first else seq, call) for seq, call in self._done)
        return new

    def when_read(self, call: Done) -> None:
        """Call when all that was pushed so far is read back."""
        self._done.append((self.seq + bool(self._batch), call))

    def acknowledge(self, seq: int) -> float | None:
        """The entries up to `seq` were read back: gives when the last of them was written first."""
        at = None
        while self.sent and self.sent[0].seq <= seq:
            one = self.sent.popleft()
            self.size -= len(one.data)
            at = one.at
        return at

    def take_done(self) -> list[Done]:
        """Who is to be called now."""
        calls = []
        while self._done and self._done[0][0] <= self.read:
            calls.append(self._done.popleft()[1])
        return calls

    def take_all(self, after: int = 0) -> tuple[list[Input], list[Done]]:
        """Everything that was not read back and comes after the entry `after`: the inputs, and who waits for them."""
        inputs = [one for sent in self.sent if sent.seq > after for one in unpack(sent.data)] + self._batch
        done = [call for _, call in self._done]
        self.sent.clear()
        self._done.clear()
        self._batch, self.size = [], 0
        return inputs, done
