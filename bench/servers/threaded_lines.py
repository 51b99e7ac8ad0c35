#!/usr/bin/env python3
"""A reply to every line with one thread per connection: the tutorials' way, made correct."""

import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the folder bench/

from servers.threaded import main

LONGEST_LINE = 8192  # bytes; memory stays bounded whatever a peer sends


def answer(sock: socket.socket) -> None:
    """Answer each line X with `Hello, X!` until the peer has finished or a line is too long."""
    with sock.makefile("rb") as lines:
        while (line := lines.readline(LONGEST_LINE)) and (line.endswith(b"\n") or len(line) < LONGEST_LINE):
            sock.sendall(b"Hello, %b!\n" % line.removesuffix(b"\n"))


if __name__ == "__main__":
    sys.exit(main(answer, "A reply to every line, one thread per connection.", default_port=9001))
