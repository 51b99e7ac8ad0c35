"""Members of a chat who speak at a fixed rate, whatever the server does: latency under a load that does not wait.

A closed loop sends the next line when the last has come, and so asks less of a server that is slow (coordinated
omission). Here each line has its time, and the latency of each delivery counts from then.
"""

from collections import Counter
from time import perf_counter

from clients import BATCH, MARK, Address, Chat, LoadError, Round

NUMBER = 8  # digits of the line's number, which stands before the mark


class PacedChat(Chat):
    """`rate` lines a second in all, said by the senders in turn."""

    def __init__(self, address: Address, count: int, timeout: float, senders: int, size: int, rate: float) -> None:
        super().__init__(address, count, timeout, senders, size)
        self.rate = rate
        self.filler = b"x" * max(0, size - NUMBER - len(MARK))

    def run(self, seconds: float) -> Round:
        """Speak for so long, then wait until everybody has heard all."""
        total = max(1, int(seconds * self.rate))
        self.latencies: Counter[int] = Counter()
        self.rest: dict[int, bytes] = {}
        self.missing = total * (self.count - 1)
        deliveries, size, said = self.missing, 0, 0
        self.start = start = perf_counter()
        deadline = start + seconds + self.timeout
        while self.missing or said < total:
            now = perf_counter()
            while said < total and start + said / self.rate <= now:
                self.line = b"%b%0*d%b\n" % (self.filler, NUMBER, said, MARK)
                self.say(self.speakers[said % self.senders])
                said += 1
            wake = start + said / self.rate if said < total else deadline
            for fd, _ in self.poller.poll(max(0.0, wake - perf_counter()), BATCH):
                size += self.hear(fd)
            if perf_counter() > deadline:
                self.late(f"{self.missing} deliveries missing")
        return Round(deliveries, size, perf_counter() - start, self.latencies)

    def hear(self, fd: int) -> int:
        """Take what has come for one member, and note how late each line is."""
        size = self.receive(fd)
        *lines, self.rest[fd] = (self.rest.get(fd, b"") + self.buffer[:size]).split(b"\n")
        now, start, rate = perf_counter(), self.start, self.rate
        for line in lines:
            if not line.endswith(MARK):
                raise LoadError(f"a member got a line that nobody said: {bytes(line[:80])!r}")
            number = int(line[-NUMBER - 1 : -1])
            self.latencies[int((now - start - number / rate) * 1e6)] += 1
        self.missing -= len(lines)
        if self.missing < 0:
            raise LoadError(f"{-self.missing} lines too many came")
        return size
