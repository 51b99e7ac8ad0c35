#!/usr/bin/env python3
"""contract.py with the promises that no server does without. The third floor: the least that a server costs in Python.

Kept besides what contract keeps:

in      pausing; 16 KiB a read of a stranger, more of bulk; the peer's end is told, and ours may come later
out     a `bytearray` is copied, a `str` refused; a slow peer presses back, and is ended beyond a bound; half-close
end     what was written leaves, our end is said, the peer's waited for; a reset tells that bytes were lost; epoll is
        told before the close, since a forked child may hold a copy; a socket that others have closed harms nobody
time    timers; who is silent, takes nothing, or does not end is ended
loop    calls from other threads, and a word for a write from one; KeyboardInterrupt and SystemExit go through; a drain
doors   limits, of all and of an address; newcomers wait where descriptors run out, and a flood of them starves nobody

Left out: TLS and other carriers, though a socket may be any object like one; another protocol in the midst, lines that
stop midway, buffers of the protocol; statistics, a log, several loops in a process, other systems.

    promises.py SERVICE --port PORT
"""

import os
import select
import sys
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from socket import SocketType, socket, socketpair
from time import monotonic
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers import contract, promised_streams as streams
from servers.bare import begin
from servers.promised_streams import EDGE, EXITS, READ, Protocol, Transport, handlers, peers, poller, waiting

BATCH = 1024  # events of a poll, so that timers do not wait for a flood
NEWCOMERS = 64  # of a round, so that those who are in do not wait for a flood
NEWS = READ | select.EPOLLRDNORM  # who registers for it is told no READ alone, as connections are
FIRST = READ | EDGE | select.EPOLLET  # of a newcomer
LOOK = 5.0  # seconds between two looks for the silent
SHORTAGE = 1.0  # seconds without newcomers where there is no descriptor for one
UNLIMITED = float("inf")

soon: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
timers: list[list[Any]] = []  # a heap: when, in which order, what
order = count()


def serve(factories: dict[socket, Callable[[], Any]], most: float = UNLIMITED, per_peer: float = UNLIMITED) -> None:
    """As contract's, until a drain is over. most, per_peer: how many there may be, and of one address."""
    most += len(handlers) + len(factories)
    for listener, factory in factories.items():
        Acceptor(listener, factory, most, per_peer)
    call_later(LOOK, look)
    run()


def run() -> None:
    """Round after round, while there is anybody but the bell."""
    poll, awake, leaving, again, ended = poller.poll, streams.awake, streams.leaving, streams.again, streams.ended
    try:
        while len(handlers) > 1:
            streams.written = streams.asleep  # first: then whoever calls from elsewhere is seen here, or rings
            events = poll(0 if soon else max(timers[0][0] - streams.now, 0), BATCH)
            streams.written = awake
            streams.now = now = monotonic()
            streams.receive(events)
            while timers[0][0] <= now:
                guard(*heappop(timers)[2:])
            for _ in range(len(soon)):
                guard(*soon.popleft())
            while awake or leaving or again or ended:
                streams.flush(awake)
                awake.clear()
                streams.reap()
    except EXITS:
        for transport in roster():  # the rest of a batch is left, of which no edge tells again
            transport.watch_level()
        raise
    finally:
        streams.written = awake


def guard(fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """What it raises harms nobody."""
    try:
        fn(*args)
    except EXITS:
        raise
    except BaseException:
        sys.excepthook(*sys.exc_info())


def call_soon(fn: Callable[..., Any], *args: Any) -> None:
    """Call it in this round or the next. From any thread."""
    soon.append((fn, args))
    if streams.written is streams.asleep:
        bell.ring()


def call_later(delay: float, fn: Callable[..., Any], *args: Any) -> list[Any]:
    """Call it after so many seconds. Gives what `cancel` takes."""
    timer = [monotonic() + delay, next(order), fn, args]
    heappush(timers, timer)
    return timer


def cancel(timer: list[Any]) -> None:
    timer[2:] = int, ()  # what does nothing


def look() -> None:
    """Ends who is silent."""
    for transport in roster():
        transport.look()
    call_later(LOOK, look)


def roster() -> list[Transport]:
    """Who is connected."""
    return [handler for handler in handlers.values() if type(handler) is Transport]


def drain(grace: float) -> None:
    """Newcomers are let in no more, all are closed, and cut off after `grace` seconds. Then `serve` returns."""

    def begin_it() -> None:
        for handler in list(handlers.values()):
            if handler is not bell:
                handler.close()

    call_soon(begin_it)
    call_later(grace, lambda: [transport.abort() for transport in roster()])


class Acceptor:
    """A listening socket. most: entries of `handlers` up to which it accepts."""

    def __init__(self, listener: socket, factory: Callable[[], Any], most: float, per_peer: float) -> None:
        self.listener, self.factory, self.most, self.per_peer = listener, factory, most, per_peer
        self.family, self.kind = int(listener.family), int(listener.type)  # asked each time, they would be made enums
        handlers[listener.fileno()] = self
        poller.register(listener, NEWS)

    def on_other(self, event: int) -> bool:
        """Lets in who waits."""
        accept = self.listener._accept
        try:
            for _ in range(NEWCOMERS):
                if len(handlers) >= self.most:
                    return self.wait()
                fd, peername = accept()
                self.let_in(fd, peername)
        except BlockingIOError:
            pass
        except OSError:  # no descriptor
            call_later(SHORTAGE, self.resume)
            return self.wait()
        return True

    def let_in(self, fd: int, peername: Any) -> None:
        """As contract does; with the socket of C, for Python's costs twice as much."""
        sock = SocketType(self.family, self.kind, 0, fd)
        if self.per_peer < UNLIMITED and peers[peername[0]] >= self.per_peer:
            return sock.close()
        os.set_blocking(fd, False)
        try:
            protocol = self.factory()
        except BaseException as exc:
            sock.close()
            if isinstance(exc, EXITS):
                raise
            return sys.excepthook(type(exc), exc, exc.__traceback__)
        if type(handlers.get(fd)) is Transport:  # others have closed who had this number
            handlers[fd].end(ConnectionAbortedError("its socket was closed"))
        if self.per_peer < UNLIMITED:
            peers[peername[0]] += 1
        transport = handlers[fd] = Transport(sock, fd, protocol, peername)
        try:
            poller.register(fd, FIRST)
            protocol.connection_made(transport)
        except EXITS:
            transport.abort()
            raise
        except BaseException as exc:
            transport.blame(exc)

    def wait(self) -> bool:
        """Newcomers wait in the kernel meanwhile."""
        poller.unregister(self.listener)
        waiting.append(self)
        return True

    def resume(self) -> None:
        if self in waiting:
            waiting.remove(self)
            poller.register(self.listener, NEWS)

    def close(self) -> None:
        if self in waiting:
            waiting.remove(self)
        del handlers[self.listener.fileno()]
        self.listener.close()


class Bell:
    """Wakes the loop."""

    def __init__(self) -> None:
        self.receiver, self.sender = socketpair()
        self.sender.setblocking(False)
        handlers[self.receiver.fileno()] = self
        poller.register(self.receiver, NEWS)

    def ring(self) -> None:
        try:
            self.sender.send(b"!")
        except BlockingIOError:
            pass  # it rings already

    def on_other(self, event: int) -> bool:
        self.receiver.recv(4096)
        return True


bell = Bell()
SERVICES = {name: type(name, (service, Protocol), {}) for name, service in contract.SERVICES.items()}


def main() -> None:
    listener, options = begin(__doc__, SERVICES, "none")
    serve({listener: SERVICES[options.service]})


if __name__ == "__main__":
    main()
