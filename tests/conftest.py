"""What every test has: a stepped reactor that must be left clean, and no warning or error that it did not expect."""

from __future__ import annotations

import gc
import logging
import socket

import pytest

from reactor.testing import SteppedReactor


class Stage:
    """A stepped reactor, raw sockets as its peers, and what to close at the end."""

    def __init__(self) -> None:
        self.reactor = SteppedReactor()
        self._sockets: list[socket.socket] = []

    def serve(self, factory, **options):
        """A listener on loopback."""
        return self.reactor.listen_tcp(factory, "127.0.0.1", 0, **options)

    def dial(self, listener, *, receive_buffer=None):
        """A raw client socket connected to `listener`, which has accepted it."""
        sock = socket.socket()
        self._sockets.append(sock)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(10)
        sock.connect(("127.0.0.1", listener.port))
        self.reactor.settle()
        return sock

    def connect(self, protocol, **options):
        """A raw socket and the transport that serves it with `protocol`."""
        listener = self.serve(lambda: protocol, **options)
        sock = self.dial(listener)
        listener.close()
        return sock, protocol.transport

    def own(self, sock):
        """Close `sock` at the end of the test."""
        self._sockets.append(sock)
        return sock

    def received(self, sock):
        """All that `sock` has received so far: settles first, waits for nothing. Ends with b"" at EOF all the same."""
        self.reactor.settle()
        sock.setblocking(False)
        data = b""
        try:
            while part := sock.recv(1 << 20):
                data += part
                self.reactor.settle()
        except BlockingIOError:
            pass
        sock.settimeout(10)
        return data

    def close(self):
        for sock in self._sockets:
            sock.close()
        self.reactor.close()


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture(autouse=True)
def _quiet(caplog, request):
    """Fail on a log record of WARNING or above, unless the test has said `@pytest.mark.loud` or looked at caplog."""
    caplog.set_level(logging.DEBUG, logger="reactor")
    yield
    gc.collect()  # an unclosed socket warns now, in the test that left it
    if request.node.get_closest_marker("loud") is None:
        loud = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
        assert not loud, f"unexpected: {loud}"
