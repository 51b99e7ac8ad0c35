#!/usr/bin/env python3
"""The least that a framework in pure Python does which keeps the contract of a Protocol. The second floor, above bare.

Kept: `connection_made`, `data_received`, `connection_lost`, in this order and the last one once; `transport.write` from
any callback to any connection, which leaves at the end of the round by one send; what a callback raises ends its
connection and no other; what a slow peer does not take waits, in order; no descriptor is closed before its round is
over; lines are bounded. Each was written in all the ways that were thought of, and the one with the fewest instructions
stands here: so the loop itself reads and sends, on descriptors, without a frame or a socket object for a connection.

Left out, which no server can do without: limits, deadlines, backpressure, counts; half-close, and waiting for what is
not sent at the end; pausing, another protocol in the midst; TLS or any other carrier; timers, calls from other threads,
signals; errors of accept; a clear word for a wrong argument. What the reactor takes more than this pays for those.

    contract.py SERVICE --port PORT
"""

import os
import select
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from socket import socket

READ, WRITE = select.EPOLLIN, select.EPOLLOUT
EDGE = READ | select.EPOLLRDHUP | select.EPOLLET  # told once of what has come: the next poll does not look for it again
SMALL = 12 * 1024  # bytes of a read that leaves none behind
MAX_LINE = 64 * 1024  # bytes
SEND_NOW = 4096  # bytes: to hold a hundred replies of 10 KiB until the end of a round takes twice as long (cache, heap)


class Protocol:
    """What the framework calls."""

    def connection_made(self, transport: "Transport") -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...


class Transport:
    """What a protocol writes to."""

    __slots__ = ("by_edge", "fd", "first", "more", "protocol")

    def __init__(self, fd: int, protocol: Protocol) -> None:
        self.fd = fd
        self.by_edge = True
        self.protocol: Protocol | None = protocol  # None once it has heard of the end
        self.first: bytes | None = None  # what waits to be sent, and what was written behind it:
        self.more: list[bytes] = []  # a list alone would be given memory anew for each message

    def write(self, data: bytes) -> None:
        """Send at the end of the round, together with what else is written in it; at once if it is much."""
        if self.first is not None:
            self.more.append(data)
        elif len(data) < SEND_NOW:
            self.first = data
            written.append(self)
        else:  # as in `flush`, which would be a call
            try:
                sent = os.write(self.fd, data)
            except BlockingIOError:
                sent = 0
            except OSError as exc:
                return self.close(exc)
            if sent != len(data):
                self.block(data[sent:])

    def close(self, exc: Exception | None = None) -> None:
        """End at the end of the round, once that is sent."""
        ended.append((self, exc))

    def block(self, rest: bytes) -> None:
        """The peer is slow: go on once it takes more."""
        self.first, self.by_edge = rest, False
        poller.modify(self.fd, READ | WRITE)

    def unblock(self) -> None:
        poller.modify(self.fd, READ)
        written.append(self)

    def look_again(self) -> None:
        """Some may be left, or the end: be told of it for as long as it waits."""
        if self.by_edge:
            self.by_edge = False
            poller.modify(self.fd, READ)


class LineProtocol(Protocol):
    """Calls `line_received` for each line, without its end."""

    def connection_made(self, transport: Transport) -> None:
        self.transport, self.rest = transport, b""

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
        lines = data.split(b"\n")
        self.rest = lines.pop()
        if len(data) > MAX_LINE:  # else none of them can be too long
            check(lines, self.rest)
        for line in lines:
            self.line_received(line)

    def line_received(self, line: bytes) -> None: ...


class BatchProtocol(LineProtocol):
    """Calls `lines_received` once for all lines of a read."""

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
        lines = data.split(b"\n")
        self.rest = lines.pop()
        if len(data) > MAX_LINE:
            check(lines, self.rest)
        self.lines_received(lines)

    def lines_received(self, lines: list[bytes]) -> None: ...


