#!/usr/bin/env python3
"""An echo server: every byte comes back. Try it with `nc 127.0.0.1 9000`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

from _cli import log_to_stderr, serve, server_parser

from protocols import Echo
from reactor import Reactor


def main() -> int:
    options = server_parser("Send every byte back.", 9000).parse_args()
    log_to_stderr()
    with Reactor() as reactor:
        return serve(reactor, lambda: reactor.listen_tcp(Echo, options.host, options.port))


if __name__ == "__main__":
    sys.exit(main())
