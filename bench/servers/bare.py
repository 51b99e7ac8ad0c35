#!/usr/bin/env python3
"""The least that a server in pure Python does: epoll, receive, answer, send. What the reactor's figures stand beside.

No limits, no deadlines, no half-close, no backpressure: a peer that reads slowly ends all of it, so nobody can serve
with this. What it costs is what no framework in Python can save: `bare.py SERVICE --port PORT`.
"""

import select
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

SIZE = 16 * 1024  # bytes of a receive
CERTIFICATE = Path(__file__).parents[2] / "tests" / "certificates" / "localhost.pem"

Ready = Callable[[], object]  # what is done when a socket is readable; false once it is over


def echo(sock: socket.socket) -> Ready:
    """Everything comes back."""
    receive, send = sock.recv, sock.send

    def ready():
        data = receive(SIZE)
        if data:
            send(data)
        return data

    return ready


def lines(sock: socket.socket) -> Ready:
    """Each line X is answered with `Hello, X!`."""
    receive, send, rest = sock.recv, sock.send, b""

    def ready():
        nonlocal rest
        data = receive(SIZE)
        if data:
            *found, rest = (rest + data).split(b"\n")
            send(b"".join([b"Hello, %b!\n" % line for line in found]))
        return data

    return ready


def tls_echo(sock: socket.socket) -> Ready:
    """Everything comes back, encrypted: OpenSSL on two MemoryBIOs."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session, receive, send, is_open = context.wrap_bio(incoming, outgoing, True), sock.recv, sock.send, False

    def ready():
        nonlocal is_open
        came = receive(SIZE)
        incoming.write(came)
        is_open = is_open or shaken(session)
        while is_open and incoming.pending and (data := session.read(SIZE)):
            session.write(data)
        if outgoing.pending:
            send(outgoing.read())
        return came

    return ready


def http(sock: socket.socket) -> Ready:
    """Each head, by its empty line, is answered with 1 KiB; nothing in it is read."""
    receive, send = sock.recv, sock.send

    def ready():
        data = receive(SIZE)
        if data:
            send(ANSWER * data.count(b"\r\n\r\n"))
        return data

    return ready


def room(sock: socket.socket) -> Ready:
    """WebSockets: a short message goes to all, as a frame. Those of one turn are joined once, for everybody."""
    receive, send, is_open = sock.recv, sock.send, False

    def ready():
        nonlocal is_open
        data = receive(SIZE)
        if not is_open:
            is_open = True
            send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            hearers.add(send)
        elif not data:
            hearers.discard(send)
        else:
            size, key = data[1] & 0x7F, data[2:6]
            mask = int.from_bytes((key * (size // 4 + 1))[:size], "little")
            payload = (int.from_bytes(data[6 : 6 + size], "little") ^ mask).to_bytes(size, "little")
            said.append(b"\x81%c%b" % (size, payload))
        return data

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
SERVICES = {"echo": echo, "http": http, "lines": lines, "room": room, "tls-echo": tls_echo}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1024\r\n\r\n" + bytes(1024)
hearers: set[Callable[[bytes], int]] = set()
said: list[bytes] = []


def serve(services: dict[socket.socket, Callable[[socket.socket], Ready]]) -> None:
    """What each listening socket accepts is served as it says, for ever."""
    poller, handlers, socks = select.epoll(), {}, {}

    def watch(sock, ready):
        fd = sock.fileno()
        handlers[fd], socks[fd] = ready, sock
        poller.register(fd, select.EPOLLIN)

    for listener, service in services.items():
        watch(listener, accepting(listener, service, watch))
    while True:
        for fd, _ in poller.poll():
            try:
                goes_on = handlers[fd]()
            except ConnectionError:  # who leaves tickets of TLS unread resets
                goes_on = False
            if not goes_on:
                del handlers[fd]
                socks.pop(fd).close()  # so that epoll forgets it
        if said:
            frames = b"".join(said)
            said.clear()
            for send in hearers:
                send(frames)


def accepting(listener: socket.socket, service, watch: Callable[[socket.socket, Ready], None]) -> Ready:
    """Let in all who wait. As `listener.accept`, which makes enums for each of them."""
    accept, family, kind, proto = listener._accept, int(listener.family), int(listener.type), listener.proto

    def ready():
        try:
            while True:
                fd, _ = accept()
                sock = socket.socket(family, kind, proto, fd)
                sock.setblocking(False)
                watch(sock, service(sock))
        except BlockingIOError:
            return True

    return ready


def listening(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A listening socket, with what the other servers of the benchmark set."""
    listener = socket.create_server((host, port), backlog=1024)
    listener.setblocking(False)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from runs.arguments import server_parser

    parser = server_parser(__doc__, 9000)
    parser.add_argument("service", choices=SERVICES)
    options = parser.parse_args()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: sys.exit(0))
    listener = listening(options.host, options.port)
    print(f"listening on {options.host}:{listener.getsockname()[1]}", flush=True)
    serve({listener: SERVICES[options.service]})


if __name__ == "__main__":
    main()
