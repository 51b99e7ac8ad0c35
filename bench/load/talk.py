"""Connections to one server that talk as fast as all have heard, from the process that measures. Knows no protocol.

It never sleeps while it waits: a server that answers a load that sleeps pays for waking it, with every send the one
that sends at once, once a turn the one that collects; that would be a figure of how fast the load is. So each `poll`
looks and comes back, and the load has a core of its own: measure with at least two.
"""

import select
import socket
from collections.abc import Iterable
from time import monotonic

from runs.procs import BenchError

TIMEOUT = 60.0  # seconds without a byte until a server is given up


class Talk:
    """The sockets, on one poller; they are closed with it. BenchError where a server does not do as it should."""

    def __init__(self, socks: Iterable[socket.socket]) -> None:
        self.socks = list(socks)
        self.poll = select.epoll()
        self.by_fd = {sock.fileno(): sock for sock in self.socks}
        for fd in self.by_fd:
            self.poll.register(fd, select.EPOLLIN)

    def wait(self) -> list[tuple[int, int]]:
        """The next events."""
        events = self.poll.poll(0)
        deadline = monotonic() + TIMEOUT if not events else 0.0
        while not events:
            events = self.poll.poll(0)
            if monotonic() > deadline:
                raise BenchError("the server does not answer")
        return events

    def converse(self, talkers: int, request: bytes, each: int, times: int) -> None:
        """The first ones speak, all hear; who has heard all of a round speaks again. `each`: bytes of one round."""
        speaking = {sock.fileno() for sock in self.socks[:talkers]}
        heard = dict.fromkeys(self.by_fd, 0)
        spoken = dict.fromkeys(speaking, 1)
        for fd in speaking:
            self.by_fd[fd].sendall(request)
        total, left = each * times, len(heard)
        while left:
            for fd, _ in self.wait():
                data = self.by_fd[fd].recv(1 << 18)
                heard[fd] = have = heard[fd] + len(data)
                if not data or have > total:
                    raise BenchError("the server has sent something else, or has gone")
                left -= have == total
                if fd in speaking and have >= spoken[fd] * each and spoken[fd] < times:
                    spoken[fd] += 1
                    self.by_fd[fd].sendall(request)

    def close(self) -> None:
        self.poll.close()
        for sock in self.socks:
            sock.close()
