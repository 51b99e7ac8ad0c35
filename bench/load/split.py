"""A paced room whose talkers are a process of their own: a latency is then the server's. Knows no command line.

One process that reads a thousand sockets finds the last of them some milliseconds after the line had come to it, for
every server alike. So the members who talk, spread evenly over the room, are given to a child, which does little: its
lines leave in time, and what it hears it sees at once. The parent reads all others, and gives way to everybody.
"""

import json
import os
import select
from collections import Counter
from time import perf_counter, process_time
from typing import NoReturn

from load.clients import BATCH, READ, Address, LoadError, Poller, Round
from load.paced import PacedChat, give_way


class SplitChat(PacedChat):
    """The same for the caller. `busy` of a Round is the share of a core that the child took."""

    def __init__(self, address: Address, count: int, timeout: float, senders: int, size: int, rate: float) -> None:
        super().__init__(address, count, timeout, senders, size, rate)
        self.spacing = max(1, count // senders)

    def settle(self) -> None:
        super().settle()
        self.child = Child(self)
        give_way()

    def run(self, seconds: float) -> Round:
        start = perf_counter()
        deadline = start + seconds + self.timeout
        total = max(1, int(seconds * self.rate))
        self.child.begin(seconds, self.rate)
        missing, size = total * len(self.socks), 0
        while missing > 0:
            events = self.poller.poll(max(0.0, deadline - perf_counter()), BATCH)
            for fd, _ in events or self.late(f"{missing} deliveries missing"):
                got = self.receive(fd)
                size += got
                missing -= self.buffer.count(b"\n", 0, got)
        if missing:
            raise LoadError(f"{-missing} lines too many came")
        answer = self.child.finish(deadline + self.timeout)
        latencies = Counter({int(latency): count for latency, count in answer["latencies"].items()})
        took = perf_counter() - start
        return Round(total * (self.count - 1), size + answer["bytes"], took, latencies, answer["late"], answer["busy"])

    def close(self) -> None:
        if hasattr(self, "child"):
            self.child.close()
        super().close()


class Child:
    """The process with the talkers."""

    def __init__(self, chat: SplitChat) -> None:
        theirs, self.commands = os.pipe()
        self.answers, ours = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.commands)
            os.close(self.answers)
            self._live(chat, theirs, ours)
        os.close(theirs)
        os.close(ours)
        for fd in chat.speakers:
            chat.poller.unregister(fd)
            chat.socks.pop(fd).close()

    def begin(self, seconds: float, rate: float) -> None:
        os.write(self.commands, b"%f %f\n" % (seconds, rate))

    def finish(self, deadline: float) -> dict:
        """What its round gave."""
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([self.answers], [], [], max(0.0, deadline - perf_counter()))[0]:
                raise LoadError("the process that measures hangs")
            piece = os.read(self.answers, 1 << 20)
            if not piece:
                raise LoadError("the process that measures died")
            line += piece
        answer = json.loads(line)
        if "error" in answer:
            raise LoadError(answer["error"])
        return answer

    def close(self) -> None:
        """Its commands end, and so it does."""
        os.close(self.commands)
        os.close(self.answers)
        os.waitpid(self.pid, 0)

    def _live(self, chat: SplitChat, commands: int, answers: int) -> NoReturn:
        """Rounds on request, until there are no more; never returns into what the parent does."""
        try:
            self._take_over(chat)
            with open(commands) as lines:
                for line in lines:
                    seconds, chat.rate = map(float, line.split())
                    said = json.dumps(one_round(chat, seconds)) + "\n"
                    while said:
                        said = said[os.write(answers, said.encode()) :]
        finally:
            os._exit(0)

    @staticmethod
    def _take_over(chat: SplitChat) -> None:
        """Keep the talkers, on a poller of our own."""
        chat.poller.close()
        chat.poller = Poller()
        for fd, sock in list(chat.socks.items()):
            if fd in chat.speakers:
                chat.poller.register(fd, READ)
            else:
                sock.close()
                del chat.socks[fd]
        chat.count = len(chat.socks)


def one_round(chat: PacedChat, seconds: float) -> dict:
    """A round as the line that tells of it."""
    cpu = process_time()
    try:
        done = PacedChat.run(chat, seconds)
    except LoadError as error:
        return {"error": str(error)}
    busy = max(0.0, process_time() - cpu - chat.spun) / done.seconds
    return {"latencies": done.latencies, "late": done.late, "busy": busy, "bytes": done.bytes}
