"""Members of one room, who talk as fast as all have heard. Knows no command line and no server."""

from collections import Counter
from time import perf_counter

from load.clients import BATCH, Address, Crowd, LoadError, Round

QUIET = 0.6  # seconds without a byte after which joins are over: our chat announces a newcomer after 0.3 s
CROWD, CROWD_QUIET = 200, 2.6  # and in a larger room it collects such news for 2 s
MARK = b"~"  # in each chat payload once. One byte, so that no read can cut it; in no name and no announcement


class Chat(Crowd):
    """Members of one room, of whom the first `senders` each say a line per round.

    A round is over when every member has every line but its own. Lines and the marks in them are counted, and the
    bytes each member gets must be the same in every round: a line lost, doubled, cut or added is an error.
    """

    spacing = 1  # members from one who talks to the next

    def __init__(self, address: Address, count: int, timeout: float, senders: int, size: int) -> None:
        super().__init__(address, count, timeout)
        self.senders = senders
        self.line = b"x" * (size - len(MARK)) + MARK + b"\n"

    def arrived(self, fd: int) -> None:
        """Drain the welcome and the announcements of those who join later."""
        self.receive(fd)

    def settle(self) -> None:
        """Wait until the joins are through, and talk once to learn what bytes a round brings each member.

        Before that all who will talk do so: our chat tells the others of a newcomer when it says something first.
        """
        self.calm()
        members = list(self.socks)
        self.speakers = members[:: self.spacing][: self.senders]
        self.expected = dict.fromkeys(members, self.senders)
        for fd in self.speakers:
            self.expected[fd] -= 1
            self.say(fd)
        self.calm()
        self.usual = self.talk(perf_counter() + self.timeout, [])

    def calm(self) -> None:
        """Take what comes until nobody is announced any more."""
        deadline = perf_counter() + self.timeout
        quiet = QUIET if self.count <= CROWD else CROWD_QUIET
        while events := self.poller.poll(quiet, BATCH):
            for fd, _ in events:
                self.arrived(fd)
            if perf_counter() > deadline:
                self.late("joins are still being announced")

    def run(self, seconds: float) -> Round:
        """Talk for so long, in whole rounds."""
        samples: list[tuple[float, int]] = []
        rounds, start = 0, perf_counter()
        stop_at = start + seconds
        while not rounds or perf_counter() < stop_at:
            if self.talk(stop_at + self.timeout, samples) != self.usual:
                raise LoadError("the same lines brought other bytes than before: some were lost, cut or added")
            rounds += 1
        took = perf_counter() - start
        latencies: Counter[int] = Counter()
        for latency, lines in samples:
            latencies[int(latency * 1e6)] += lines
        return Round(rounds * sum(self.expected.values()), rounds * sum(self.usual.values()), took, latencies)

    def talk(self, deadline: float, samples: list[tuple[float, int]]) -> dict[int, int]:
        """Let every sender say its line and read until everybody has heard all; the bytes each member got.

        The latency of a delivery runs from the start of the round, so it includes the wait behind the other senders.
        """
        missing = {fd: lines for fd, lines in self.expected.items() if lines}
        heard = dict.fromkeys(self.expected, 0)
        buffer, receive, sample, now = self.buffer, self.receive, samples.append, perf_counter
        marks = 0
        start = now()
        for fd in self.speakers:
            self.say(fd)
        while missing:
            for fd, _ in self.wait(deadline) or self.late(
                f"{sum(missing.values())} deliveries missing at {len(missing)} of {self.count} members"
            ):
                size = receive(fd)
                heard[fd] += size
                marks += buffer.count(MARK, 0, size)
                lines = buffer.count(b"\n", 0, size)
                if not lines:
                    continue
                left = missing.get(fd, 0) - lines
                if left < 0:
                    raise LoadError(f"a member got {-left} lines too many: {bytes(buffer[: min(size, 200)])!r}")
                sample((now() - start, lines))
                if left:
                    missing[fd] = left
                else:
                    del missing[fd]
        if marks != sum(self.expected.values()):
            raise LoadError(f"{sum(self.expected.values())} lines came, but {marks} of them were said by members")
        return heard

    def say(self, fd: int) -> None:
        """Send one line of one member."""
        try:
            sent = self.socks[fd].send(self.line)
        except OSError as error:
            raise LoadError(f"a connection broke: {error.strerror}") from None
        if sent < len(self.line):
            raise LoadError("the server does not read a member who says one line at a time")
