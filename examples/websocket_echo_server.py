#!/usr/bin/env python3
"""A WebSocket echo server, on any path: every message comes back. Try it with `new WebSocket("ws://127.0.0.1:9001/")`."""

from __future__ import annotations

import functools
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols.http.server import LIMITS, TIMEOUTS, Server
from protocols.metrics import listen_for_scrapes
from protocols.websocket import WebSocket, WebSocketRoute
from reactor import Listener, Reactor
from reactor.serving import add_log_option, add_metrics_option, count, listen, log_to_stderr, serve, server_parser

MAX_MESSAGE = 16 * 1024 * 1024  # bytes: what the suites that test echo servers send at most


class Echo(WebSocket):
    """What comes goes back."""

    def __init__(self, compression: bool, max_message: int) -> None:
        self.compression = compression
        self.max_message = max_message

    def text_received(self, text: str) -> None:
        self.send(text)

    def binary_received(self, data: bytes) -> None:
        self.send(data)


def main() -> int:
    parser = server_parser("Send every WebSocket message back.", 9001)
    parser.add_argument("--no-compression", action="store_true", help="do not agree to permessage-deflate")
    parser.add_argument("--max-message", type=count, default=MAX_MESSAGE, metavar="BYTES", help="%(default)s")
    add_metrics_option(parser)
    add_log_option(parser)
    options = parser.parse_args()
    log_to_stderr(options.log_level)
    with Reactor() as reactor:
        site = Server(reactor)
        echo = functools.partial(Echo, not options.no_compression, options.max_message)
        site.route("GET", "/*", WebSocketRoute(echo))
        bounds = {"limits": LIMITS, "timeouts": TIMEOUTS}
        begin = functools.partial(listen, reactor, site.connection, options.host, options.port, **bounds)
        return serve(reactor, begin, metrics=functools.partial(open_metrics, reactor, options.metrics))


def open_metrics(reactor: Reactor, port: int | None) -> Listener | None:
    return None if port is None else listen_for_scrapes(reactor, port)


if __name__ == "__main__":
    sys.exit(main())
