"""Interrupts a poll from another thread or from a signal. Knows no queue: it only makes the poller return."""

from __future__ import annotations

import socket


class Wakeup:
    """A connected pair of sockets, which it owns: a byte written to one end makes the other readable.

    A socket pair rather than a pipe or an eventfd, because `signal.set_wakeup_fd` writes single bytes and on Windows
    only to a socket.
    """

    def __init__(self, receiver: socket.socket, sender: socket.socket) -> None:
        self._receiver, self._sender = receiver, sender
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self.under_way = False  # a byte of ours is on its way, and nobody has looked yet: `wake` would do nothing
        self.taken = 0  # times that the poll returned for us

    def fileno(self) -> int:
        """The descriptor to poll for reading."""
        return self._receiver.fileno()

    def signal_fileno(self) -> int:
        """The descriptor for `signal.set_wakeup_fd`."""
        return self._sender.fileno()

    def wake(self) -> None:
        """Make the poll return. From any thread, and from a signal handler.

        A burst costs one send: until the loop has looked, the byte of the first call speaks for those after it. Whoever
        calls has put down its work before; the loop takes the flag back before it looks at the work, so that a call
        either sees the flag taken back and sends, or has its work seen.
        """
        if self.under_way:
            return
        self.under_way = True
        try:
            self._sender.send(b"\0")
        except OSError:
            pass  # full: a wake-up is already under way; closed: nobody is left to wake

    def _on_ready(self, events: int) -> None:
        """Take the bytes; called by the loop."""
        self.taken += 1
        try:
            self._receiver.recv(4096)
        except BlockingIOError:
            pass  # spurious
        self.under_way = False  # behind the receive, which would take the byte of who saw the flag before it

    def close(self) -> None:
        self._receiver.close()
        self._sender.close()
