#!/usr/bin/env python3
"""An echo server with one thread per connection: the tutorials' way, made correct."""

import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the folder bench/

from servers.threaded import main

RECEIVE = 65536  # bytes; more in one call than the reactor needs, so that the baseline is not held back by its reads


def echo(sock: socket.socket) -> None:
    """Send back what arrives until the peer has finished."""
    while data := sock.recv(RECEIVE):
        sock.sendall(data)


if __name__ == "__main__":
    sys.exit(main(echo, "Echo, one thread per connection.", default_port=9000))
