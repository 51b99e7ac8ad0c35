"""The options of the examples' command lines, for `reactor.serving`'s functions."""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Callable
from typing import Any

from reactor import Listener, Reactor, Supervisor, Worker, serving
from reactor.serving import (  # noqa: F401 - what the programs take from here
    Parser,
    address,
    complain,
    count,
    in_words,
    log_to_stderr,
    port_number,
    program,
    raise_descriptor_limit,
    rate,
    say,
    server_parser,
    warn_if_root,
)

from .view import listen_for_scrapes


def listen(reactor: Reactor, factory: Callable[[], Any], options: argparse.Namespace, **bounds: Any) -> list[Listener]:
    return serving.listen(reactor, factory, options.host, options.port, **bounds)


def server_tls(options: argparse.Namespace, context: ssl.SSLContext | None = None) -> ssl.SSLContext | None:
    return serving.tls_context(options.tls_cert, options.tls_key, context)


def serve(reactor: Reactor, open_places: Callable[[], Any], metrics: int | None = None) -> int:
    return serving.serve(reactor, open_places, metrics=lambda: listen_for_scrapes(reactor, metrics))


def supervise(
    reactor: Reactor, work: Callable[[Worker], None], options: argparse.Namespace, patience: float = 10.0
) -> Supervisor | None:
    return serving.supervise(reactor, work, options.workers, options.host, options.port, patience=patience)
