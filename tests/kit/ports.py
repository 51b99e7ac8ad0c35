"""Ports for programs that must be told one: the kernel gives them, and they are held as long as they are used."""

from __future__ import annotations

import socket
from typing import Any


class HeldPort:
    """A port on which nobody listens, and which the kernel gives to nobody else: it is bound all the time.

    A program that sets SO_REUSEADDR, as servers do, may listen on it at any time, and again after its end.
    """

    def __init__(self, number: int = 0) -> None:
        self._sock = socket.socket()
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._sock.bind(("", number))  # of every address: a connection of others may have the number on its own
        except OSError:
            self._sock.close()
            raise
        self.number: int = self._sock.getsockname()[1]

    def listen(self) -> None:
        """Listen after all: the port is taken."""
        self._sock.listen()

    def __enter__(self) -> int:
        return self.number

    def __exit__(self, *exc_info: Any) -> None:
        self.close()

    def close(self) -> None:
        self._sock.close()


def refuses_datagrams() -> socket.socket:
    """A UDP socket whose number refuses all: it is connected to itself, and hears nobody else.

    Who asks for the port with SO_REUSEPORT may have it meanwhile.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", 0))
    sock.connect(sock.getsockname())
    return sock
