#!/usr/bin/env python3
"""The least that a server in pure Python does: epoll, receive, answer, send. What the reactor's figures stand beside.

No limits, no deadlines, no half-close, no backpressure: a peer that reads slowly ends all of it, so nobody can serve
with this. What it costs is what no framework in Python can save; what a contract with the program adds is the business
of contract.py. On descriptors instead of sockets, since `os.read` takes fewer instructions than `socket.recv`, and no
object is made for a newcomer: `bare.py SERVICE --port PORT`.
"""

import argparse
import os
import select
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

SIZE = 16 * 1024  # bytes of a receive
CERTIFICATE = Path(__file__).parents[2] / "tests" / "certificates" / "localhost.pem"

Ready = Callable[[], int]  # what is done when a descriptor is readable: how many bytes came, none once it is over
READ = select.EPOLLIN
EDGE = READ | select.EPOLLRDHUP | select.EPOLLET  # told once of what has come: the next poll does not look for it again


def echo(fd: int, size: int = SIZE) -> Ready:
    """Everything comes back."""
    receive, send = os.read, os.write

    def ready():
        data = receive(fd, size)
        if data:
            send(fd, data)
        return len(data)  # not `data`: it would be alive in the next read, and the heap grow and shrink

    return ready


def lines(fd: int) -> Ready:
    """Each line X is answered with `Hello, X!`."""
    receive, send, rest = os.read, os.write, b""

    def ready():
        nonlocal rest
        data = receive(fd, SIZE)
        if data:
            found = (rest + data).split(b"\n")
            rest = found.pop()
            send(fd, b"".join([b"Hello, %b!\n" % line for line in found]))
        return len(data)

    return ready


def tls_echo(fd: int) -> Ready:
    """Everything comes back, encrypted: OpenSSL on two MemoryBIOs."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session, is_open = context.wrap_bio(incoming, outgoing, True), False

    def ready():
        nonlocal is_open
        came = os.read(fd, SIZE)
        incoming.write(came)
        is_open = is_open or shaken(session)
        while is_open and incoming.pending and (data := session.read(SIZE)):
            session.write(data)
        if outgoing.pending:
            os.write(fd, outgoing.read())
        return len(came)

    return ready


def http(fd: int) -> Ready:
    """Each head, by its empty line, is answered with 1 KiB; nothing in it is read."""

    def ready():
        data = os.read(fd, SIZE)
        if data:
            os.write(fd, ANSWER * data.count(b"\r\n\r\n"))
        return len(data)

    return ready


def websocket(fd: int) -> Ready:
    """A WebSocket, one frame a receive: a short message comes back, or in /room goes to all.

    Nothing of a frame is checked. What a turn brings to the room is joined once, for everybody.
    """
    send, answer = partial(os.write, fd), None

    def ready():
        nonlocal answer
        data = os.read(fd, SIZE)
        if answer and data:
            answer(unmasked(data))
        elif data:  # the request of the handshake
            send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            answer = send
            if data.startswith(b"GET /room "):
                answer = said.append
                hearers.add(send)
        else:
            hearers.discard(send)
        return len(data)

    return ready


def unmasked(frame: bytes) -> bytes:
    """The frame that a server sends for one that a client has sent, a text of less than 126 bytes.

    Key and payload are one number, with the key as its lowest 32 bits; the key times MASKS is the key's four bytes
    again and again, from behind the key on.
    """
    size = frame[1] & 0x7F
    number = from_bytes(frame[2 : 6 + size], "little")
    payload = (number ^ MASKS[size] * (number & 0xFFFFFFFF)).to_bytes(132, "little")
    return TEXT_HEADS[size] + payload[4 : 4 + size]


def tell(sender: int, lines: bytes) -> None:
    """A send for each member but one."""
    send = os.write
    for member in members:
        if member != sender:
            send(member, lines)


def chat(fd: int, say: Callable[[int, bytes], None] = tell) -> Ready:
    """Each line goes to everybody else at once, as it came: a chat without names, a history or a limit."""
    rest = b""
    members.append(fd)

    def ready():
        nonlocal rest
        data = os.read(fd, SIZE)
        if not data:
            members.remove(fd)
        lines, end, rest = (rest + data).rpartition(b"\n")
        if end:
            say(fd, lines + end)
        return len(data)

    return ready


def shaken(session: ssl.SSLObject) -> bool:
    """Go on with a handshake; true when it is over."""
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE)
SERVICES = {"chat": chat, "echo": echo, "http": http, "lines": lines, "tls-echo": tls_echo, "websocket": websocket}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1024\r\n\r\n" + bytes(1024)
MASKS = tuple(int.from_bytes(bytes(4) + b"\1\0\0\0" * (-(-size // 4)), "little") for size in range(126))
TEXT_HEADS = tuple(bytes((0x81, size)) for size in range(126))
from_bytes = int.from_bytes
hearers: set[Callable[[bytes], int]] = set()
said: list[bytes] = []
members: list[int] = []


def serve(services: dict[socket.socket, Callable[[int], Ready]], others: dict[int, Ready] | None = None) -> None:
    """What each listening socket accepts is served as it says, for ever. others: descriptors that are watched too."""
    poller, handlers, by_edge = select.epoll(), {}, set()

    def watch(fd, ready):
        handlers[fd] = ready
        poller.register(fd, READ)

    def watch_newcomer(fd, ready):
        handlers[fd] = ready
        by_edge.add(fd)
        poller.register(fd, EDGE)

    for listener, service in services.items():
        watch(listener.fileno(), accepting(listener, service, watch_newcomer))
    for fd, ready in (others or {}).items():
        watch(fd, ready)
    while True:
        for fd, event in poller.poll():
            try:
                count = handlers[fd]()
            except ConnectionError:  # who leaves tickets of TLS unread resets
                count = 0
            if not count:
                del handlers[fd]
                by_edge.discard(fd)
                os.close(fd)  # so that epoll forgets it
            elif (event != READ or count >= SIZE) and fd in by_edge:  # some may be left, or the end
                by_edge.discard(fd)
                poller.modify(fd, READ)
        if said:
            frames = b"".join(said)
            said.clear()
            for send in hearers:
                send(frames)


def accepting(listener: socket.socket, service, watch: Callable[[int, Ready], None]) -> Ready:
    """Let in all who wait. As `listener.accept`, without an object for each of them."""
    accept = listener._accept

    def ready():
        try:
            while True:
                fd, _ = accept()
                os.set_blocking(fd, False)
                watch(fd, service(fd))
        except BlockingIOError:
            return 1

    return ready


def listening(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A listening socket, with what the other servers of the benchmark set."""
    listener = socket.create_server((host, port), backlog=1024)
    listener.setblocking(False)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def begin(doc: str | None, services: Iterable[str], receives: str) -> tuple[socket.socket, argparse.Namespace]:
    """What is listened on, and the command line's `service` and `receive`. receives: the services that it is for."""
    from runs.arguments import server_parser

    parser = server_parser(doc, 9000)
    parser.add_argument("service", choices=services)
    parser.add_argument("--receive", type=int, default=SIZE, metavar="BYTES", help=f"{receives}: of a receive ({SIZE})")
    options = parser.parse_args()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: sys.exit(0))
    listener = listening(options.host, options.port)
    print(f"listening on {options.host}:{listener.getsockname()[1]}", flush=True)
    return listener, options


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    listener, options = begin(__doc__, SERVICES, "echo")
    service = partial(echo, size=options.receive) if options.service == "echo" else SERVICES[options.service]
    serve({listener: service})


if __name__ == "__main__":
    main()
