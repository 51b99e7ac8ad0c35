"""Members of a chat, and clients of an echo, at a fixed rate, whatever the server does: a load that does not wait.

A closed loop sends the next line when the last has come, and so asks less of a server that is slow (coordinated
omission). Here each line has its time, and the latency of each delivery counts from then.
"""

import contextlib
import os
from collections import Counter, deque
from time import perf_counter

from load.clients import BATCH, READ, WRITE, Address, Exchange, LoadError, Round
from load.rooms import MARK, Chat
from load.samples import due, percentile

NUMBER = 8  # digits of the line's number, which stands before the mark
FEW = 32  # receives of a room between two looks at the clock: a line that is due waits for no more
SPIN = 0.002  # seconds. A poll sleeps whole milliseconds: for a shorter wait the generator looks again and again


def give_way() -> None:
    """Run only on a core that nobody else wants (Linux), because this load looks at the clock all the time.

    Where the scheduler wakes a server on the load's core, it would wait there for the end of the load's slice: with
    two cores one echo in a hundred took 2 to 4 ms on any loop, and takes 0.05 to 0.1 so. What the load itself misses by
    that is in `late`.
    """
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


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
        late: Counter[int] = Counter()
        self.spun = 0.0
        self.missing = total * (self.count - 1)
        deliveries, size, said = self.missing, 0, 0
        self.start = start = perf_counter()
        deadline = start + seconds + self.timeout
        while self.missing or said < total:
            now = perf_counter()
            if now > deadline:
                self.late(f"{self.missing} deliveries missing")
            while said < total and (time := due(start, said, self.rate)) <= now:
                self.line = b"%b%0*d%b\n" % (self.filler, NUMBER, said, MARK)
                late[int((perf_counter() - time) * 1e6)] += 1
                self.say(self.speakers[said % self.senders])
                said += 1
            wait = due(start, said, self.rate) - perf_counter() if said < total else deadline - now
            events = self.poller.poll(wait - SPIN if wait > SPIN else 0.0, FEW)
            for fd, _ in events:
                size += self.hear(fd)
            if not events and wait <= SPIN:
                self.spun += perf_counter() - now
        return Round(deliveries, size, perf_counter() - start, self.latencies, percentile(late, 0.99))

    def hear(self, fd: int) -> int:
        """Take what has come for one member, and note how late each line is."""
        size = self.receive(fd)
        *lines, self.rest[fd] = (self.rest.get(fd, b"") + self.buffer[:size]).split(b"\n")
        now, start, rate = perf_counter(), self.start, self.rate
        for line in lines:
            if not line.endswith(MARK):
                raise LoadError(f"a member got a line that nobody said: {bytes(line[:80])!r}")
            number = int(line[-NUMBER - 1 : -1])
            self.latencies[int((now - due(start, number, rate)) * 1e6)] += 1
        self.missing -= len(lines)
        if self.missing < 0:
            raise LoadError(f"{-self.missing} lines too many came")
        return size


class PacedExchange(Exchange):
    """`rate` requests a second in all, on the connections in turn, each at its time though the last is not answered.

    Replies come in order, so the oldest request of a connection is the one that is answered.
    """

    def pace(self, rate: float) -> "PacedExchange":
        """Set the rate. Before it is set, rounds are closed: settle() has one exchange each."""
        self.rate = rate
        return self

    def settle(self) -> None:
        rate, self.rate = self.rate, None
        super().settle()
        self.rate = rate
        self.order = list(self.socks)
        self.asked: dict[int, deque[float]] = {fd: deque() for fd in self.order}
        self.blocked: set[int] = set()
        self.queued: dict[int, bytes] = {}  # requests that the kernel did not take: the server does not read

    def run(self, seconds: float) -> Round:
        """Ask for so long, then collect what is in flight."""
        if self.rate is None:
            return super().run(seconds)
        total = max(1, int(seconds * self.rate))
        self.latencies: Counter[int] = Counter()
        self.spun = 0.0
        self.answered = 0  # the total of the latencies: adding them up each turn would slow the load of a slow server
        late: Counter[int] = Counter()
        asked, rate, size = 0, self.rate, len(self.order)
        start = perf_counter()
        deadline = start + seconds + self.timeout
        while self.answered < total:
            now = perf_counter()
            if now > deadline:
                self.late(f"{total - self.answered} of {total} replies missing")
            while asked < total and (time := due(start, asked, rate)) <= now:
                self.send(self.order[asked % size], time)
                late[int((now - time) * 1e6)] += 1
                asked += 1
            wait = due(start, asked, rate) - perf_counter() if asked < total else deadline - now
            events = self.poller.poll(wait - SPIN if wait > SPIN else 0.0, BATCH)
            for fd, event in events:
                self.flush(fd) if event & WRITE else self.hear(fd)
            if not events and wait <= SPIN:
                self.spun += perf_counter() - now
        counted = Counter({latency: count * self.weight for latency, count in self.latencies.items()})
        took = perf_counter() - start
        return Round(total * self.weight, total * len(self.reply), took, counted, percentile(late, 0.99))

    def send(self, fd: int, time: float) -> None:
        self.asked[fd].append(time)
        if fd in self.queued:
            self.queued[fd] += self.request
            return
        self.queued[fd] = self.request
        self.flush(fd)

    def flush(self, fd: int) -> None:
        """Send what waits on one connection."""
        data = self.queued.pop(fd)
        try:
            sent = self.senders[fd](data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise LoadError(f"a connection broke: {error.strerror}") from None
        if sent < len(data):
            self.queued[fd] = data[sent:]
            self.poller.modify(fd, READ | WRITE)
        elif fd in self.blocked:
            self.poller.modify(fd, READ)
        (self.blocked.add if sent < len(data) else self.blocked.discard)(fd)

    def hear(self, fd: int) -> None:
        """Take what has come on one connection: parts of replies, or several."""
        count, have = self.receive(fd), self.got[fd]
        reply, size = self.reply, len(self.reply)
        whole, self.got[fd] = divmod(have + count, size)
        if whole > len(self.asked[fd]) or self.buffer[:count] != (reply * (whole + 1))[have : have + count]:
            self.wrong(count, have)
        now = perf_counter()
        for _ in range(whole):
            self.latencies[int((now - self.asked[fd].popleft()) * 1e6)] += 1
        self.answered += whole
