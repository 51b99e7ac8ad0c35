#!/usr/bin/env python3
"""An echo server: every byte comes back. Try it with `nc 127.0.0.1 9000`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

from _kit.cli import count, listen, log_to_stderr, serve, server_parser, supervise
from _kit.view import add_metrics_option, dump_on_signal
from protocols import Echo
from reactor import Reactor, Worker


def work(worker: Worker) -> None:
    """What each of several processes does: a reactor of its own, on the sockets that it is given."""
    with Reactor() as reactor:
        dump_on_signal(reactor)
        for sock in worker.sockets:
            reactor.listen_socket(Echo, sock)
        worker.run(reactor)


def main() -> int:
    parser = server_parser("Send every byte back.", 9000)
    parser.add_argument("--workers", type=count, default=0, metavar="N", help="processes that share the port (none)")
    add_metrics_option(parser)
    options = parser.parse_args()
    if options.workers and options.metrics is not None:
        parser.error("--metrics is of one process: with --workers each scrape would tell of another")
    log_to_stderr()
    with Reactor() as reactor:
        if not options.workers:
            return serve(reactor, lambda: listen(reactor, Echo, options), options.metrics)
        supervisor = supervise(reactor, work, options)
        return supervisor.run() if supervisor else 1


if __name__ == "__main__":
    sys.exit(main())
