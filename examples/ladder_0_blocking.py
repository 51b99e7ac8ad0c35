#!/usr/bin/env python3
"""Step 0: a server as one writes it first, and what is wrong with it. No reactor yet: plain sockets.

It serves one client after another. While it waits for the first one to type, it does not even accept the second. Try:
`nc 127.0.0.1 9010` from two terminals; the second one gets its answer when the first one leaves. With `--threads` each
has a thread: then both are served, and a thousand clients are a thousand threads. And `shared`, the sum of all, is
wrong now and then: two threads read it, both add, both write. `--race` shows that within a second.
"""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import time

shared = 0


def handle(sock: socket.socket) -> None:
    """Add up what one client says, until it leaves."""
    with sock, sock.makefile("rb") as lines:
        sock.sendall(b"numbers, please\n")
        for line in lines:  # the place where it waits
            if line.strip().isdigit():
                add(int(line))
            sock.sendall(b"in all %d\n" % shared)


def add(number: int) -> None:
    global shared
    before = shared
    time.sleep(0)  # what another thread does here is lost below
    shared = before + number


def race(threads: int = 8, times: int = 2000) -> str:
    """Many threads add 1 to the same number."""
    adders = [threading.Thread(target=lambda: [add(1) for _ in range(times)]) for _ in range(threads)]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()
    return f"{threads * times} times 1 was added, and the sum is {shared}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Add up numbers, one client after another.")
    parser.add_argument("--port", type=int, default=9010)
    parser.add_argument("--threads", action="store_true", help="a thread for each client")
    parser.add_argument("--race", action="store_true", help="show what threads do to a shared number, and leave")
    options = parser.parse_args()
    if options.race:
        print(race())
        return 0
    with socket.create_server(("127.0.0.1", options.port)) as server:
        print(f"listening on 127.0.0.1:{server.getsockname()[1]}", flush=True)
        while True:
            sock, _ = server.accept()
            if options.threads:
                threading.Thread(target=handle, args=(sock,), daemon=True).start()
            else:
                handle(sock)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