def check(lines: list[bytes], rest: bytes) -> None:
    if max(map(len, (*lines, rest))) > MAX_LINE:
        raise ValueError(f"a line of more than {MAX_LINE} bytes")


poller = select.epoll()
listeners: dict[int, Callable[[], None]] = {}  # by descriptor
streams: dict[int, Transport] = {}
written: list[Transport] = []  # in this round
ended: list[tuple[Transport, Exception | None]] = []


def serve(factories: dict[socket, Callable[[], Protocol]], size: int = 16 * 1024) -> None:
    """Whom a listening socket accepts is given what its factory makes, for ever. size: bytes of a receive."""
    for listener, factory in factories.items():
        listeners[listener.fileno()] = accepting(listener, factory)
        poller.register(listener, READ)
    while True:
        receive(poller.poll(), size)
        while written or ended:
            flush(written)
            written.clear()
            reap()


def accepting(listener: socket, factory: Callable[[], Protocol]) -> Callable[[], None]:
    """Lets in all who wait. As `socket.accept`, without an object for each."""
    accept = listener._accept

    def let_in() -> None:
        try:
            while True:
                fd, _ = accept()
                os.set_blocking(fd, False)
                protocol = factory()
                transport = streams[fd] = Transport(fd, protocol)
                poller.register(fd, EDGE)
                try:
                    protocol.connection_made(transport)
                except Exception as exc:
                    blame(transport, exc)
        except BlockingIOError:
            pass

    return let_in


def receive(events: Iterable[tuple[int, int]], size: int) -> None:
    """What came goes to the protocols."""
    for fd, event in events:
        try:
            transport = streams[fd]
        except KeyError:
            listeners[fd]()
            continue
        if event != READ and event & WRITE:
            transport.unblock()
        try:
            data = os.read(fd, size)
        except BlockingIOError:
            continue
        except OSError as exc:
            transport.close(exc)
            continue
        if data:
            try:
                transport.protocol.data_received(data)
            except Exception as exc:
                blame(transport, exc)
            if event != READ or len(data) > SMALL:
                transport.look_again()
            del data  # else two are alive in the next read, and of large ones the heap grows and shrinks each time
        else:
            transport.close()


def flush(transports: list[Transport]) -> None:
    """What was written leaves: one send for each connection."""
    for transport in transports:
        data = transport.first
        if transport.more:
            data = b"".join([data, *transport.more])
            transport.more.clear()
        try:
            sent = os.write(transport.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError as exc:
            transport.close(exc)
            continue
        if sent == len(data):
            transport.first = None
        else:
            transport.block(data[sent:])


def reap() -> None:
    """Those that have ended hear of it, and their descriptors are closed, which makes epoll forget them."""
    while ended:
        transport, exc = ended.pop()
        protocol, transport.protocol = transport.protocol, None
        if protocol is None:
            continue  # twice in a round, or closed once more later
        transport.first = b""  # what is written from now on is sent to nobody
        try:
            protocol.connection_lost(exc)
        except Exception:
            sys.excepthook(*sys.exc_info())
        del streams[transport.fd]
        os.close(transport.fd)


def blame(transport: Transport, exc: Exception) -> None:
    """A callback has raised: its connection ends."""
    sys.excepthook(type(exc), exc, exc.__traceback__)
    transport.close(exc)


class Echo(Protocol):
    """Everything comes back."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Lines(LineProtocol):
    """Each line X is answered with `Hello, X!`."""

    def line_received(self, line):
        self.transport.write(b"Hello, %b!\n" % line)


class Batches(BatchProtocol):
    """The same, asked once for all lines that came together."""

    def lines_received(self, lines):
        self.transport.write(b"".join([b"Hello, %b!\n" % line for line in lines]))


SERVICES = {"batches": Batches, "echo": Echo, "lines": Lines}


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from servers.bare import begin

    listener, options = begin(__doc__, SERVICES, "all")
    serve({listener: SERVICES[options.service]}, options.receive)


if __name__ == "__main__":
    main()
