#!/usr/bin/env python3
"""Serve the files of a directory over HTTP. Try it with `curl -i http://127.0.0.1:8000/`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

from _kit.cli import (
    in_words,
    listen,
    log_to_stderr,
    raise_descriptor_limit,
    serve,
    server_parser,
    server_tls,
    warn_if_root,
)
from _kit.view import add_metrics_option
from protocols.http.server import LIMITS, TIMEOUTS, Files, Server
from protocols.http.server.demo import add_demo
from reactor import Listener, Reactor

DESCRIPTORS = 2 * 10_000  # a connection and the file that is sent on it


def main() -> int:
    parser = server_parser("Serve the files of a directory.", 8000)
    parser.add_argument("--root", default=".", metavar="DIR", help="the directory (this one)")
    parser.add_argument("--tls-cert", metavar="FILE", help="certificate chain (PEM): serve https")
    parser.add_argument("--tls-key", metavar="FILE", help="private key (PEM), if it is not in the certificate's file")
    parser.add_argument("--demo", action="store_true", help="also answer POST /echo, GET /stream and GET /slow")
    add_metrics_option(parser)
    options = parser.parse_args()
    try:
        files = Files(options.root, follow=True)
        tls = server_tls(options)
    except (OSError, ValueError) as error:
        parser.error(in_words(error))
    log_to_stderr()
    raise_descriptor_limit(DESCRIPTORS)
    with Reactor() as reactor:
        site = Server(reactor)
        site.mount("/", files)
        if options.demo:
            add_demo(site)

        def open_listeners() -> list[Listener]:
            listeners = listen(reactor, site.connection, options, tls=tls, limits=LIMITS, timeouts=TIMEOUTS)
            warn_if_root(listeners)
            return listeners

        return serve(reactor, open_listeners, options.metrics)


if __name__ == "__main__":
    sys.exit(main())
