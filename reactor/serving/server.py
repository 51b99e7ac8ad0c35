"""Listening, saying where, and running until a signal. Knows no command line but for the addresses it is given."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ..endpoints.listener import Listener
from ..errors import ReactorError
from ..processes.activation import activated_sockets, say_ready
from ..reactor import Reactor
from .output import address, complain, in_words, program, say
from .signals import dump_on_signal, pass_on

if TYPE_CHECKING:
    from ..processes.prefork import Supervisor
    from ..processes.worker import Worker
    from ..transports.datagram import DatagramTransport

PATIENCE = 10.0  # seconds for workers to end, twice what a drain gives

Place: TypeAlias = "Listener | DatagramTransport"


def given_sockets() -> list[socket.socket]:
    """The sockets that this program was started with (socket activation, a hand-over), whatever their names."""
    return [sock for group in activated_sockets().values() for sock in group]


def listen(reactor: Reactor, factory: Callable[[], Any], host: str, port: int, **bounds: Any) -> list[Listener]:
    """Listen on the sockets that this program was started with, else on `host` and `port`.

    bounds: as for `Reactor.listen_tcp`: tls, limits, timeouts.
    """
    if sockets := given_sockets():
        return [reactor.listen_socket(factory, sock, **bounds) for sock in sockets]
    return [reactor.listen_tcp(factory, host, port, **bounds)]


def serve(
    reactor: Reactor,
    open_places: Callable[[], Place | list[Listener]],
    *,
    metrics: Callable[[], Listener | None] = lambda: None,
) -> int:
    """Open what is to be served, say where, and run until Ctrl-C or SIGTERM. Gives the exit status.

    open_places: listens, or binds. An error of it is one line on stderr and the status 1.
    metrics: the same for the metrics, which have a line of their own.
    SIGUSR1 shows a dump on stderr.
    """
    try:
        opened = open_places()
        scraped = metrics()
    except (OSError, ReactorError) as error:
        reactor.abort()  # what was opened before it failed: else the reactor says that nobody was served there
        complain(f"{program()}: {in_words(error)}")
        return 1
    places = opened if isinstance(opened, list) else [opened]
    # From inside the loop: whoever reads the line may send a signal at once, and only `run` takes signals.
    reactor.call_soon(announce, [_where(place) for place in places])
    if scraped is not None:
        reactor.call_soon(announce_metrics, scraped)
    dump_on_signal(reactor)
    reactor._termination.is_last = True
    reactor.run()
    return 0


def supervise(
    reactor: Reactor,
    work: Callable[[Worker], None],
    workers: int,
    host: str,
    port: int,
    *,
    patience: float = PATIENCE,
) -> Supervisor | None:
    """The supervisor of `workers` processes that run `work`; None, and a line that says why, if there can be none.

    Its `run()` gives the exit status. SIGUSR1 and SIGHUP are passed on to the workers.
    """
    from ..processes.prefork import Supervisor, prefork_sockets

    try:
        sockets = given_sockets() or prefork_sockets(host, port, workers)
        on_ready = functools.partial(announce, [sockets[0].getsockname()])
        supervisor = Supervisor(reactor, work, workers, sockets, on_ready=on_ready, patience=patience)
        reactor._termination.is_last = True
        pass_on(reactor, supervisor)
        return supervisor
    except (OSError, ReactorError) as error:
        complain(f"{program()}: {in_words(error)}")
        return None


def announce(addresses: list[Any]) -> None:
    """Say where this program accepts: to the user, and to whoever started it and waits for that."""
    for name in addresses:
        say(f"listening on {address(name)}")
    say_ready()


def announce_metrics(listener: Listener) -> None:
    """Say where metrics are to be had."""
    say(f"metrics on http://{address(listener.addresses[0])}/metrics")


def _where(place: Place) -> Any:
    """The first address of what was opened."""
    return place.addresses[0] if isinstance(place, Listener) else place.get_extra_info("sockname")
