"""The command line of a server of files: `python -m protocols.http.server`."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Sequence
from typing import Any

from reactor import Listener, Reactor
from reactor.serving import (
    Parser,
    add_log_option,
    add_metrics_option,
    add_tls_options,
    host_name,
    in_words,
    listen,
    log_to_stderr,
    port_number,
    raise_descriptor_limit,
    serve,
    server_parser,
    tls_context,
    warn_if_root,
)

from .demo import add_demo
from .files import Files
from .limits import LIMITS, TIMEOUTS
from .request import Request
from .server import Server

DESCRIPTORS = 2 * (LIMITS.connections or 0) + 100  # a connection, the file that is sent on it, and what Python has open

INDEX = ("index.html", "index.htm")  # as `http.server` has them

Metrics = Callable[[Reactor, int], Listener]
"""Listens for scrapes of this reactor on a port."""

access = logging.getLogger("http.access")


def parser() -> Parser:
    parser = server_parser("Serve the files of a directory over HTTP.", 8000)
    _add_spellings(parser)
    parser.add_argument("-d", "--root", "--directory", default=".", metavar="DIR", help="the directory (this one)")
    add_tls_options(parser)
    parser.add_argument("--no-listing", action="store_true", help="directories without an index.html are not shown")
    parser.add_argument("--access-log", action="store_true", help="one line on stderr for each request")
    parser.add_argument("--demo", action="store_true", help="also answer POST /echo, GET /stream and GET /slow")
    add_metrics_option(parser)
    add_log_option(parser)
    return parser


def _add_spellings(parser: Parser) -> None:
    """The port and the address as `python -m http.server` takes them: people's fingers know it."""
    parser.add_argument("bare_port", nargs="?", type=port_number, metavar="PORT", help="as --port")
    parser.add_argument(
        "-b", "--bind", dest="host", type=host_name, metavar="HOST", default=argparse.SUPPRESS, help="as --host"
    )


def main(arguments: Sequence[str] | None = None, metrics: Metrics | None = None) -> int:
    """Serve until a signal comes. Gives the exit status; a root or a certificate that cannot be used is status 2."""
    options = (asked := parser()).parse_args(arguments)
    port = options.port if options.bare_port is None else options.bare_port
    try:
        files = Files(options.root, follow=True, listing=not options.no_listing, index=INDEX)
        tls = tls_context(options.tls_cert, options.tls_key)
    except (OSError, ValueError) as error:
        asked.error(in_words(error))
    log_to_stderr(options.log_level)
    raise_descriptor_limit(DESCRIPTORS)
    with Reactor() as reactor:
        site = Server(reactor)
        site.mount("/", files)
        if options.demo:
            add_demo(site)
        if options.access_log:
            access.setLevel(logging.INFO)
            site.on_answer = log_access

        def open_listeners() -> list[Listener]:
            bounds: dict[str, Any] = {"tls": tls, "limits": LIMITS, "timeouts": TIMEOUTS}
            listeners = listen(reactor, site.connection, options.host, port, **bounds)
            warn_if_root(listeners)
            return listeners

        def open_metrics() -> Listener | None:
            return None if options.metrics is None or metrics is None else metrics(reactor, options.metrics)

        return serve(reactor, open_listeners, metrics=open_metrics)


def log_access(request: Request, status: int) -> None:
    """Who asked for what, and what came of it. A target has no blanks and no control characters."""
    host = request.peer[0] if isinstance(request.peer, tuple) else "-"
    access.info('%s "%s %s HTTP/%s" %d', host, request.method, request.target, request.version, status)
