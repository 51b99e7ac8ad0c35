"""One thread per connection: listening, starting threads, leaving cleanly. Knows no wire; handlers bring one.

What the two baselines `threaded_echo.py` and `threaded_chat.py` share, so that each of them shows only its service.
"""

import contextlib
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable

from runs.arguments import server_parser

LEAVE = {signal.SIGINT, signal.SIGTERM}
BACKLOG = 1024  # a thousand clients dial at once; the kernel caps it at net.core.somaxconn
SEND_TIMEOUT = 5  # seconds; a peer that stops reading must not hold the thread that writes to it for ever
CLOSE_GRACE = 5.0  # threads that have not ended by then are daemons and die with the process
RETRY_ACCEPT = 0.1  # out of descriptors: wait for somebody to leave instead of spinning


class ThreadServer:
    """Accepts on one thread and runs `handle(sock)` on a thread of its own for every connection."""

    def __init__(self, handle: Callable[[socket.socket], None], host: str, port: int) -> None:
        self.handle = handle
        self.listener = socket.create_server((host, port), backlog=BACKLOG)
        self.threads: dict[socket.socket, threading.Thread] = {}
        self.lock = threading.Lock()

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        # Blocked before any thread starts, so every thread inherits it and only sigwait() ever sees the signal:
        # no exception can strike between two lines, and an idle server sleeps without a timeout.
        signal.pthread_sigmask(signal.SIG_BLOCK, LEAVE)
        threading.Thread(target=self._accept, daemon=True).start()
        host, port = self.listener.getsockname()[:2]
        print(f"listening on {host}:{port}", flush=True)
        signal.sigwait(LEAVE)
        self.close()

    def close(self) -> None:
        """Hang up on everybody and wait for the threads, within the grace."""
        with contextlib.suppress(OSError):  # some systems refuse to shut down a listener
            self.listener.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + CLOSE_GRACE
        with self.lock:
            threads = list(self.threads.items())
        for sock, _ in threads:
            hang_up(sock)
        for _, thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except ConnectionAbortedError:
                continue
            except OSError:
                if self.listener.fileno() < 0:
                    return
                time.sleep(RETRY_ACCEPT)
                continue
            self._start(sock)

    def _start(self, sock: socket.socket) -> None:
        prepare(sock)
        thread = threading.Thread(target=self._run, args=(sock,), daemon=True)
        with self.lock:
            self.threads[sock] = thread
        try:
            thread.start()
        except RuntimeError as error:  # the system's limit of threads
            print(f"connection refused: {error}", file=sys.stderr)
            self._forget(sock)

    def _run(self, sock: socket.socket) -> None:
        try:
            self.handle(sock)
        except OSError:
            pass  # the peer is gone; only its own thread ends
        finally:
            self._forget(sock)

    def _forget(self, sock: socket.socket) -> None:
        with self.lock:
            del self.threads[sock]
        sock.close()


def prepare(sock: socket.socket) -> None:
    """Set what a dead or stalled peer needs: keepalive probes, and a limit on how long one send may block."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Not settimeout(): that would also end a connection that is merely silent.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT, 0))


def hang_up(sock: socket.socket) -> None:
    """End the connection from any thread: the one that reads from it sees the end and closes it."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def main(handle: Callable[[socket.socket], None], description: str, default_port: int) -> int:
    """Run one baseline from its command line."""
    parser = server_parser(description, default_port)
    parser.add_argument("--silent", action="store_true", help="chat: nobody's joining or leaving is announced")
    options = parser.parse_args()
    try:
        server = ThreadServer(handle, options.host, options.port)
    except (OSError, OverflowError) as error:
        print(f"cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
        return 1
    server.run()
    return 0
