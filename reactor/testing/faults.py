"""What may go wrong, how often, and the dice. Pure: knows neither sockets nor hosts."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Faults:
    """How often each fault happens: a probability each time it could. Seconds where it says so.

    Nothing here loses a byte of a connection that lives on; `reset`, `refuse` and `exhausted` end connections or keep
    them from being made.

    partial_read, partial_write: a recv gives, or a send takes, a part: half the time one byte.
    spurious: EAGAIN from a recv, send or accept that was reported ready; or reported ready without a cause.
    late: an event is told a round later than it could be.
    reorder: a batch of events comes in any order.
    latency: seconds that a segment is under way at most; any time up to that.
    stall, stall_seconds: a segment is held up for so many seconds, and all behind it.
    slow: a connect, or a job in a thread (a name looked up), takes up to `stall_seconds` as well.
    reset: a connection is reset when a send, a recv or an accept is made on it.
    refuse: a connect is refused.
    exhausted: a connect or an accept finds no free descriptor (EMFILE).
    """

    partial_read: float = 0.0
    partial_write: float = 0.0
    spurious: float = 0.0
    late: float = 0.0
    reorder: float = 0.0
    latency: float = 0.0
    stall: float = 0.0
    stall_seconds: float = 3.0
    slow: float = 0.0
    reset: float = 0.0
    refuse: float = 0.0
    exhausted: float = 0.0

    @classmethod
    def none(cls) -> Faults:
        """The order of hosts in a round is drawn, and nothing else happens."""
        return cls()

    @classmethod
    def gentle(cls) -> Faults:
        """Everything is slow and comes in pieces, and nothing is lost: every connection does its work."""
        return cls(**PRESETS["gentle"])

    @classmethod
    def harsh(cls) -> Faults:
        """As `gentle`, more of it, and connections break as well."""
        return cls(**PRESETS["harsh"])

    def __repr__(self) -> str:
        changed = {field.name: value for field in fields(self) if (value := getattr(self, field.name)) != field.default}
        for name, preset in PRESETS.items():
            if preset == changed:
                return f"Faults.{name}()"
        return f"Faults({', '.join(f'{name}={value!r}' for name, value in changed.items())})"


PRESETS: dict[str, dict[str, float]] = {
    "none": {},
    "gentle": {
        "partial_read": 0.2, "partial_write": 0.2, "spurious": 0.05, "late": 0.1, "reorder": 0.2, "latency": 0.05,
        "stall": 0.01, "slow": 0.05,
    },
    "harsh": {
        "partial_read": 0.4, "partial_write": 0.4, "spurious": 0.15, "late": 0.2, "reorder": 0.5, "latency": 0.2,
        "stall": 0.03, "stall_seconds": 20.0, "slow": 0.2, "reset": 0.01, "refuse": 0.1, "exhausted": 0.05,
    },
}  # fmt: skip


class Dice:
    """Every draw of a run, from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def hit(self, probability: float) -> bool:
        """True with that probability."""
        return probability > 0 and self.random.random() < probability

    def part(self, size: int) -> int:
        """A number from 1 to `size`; half the time 1."""
        return 1 if size < 2 or self.random.random() < 0.5 else self.random.randrange(1, size + 1)

    def up_to(self, seconds: float) -> float:
        """A time of that length at most."""
        return self.random.random() * seconds if seconds else 0.0
