"""Servers that compete: how each is started, rounds taken in turn, medians and ratios. Knows no goals and no output."""

import contextlib
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from runs import procs
from runs.turns import MORE, quotients
from servers.programs import PROGRAMS

WARM_UP_CLIENTS = 100  # as many as leave room in the heap for the reads of all contenders
WARM_UP_SECONDS = 0.2
SEEN = 0.2  # seconds of CPU below which a tick of 10 ms is more than 5 % of it


@dataclass
class Contender:
    """One server with its load, and what its rounds gave."""

    name: str
    server: procs.Server
    load: procs.Load | None = None
    rounds: list[dict] = field(default_factory=list)

    def connect(self, mode: str, **options: object) -> None:
        """Bring up its load, connected and settled."""
        self.begin_connecting(mode, **options)
        self.settle()

    def begin_connecting(self, mode: str, **options: object) -> None:
        """Start its load, which connects while others do the same; settle() waits for it."""
        with self.blamed():
            if mode in ("echo", "lines", "udp", "tls"):
                self.warm_up(mode, **options)
            self.load = procs.Load(mode, self.server.address, **options)

    def settle(self) -> None:
        """Wait until its load is connected and settled."""
        with self.blamed():
            self.load.ready()

    def warm_up(self, mode: str, **options: object) -> None:
        """Let a first generation of clients come and go.

        asyncio's reads of 256 KiB grow and trim the heap of a fresh process each time: two page faults and 45 us for an
        echo that costs 12 us once the heap has holes. Figures of a server that has been in use are fair to everybody.
        """
        with procs.Load(mode, self.server.address, **options | {"connections": WARM_UP_CLIENTS}) as load:
            load.ready().round(WARM_UP_SECONDS)

    def round(self, seconds: float, rate: float | None = None) -> None:
        """Run one round and keep its figures. The server does nothing between rounds, so its CPU is the round's."""
        before, kernel_before = self.server.cpu(), self.server.kernel()
        with self.blamed():
            result = self.load.round(seconds, rate)
        cpu, kernel_after = self.server.cpu() - before, self.server.kernel()
        kernel = None if kernel_before is None or kernel_after is None else kernel_after - kernel_before
        del result["latencies"]
        messages, wall = result["messages"], result["seconds"]
        if min(cpu, messages, wall) <= 0:
            raise procs.BenchError(
                f"{self.name}: {cpu:g} s of CPU, {messages:,} messages in {wall:g} s: too short a round"
            )
        figures = {
            "cpu": cpu,
            "kernel": kernel,
            "cpu_per_message": cpu / messages,
            "rate": messages / wall,
            "busy": cpu / wall,
        }
        self.rounds.append(result | figures)

    @contextlib.contextmanager
    def blamed(self) -> Iterator[None]:
        """Put this server's name before what goes wrong."""
        try:
            yield
        except procs.BenchError as error:
            raise procs.BenchError(f"{self.name}: {error}") from None

    def median(self, figure: str) -> float:
        """The middle of one figure over the rounds."""
        return statistics.median(round_[figure] for round_ in self.rounds)

    def in_kernel(self) -> float | None:
        """The part of its CPU that the kernel used, of all rounds; None where it is not told, or a matter of ticks."""
        parts, whole = [round_["kernel"] for round_ in self.rounds], sum(round_["cpu"] for round_ in self.rounds)
        return None if None in parts or whole < SEEN else sum(parts) / whole

    def stop(self, hurry: bool = False) -> None:
        """The server first: it need not announce to the others that each of a thousand members leaves."""
        self.server.stop(hurry)
        if self.load:
            self.load.stop(hurry)
        if (status := self.server.process.returncode) and not hurry:
            print(f"note: {self.name} left with status {status}", file=sys.stderr)


@contextlib.contextmanager
def starting(service: str, name: str, python: str = sys.executable) -> Iterator[Contender]:
    """A server that runs while the block does."""
    contender = Contender(name, procs.Server(f"{service} on {name}", list(PROGRAMS[service][name]), python))
    try:
        yield contender
    except BaseException:
        contender.stop(hurry=True)
        raise
    contender.stop()


def alternate(
    contenders: list[Contender],
    rounds: int,
    seconds: float,
    tick: Callable[[str], None],
    decided: Callable[[], bool] = lambda: True,
    rate: float | None = None,
) -> None:
    """Give each contender a round, and again; in turns forwards and backwards, so that a drift favours nobody.

    decided: asked after so many rounds, and again after each of up to MORE: whether they agree about the goals.
    """
    for number in range(max(rounds, MORE) if rounds > 1 else 1):
        if number >= rounds and decided():
            break
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            tick(f"round {number + 1} of {rounds}: {contender.name}")
            contender.round(seconds, rate)


def ratios(one: Contender, other: Contender, figure: str = "cpu_per_message") -> list[float]:
    """Of one to the other, by round: two rounds close in time share the mood of the machine."""
    return quotients((round_[figure] for round_ in one.rounds), (round_[figure] for round_ in other.rounds))


def ratio(one: Contender, other: Contender, figure: str = "cpu_per_message") -> float:
    """The median of those."""
    return statistics.median(ratios(one, other, figure))
