"""Rounds of many servers under one load, where one that fails does not end the others'. Knows no output."""

import statistics
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field

from load.samples import load_bound, off_rate
from runs import contest, procs

MEDIANS = ("rate", "p50", "p99", "cpu_per_message", "busy", "load_busy")


@dataclass
class Load:
    """What every server gets. `service` names its program, `mode` that of the load generator."""

    service: str
    mode: str
    clients: int
    options: dict = field(default_factory=dict)


@dataclass
class Seat:
    """One server in the contest, from its start to its figures or its failure."""

    name: str
    ends: ExitStack
    contender: contest.Contender | None = None
    fresh: int = 0  # bytes resident before its first client
    failures: int = 0
    reason: str | None = None

    def fail(self, error: procs.BenchError) -> None:
        """Out of the contest; what it had measured before stays."""
        self.failures += 1
        self.reason = str(error)
        if self.contender:
            self.ends.__exit__(type(error), error, None)

    @property
    def plays(self) -> bool:
        return self.contender is not None and not self.failures


def measure(
    load: Load, names: Iterable[str], rounds: int, seconds: float, python: str, tick: Callable[[str], None]
) -> list[dict]:
    """All rounds of all servers side by side: one result for each, failed or not."""
    seats = [Seat(name, ExitStack()) for name in names]
    with ExitStack() as stack:
        for seat in seats:
            stack.push(seat.ends)
            tick(f"connecting to {seat.name}")
            guarded(seat, lambda seat=seat: start(seat, load, python))
        for seat in seats:
            if seat.plays:
                guarded(seat, seat.contender.settle)
        for number in range(rounds):
            for seat in seats if number % 2 == 0 else reversed(seats):
                if seat.plays:
                    tick(f"round {number + 1} of {rounds}: {seat.name}")
                    guarded(seat, lambda seat=seat: seat.contender.round(seconds))
        results = [result(load, seat) for seat in seats]
        tick("stopping")
    return results


def guarded(seat: Seat, step: Callable[[], None]) -> None:
    try:
        step()
    except procs.BenchError as error:
        seat.fail(error)


def start(seat: Seat, load: Load, python: str) -> None:
    contender = seat.ends.enter_context(contest.starting(load.service, seat.name, python))
    seat.contender = contender
    seat.fresh = contender.server.memory()
    contender.begin_connecting(load.mode, connections=load.clients, **load.options)


def result(load: Load, seat: Seat) -> dict:
    """The figures of one server, read while its clients are still connected. `bound`: see samples.py."""
    about = {"workload": load.service, "clients": load.clients, "server": seat.name}
    about |= {"failures": seat.failures, "reason": seat.reason}
    contender = seat.contender
    if contender is None or not contender.rounds:
        return about | {"rounds": []}
    medians = {name: contender.median(name) for name in MEDIANS}
    late = statistics.median(round_["late"] or 0.0 for round_ in contender.rounds)
    bound = off_rate(late) or load_bound(medians["load_busy"], medians["busy"])
    longest = max(round_["max"] for round_ in contender.rounds)
    figures = about | medians | {"max": longest, "late": late, "bound": bound, "rounds": contender.rounds}
    if seat.plays:
        memory = contender.server.memory()
        figures |= {"memory": memory, "threads": contender.server.threads()}
        figures["memory_each"] = (memory - seat.fresh) / load.clients
    return figures


def clients_allowed(counts: list[int]) -> tuple[list[int], str | None]:
    """The numbers of clients that the limit of open files lets one process hold, and a word on what it cut."""
    most = max(counts)
    needed = most + 2 * procs.SPARE_DESCRIPTORS
    limit = procs.raise_descriptor_limit(needed)
    if limit >= needed:
        return counts, None
    room = max(1, limit - 2 * procs.SPARE_DESCRIPTORS)
    note = f"the limit of open files (ulimit -Hn) is {limit:,}: {most:,} clients are cut to {room:,}"
    return sorted({min(count, room) for count in counts}), note


def limits() -> str:
    """The limits of this process that the load and the servers inherit."""
    files = procs.raise_descriptor_limit(0)
    tasks = procs.task_limit()
    return f"open files {files:,}, processes and threads {'unlimited' if tasks is None else f'{tasks:,}'}"


def default_processes(cores: int | None) -> int:
    """How many processes make the load: one core stays the server's, and four have saturated every server here."""
    return max(1, min(4, (cores or 1) - 1))
