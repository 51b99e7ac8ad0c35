#!/usr/bin/env python3
"""An echo server that is replaced while it serves: `kill -USR2` starts the program anew, from its file as it is now.

The new process takes the sockets over, so that nobody is refused; the old one serves whom it has, and ends.
"""

from __future__ import annotations

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols import Echo
from reactor import Listener, Reactor, Worker, hand_over
from reactor.serving import add_workers_option, dump_on_signal, listen, log_to_stderr, serve, server_parser, supervise

GRACE = 60.0  # seconds that whoever talks to the old process has to finish


class PatientEcho(Echo):
    """Not closed by a drain: only the client knows when it has said all. The grace of the drain ends it at last."""

    def draining(self, grace: float) -> bool:
        return True


def work(worker: Worker) -> None:
    with Reactor() as reactor:
        dump_on_signal(reactor)
        for sock in worker.sockets:
            reactor.listen_socket(PatientEcho, sock)
        worker.run(reactor, grace=GRACE)


def main() -> int:
    parser = server_parser("Send every byte back; SIGUSR2 hands over to a new process.", 9000)
    add_workers_option(parser)
    options = parser.parse_args()
    log_to_stderr("INFO")
    with Reactor() as reactor:
        if options.workers:
            supervisor = supervise(reactor, work, options.workers, options.host, options.port, patience=GRACE + 5)
            if supervisor is None:
                return 1
            reactor.add_signal_handler(signal.SIGUSR2, hand_over(reactor, {"echo": supervisor}, supervisor.stop))
            return supervisor.run()

        def begin() -> list[Listener]:
            listeners = listen(reactor, PatientEcho, options.host, options.port)
            given = {"echo": listeners[0]}
            take_over = hand_over(reactor, given, lambda: reactor.drain(GRACE))
            reactor.add_signal_handler(signal.SIGUSR2, take_over)
            return listeners

        return serve(reactor, begin)


if __name__ == "__main__":
    sys.exit(main())
