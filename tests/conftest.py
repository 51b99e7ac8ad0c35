"""What every test has: a stepped reactor that must be left clean, and no warning or error that it did not expect."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import struct
import sys
import tempfile

import pytest

from reactor.testing import SteppedReactor

os.environ.setdefault("REACTOR_WATCHDOG", "10")  # seconds: a loaded machine stalls programs that are at no fault


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
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # Nagle would hold what no moved time lets go
        sock.connect(("127.0.0.1", listener.port))
        self.reactor.settle()
        return sock

    def connect(self, protocol, *, receive_buffer=None, **options):
        """A raw socket and the transport that serves it with `protocol`."""
        listener = self.serve(lambda: protocol, **options)
        sock = self.dial(listener, receive_buffer=receive_buffer)
        listener.close()
        return sock, protocol.transport

    def clog(self, transport):
        """Write until the kernel takes no more and `transport` is above its watermark; the number of bytes written."""
        written, high = 0, transport.get_write_buffer_limits()[1]
        while transport.get_write_buffer_size() <= high and not transport.is_closing():
            while transport.get_write_buffer_size() <= high and not transport.is_closing():
                transport.write(bytes(1 << 19))
                written += 1 << 19
            self.reactor.settle()  # the kernel may find more room: its buffers grow
        return written

    def reset(self, sock):
        """Close `sock` so that its peer sees a reset instead of an end."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        self.reactor.settle()

    def own(self, sock):
        """Close `sock` at the end of the test."""
        self._sockets.append(sock)
        return sock

    def received(self, sock):
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

    def close(self):
        for sock in self._sockets:
            sock.close()
        self.reactor.close()


def pytest_addoption(parser):
    """How long the long tests are; the defaults keep the run under two minutes."""
    parser.addoption("--soak", type=int, default=100, metavar="N", help="connections of each kind in the soak (100)")
    parser.addoption("--seeds", type=int, default=25, metavar="N", help="simulated runs of each scenario (25)")
    parser.addoption("--all-carriers", action="store_true", help="conformance on those too that are much like others")
    parser.addoption("--seed", type=int, metavar="N", help="the one simulated run to play again")


def pytest_configure(config):
    """Let the some two hundred programs that tests start take Ctrl-C, and compile a module once, not each all of them.

    The second is what Python does by itself, unless PYTHONDONTWRITEBYTECODE is set: 0.3 s a program then. Whoever has
    set it wants no files beside the sources, so what is compiled is kept elsewhere, for this run only.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a script's background job: all it starts would too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.dont_write_bytecode:
        directory = tempfile.TemporaryDirectory(prefix="bytecode")
        config.add_cleanup(directory.cleanup)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = directory.name


def pytest_collection_finish():
    """Leave out of each test's gc.collect() what all tests share: 40 ms a test become 2."""
    gc.collect()
    gc.freeze()


def pytest_runtest_logfinish():
    """What lives on after a test is pytest's own: it is not looked at again after each of thousands of tests.

    Not before the test is torn down altogether: what dies after it was frozen is never collected, and with all stages
    kept the run took 850 MB, which each child that a test forks pays for.
    """
    gc.collect()
    gc.freeze()


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
