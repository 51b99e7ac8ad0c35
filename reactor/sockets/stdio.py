"""Standard input and output as one carrier. Two threads move the bytes; the loop sees an ordinary socket.

Why threads: descriptor 0 may be a terminal, a pipe, a socket, a file, /dev/null or closed. epoll refuses files, and
O_NONBLOCK would be set for everybody who shares the descriptor, the parent shell first of all. A thread may block,
so it handles every kind alike and leaves the descriptor as it was.
"""

from __future__ import annotations

import atexit
import errno
import os
import selectors
import socket
import sys
import threading
import time
from typing import IO, Any

from ..boundary import log

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})  # output is lost, and nobody hung up
CHUNK = 64 * 1024  # bytes moved at once
BACKGROUND_PAUSE = 0.5  # seconds between looks whether a background job has come to the foreground

EXIT_GRACE = 5.0  # seconds for which an exit waits until what was written is on stdout; a stalled one is given up

# Not epoll, which refuses files; macOS cannot poll(2) a terminal.
_Selector = selectors.PollSelector if sys.platform == "linux" else selectors.SelectSelector


def descriptor(stream: IO[Any] | None) -> int | None:
    """The descriptor of a standard stream; None if it was closed at start, or is no real file (a test's, say).

    A closed descriptor 0 must not be read by its number: the next socket opened is given that number.
    """
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None


class StdioSocket:
    """The loop's end of a socket pair; the other end is fed from `stdin` and emptied to `stdout` (None: closed).

    EOF on stdin is EOF here. `shutdown` ends both ways: EOF follows once everything written is on stdout.
    keep_input: a stdout that fails does not end stdin, see `Reactor.open_stdio`.
    """

    def __init__(self, stdin: int | None, stdout: int | None, *, keep_input: bool = False) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(True)  # whatever socket.setdefaulttimeout says
        self.recv, self.recv_into, self.send = ours.recv, ours.recv_into, ours.send
        self.shutdown, self.close, self.fileno = ours.shutdown, ours.close, ours.fileno
        self._info: dict[str, Any] = {"stdin": stdin, "stdout": stdout}
        Pump(stdin, stdout, theirs, keep_input, self._info)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`stdin` and `stdout`: their descriptors, or None. `stdout_error`: the OSError with which stdout was lost."""
        return self._info.get(name, default)


def standard_streams(*, keep_input: bool = False) -> StdioSocket:
    """Standard input and output, as far as this process has them, as one carrier."""
    stdin, stdout = descriptor(sys.stdin), descriptor(sys.stdout)
    if stdout is not None:
        sys.stdout.flush()  # what was printed before comes first
    return StdioSocket(stdin, stdout, keep_input=keep_input)


class Pump:
    """The threads. They are daemons: a read that never returns must not hold back the exit of the program."""

    def __init__(
        self, stdin: int | None, stdout: int | None, sock: socket.socket, keep_input: bool, info: dict[str, Any]
    ) -> None:
        self._info = info  # for the loop
        self._sock = sock
        self._keep_input = keep_input
        self._lost = False  # stdout has failed, and what is written goes nowhere
        self._stopped, self._stop = os.pipe()
        self._reader = threading.Thread(target=self._read, args=(stdin,), name="reactor-stdin", daemon=True)
        self._writer = threading.Thread(target=self._write, args=(stdout,), name="reactor-stdout", daemon=True)
        self._reader.start()
        self._writer.start()
        atexit.register(self._writer.join, EXIT_GRACE)

    def _read(self, stdin: int | None) -> None:
        with _Selector() as selector:
            try:
                if stdin is not None:
                    selector.register(stdin, selectors.EVENT_READ)
                    selector.register(self._stopped, selectors.EVENT_READ)
                    while data := self._next_input(selector, stdin):
                        self._sock.sendall(data)
            except (OSError, ValueError):
                pass  # stdin cannot be read any more, or the loop has closed its end: no more input either way
        _shutdown(self._sock, socket.SHUT_WR)

    def _next_input(self, selector: selectors.BaseSelector, stdin: int) -> bytes:
        while True:
            if any(key.fd == self._stopped for key, _ in selector.select()):
                return b""
            if not _in_background(stdin):
                try:
                    return os.read(stdin, CHUNK)
                except BlockingIOError:
                    continue  # another process has taken it
            time.sleep(BACKGROUND_PAUSE)  # reading now would stop the whole program with SIGTTIN

    def _write(self, stdout: int | None) -> None:
        try:
            while data := self._sock.recv(CHUNK):
                if stdout is not None:  # closed at start: what is written goes nowhere
                    self._put(stdout, data)
        except OSError as exc:  # the loop learns it from its next write, if it makes one, else it may ask
            self._info["stdout_error"] = exc
            if exc.errno in FULL:
                log.warning("cannot write to standard output: %s", exc.strerror)
        _shutdown(self._sock, socket.SHUT_RD)
        os.close(self._stop)
        self._reader.join()
        os.close(self._stopped)
        self._sock.close()
        atexit.unregister(self._writer.join)

    def _put(self, stdout: int, data: bytes) -> None:
        try:
            while data:
                data = data[_write_some(stdout, data) :]
        except OSError as exc:
            if not self._keep_input:
                raise
            if not self._lost:
                log.warning("standard output is lost, what is written there is dropped: %s", exc.strerror)
            self._lost = True
        else:
            if self._lost:
                log.warning("standard output can be written again")
            self._lost = False


def _write_some(fd: int, data: bytes) -> int:
    """As os.write, and waits for room where a parent has set O_NONBLOCK for all who share the file."""
    try:
        return os.write(fd, data)
    except BlockingIOError:
        with _Selector() as selector:
            selector.register(fd, selectors.EVENT_WRITE)
            selector.select()
        return 0


def _in_background(fd: int) -> bool:
    try:
        return os.isatty(fd) and os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:
        return False  # not our controlling terminal: no job control


def _shutdown(sock: socket.socket, how: int) -> None:
    try:
        sock.shutdown(how)
    except OSError:
        pass
