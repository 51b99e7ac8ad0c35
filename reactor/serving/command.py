"""A whole server from one function that makes its protocols."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..boundary import log
from ..endpoints.listener import Listener
from ..limits import Limits, Timeouts
from ..reactor import Reactor
from .machine import raise_descriptor_limit, warn_if_root
from .options import LAST_PORT, add_log_option, add_metrics_option, add_tls_options, add_workers_option, server_parser
from .output import complain, in_words, log_to_stderr, program
from .server import announce_metrics, listen, serve, supervise
from .signals import dump_on_signal, on_hangup
from .tls import tls_context

if TYPE_CHECKING:
    import ssl

    from ..processes.worker import Worker

DESCRIPTORS = 16_384  # connections and some more: where the machine allows so many, 1024 would be the bound

Make = Callable[[Reactor], Callable[[], Any]]
"""Makes the factory of a reactor's protocols. What all its connections share is made here, once a process."""

Scrape = Callable[..., Any]
METRICS_HOST = "127.0.0.1"  # a scrape needs no password
METRICS_LIMITS = Limits(connections=16, output=1 << 20)  # a scraper is one, two are spare; an answer has 5 KB
METRICS_TIMEOUTS = Timeouts(idle=10.0, write=10.0, close=5.0)  # seconds: Prometheus gives up after ten


def run(
    make: Make,
    *,
    port: int,
    description: str = "A server.",
    limits: Limits | None = None,
    timeouts: Timeouts | None = None,
    metrics: Scrape | None = None,
    arguments: Sequence[str] | None = None,
) -> int:
    """Serve `make(reactor)` as the command line says, until Ctrl-C or SIGTERM. Gives the exit status.

    make: called once in each process with its reactor; gives the factory for `listen_tcp`: a class, or a function.
        With --workers each process has what `make` makes for it, and knows nothing of the others'.
    port: where to listen without --port.
    metrics: makes the protocol that answers a scrape, as `protocols.metrics.Metrics` does. There is an option --metrics
        then; with --workers, worker N is asked on PORT + N, and `labels={"worker": "N"}` is passed as well. It is
        called once before anybody is served, so that what it loads holds up nobody.
    arguments: instead of the program's own.

    SIGHUP takes new files of --tls-cert and --tls-key over; SIGUSR1 shows a dump on stderr. A wrong option is one line
    and the status 2, an address in use one line and the status 1.
    """
    if isinstance(make, type) and hasattr(make, "connection_made"):
        raise TypeError(_wanted(make.__qualname__, "the protocol itself"))
    options = _parse(description, port, metrics, arguments)
    log_to_stderr(options.log_level)
    raise_descriptor_limit(DESCRIPTORS)
    served = _Served(make, metrics, options, {"limits": limits, "timeouts": timeouts, "tls": options.context})
    with Reactor() as reactor:
        return served.by_workers(reactor) if options.workers else served.alone(reactor)


def _wanted(name: str, given: str) -> str:
    """What is wrong with a `make` that makes no factory."""
    return f"run() takes make(reactor), which gives the factory of the protocols, not {given}: lambda reactor: {name}"


def _parse(description: str, port: int, metrics: Scrape | None, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = server_parser(description, port)
    add_tls_options(parser)
    add_workers_option(parser)
    if metrics is not None:
        add_metrics_option(parser)
    add_log_option(parser)
    options = parser.parse_args(arguments)
    if metrics is not None and (options.metrics or 0) + options.workers > LAST_PORT + 1:
        parser.error(f"--metrics {options.metrics} leaves no port for the last of {options.workers} workers")
    try:
        options.context = tls_context(options.tls_cert, options.tls_key)
    except (OSError, ValueError) as error:
        parser.error(in_words(error))
    return options


class _Served:
    """What the command line asked for, in this process or in a worker's."""

    def __init__(self, make: Make, metrics: Scrape | None, options: argparse.Namespace, bounds: dict[str, Any]) -> None:
        self._make = make
        self._metrics = metrics
        self._options = options
        self._bounds = bounds

    def _factory(self, reactor: Reactor) -> Callable[[], Any]:
        factory = self._make(reactor)
        if not callable(factory):
            raise TypeError(_wanted("Player", f"a function that gives {factory!r}"))
        return factory

    def alone(self, reactor: Reactor) -> int:
        """In this process."""

        def open_places() -> list[Listener]:
            options = self._options
            listeners = listen(reactor, self._factory(reactor), options.host, options.port, **self._bounds)
            warn_if_root(listeners)
            on_hangup(reactor, self._reload)
            return listeners

        return serve(reactor, open_places, metrics=lambda: self._open_metrics(reactor))

    def by_workers(self, reactor: Reactor) -> int:
        """In several. What no worker could open is one line here, instead of a traceback of each."""
        from ..processes.prefork import refuse_taken

        options = self._options
        try:
            for number in range(options.workers):
                if port := self._metrics_port(number):
                    refuse_taken(METRICS_HOST, port)
        except OSError as error:
            complain(f"{program()}: {in_words(error)}")
            return 1
        supervisor = supervise(reactor, self._work, options.workers, options.host, options.port)
        return supervisor.run() if supervisor else 1

    def _work(self, worker: Worker) -> None:
        """What each of several processes does: a reactor of its own, on the sockets that it is given."""
        with Reactor() as reactor:
            dump_on_signal(reactor)
            on_hangup(reactor, self._reload)
            factory = self._factory(reactor)
            for sock in worker.sockets:
                reactor.listen_socket(factory, sock, **self._bounds)
            if (scraped := self._open_metrics(reactor, worker.number)) is not None:
                reactor.call_soon(announce_metrics, scraped)
            worker.run(reactor)

    def _open_metrics(self, reactor: Reactor, worker: int | None = None) -> Listener | None:
        port = self._metrics_port(worker or 0)
        if self._metrics is None or port is None:
            return None
        labels = {} if worker is None else {"labels": {"worker": str(worker)}}
        scrape = functools.partial(self._metrics, reactor, **labels)
        scrape(), reactor.stats()  # once in vain: what they import would hold the loop at the first scrape, up to 1 s
        return reactor.listen_tcp(scrape, METRICS_HOST, port, limits=METRICS_LIMITS, timeouts=METRICS_TIMEOUTS)

    def _metrics_port(self, worker: int) -> int | None:
        """Where that worker is asked; 0 is any free one for each, and None is nowhere."""
        first: int | None = None if self._metrics is None else self._options.metrics
        return first + worker if first else first

    def _reload(self) -> None:
        context: ssl.SSLContext | None = self._options.context
        try:
            tls_context(self._options.tls_cert, self._options.tls_key, context)
            log.info("the certificate was read again")
        except (OSError, ValueError) as error:
            log.warning("not reloaded: %s", in_words(error))
