"""A reactor whose time stands still until a test moves it, on real sockets."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from reactor.testing import SteppedReactor

from .peer import Peer

DEADLINE = 60  # seconds of real time after which a scene has failed


class Stage:
    """A reactor whose time stands still, clients as raw sockets or as `Peer`s, and what to close at the end."""

    def __init__(self) -> None:
        self.reactor = SteppedReactor()
        self.peers: list[Peer] = []
        self._listener: Any = None
        self._sockets: list[socket.socket] = []

    def serve(self, factory: Callable[[], Any], **options: Any) -> Any:
        """A listener on loopback; the last one is where `peer()` goes."""
        self._listener = self.reactor.listen_tcp(factory, "127.0.0.1", 0, **options)
        return self._listener

    @property
    def port(self) -> int:
        """Where the last listener is."""
        port: int = self._listener.port
        return port

    def peer(self, *, receive_buffer: int | None = None) -> Peer:
        """A new client of the last listener, connected; not accepted yet."""
        sock = self._socket(receive_buffer)
        sock.connect(("127.0.0.1", self.port))
        self.peers.append(Peer(self, sock))
        return self.peers[-1]

    def dial(self, listener: Any, *, receive_buffer: int | None = None) -> socket.socket:
        """A raw client socket connected to `listener`, which has accepted it."""
        sock = self._socket(receive_buffer)
        sock.settimeout(10)
        sock.connect(("127.0.0.1", listener.port))
        self.reactor.settle()
        return sock

    def _socket(self, receive_buffer: int | None) -> socket.socket:
        sock = self.own(socket.socket())
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # Nagle would hold what no moved time lets go
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        return sock

    def connect(self, protocol: Any, *, receive_buffer: int | None = None, **options: Any) -> Any:
        """A raw socket and the transport that serves it with `protocol`."""
        listener = self.serve(lambda: protocol, **options)
        sock = self.dial(listener, receive_buffer=receive_buffer)
        listener.close()
        return sock, protocol.transport

    def clog(self, transport: Any) -> int:
        """Write until the kernel takes no more and `transport` is above its watermark; the number of bytes written."""
        written, high = 0, transport.get_write_buffer_limits()[1]
        while transport.get_write_buffer_size() <= high and not transport.is_closing():
            while transport.get_write_buffer_size() <= high and not transport.is_closing():
                transport.write(bytes(1 << 19))
                written += 1 << 19
            self.reactor.settle()  # the kernel may find more room: its buffers grow
        return written

    def reset(self, sock: socket.socket) -> None:
        """Close `sock` so that its peer sees a reset instead of an end."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        self.reactor.settle()

    def own(self, sock: socket.socket) -> socket.socket:
        """Close `sock` at the end of the test."""
        self._sockets.append(sock)
        return sock

    def received(self, sock: socket.socket) -> bytes:
        """All that `sock` has received so far: settles first, waits for nothing. Ends with b"" at EOF all the same."""
        self.reactor.settle()
        sock.setblocking(False)
        data = bytearray()
        try:
            while part := sock.recv(1 << 20):
                data += part
                self.reactor.settle()
        except BlockingIOError:
            pass
        sock.settimeout(10)
        return bytes(data)

    def until(self, condition: Callable[[], bool], waiting_for: Callable[[], str] = lambda: "it") -> None:
        """Settle until it is so; without moving time."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {waiting_for()}"
            self.settle()

    def settle(self) -> None:
        """Let everything happen that is under way, without moving time. Peers take what they get."""
        before = None
        while before != (before := [len(peer.text) for peer in self.peers]):
            self.reactor.settle()

    def advance(self, seconds: float) -> None:
        """Let what was sent arrive, then move time and let its timers run."""
        self.settle()
        self.reactor.advance(seconds)
        self.settle()

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()
        self.reactor.close()
