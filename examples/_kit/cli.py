"""What the examples share: the command line, the line that says where a server listens, one line for what is wrong."""

from __future__ import annotations

import argparse
import functools
import ipaddress
import logging
import os
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from reactor import (
    DatagramTransport,
    Listener,
    Reactor,
    ReactorError,
    Supervisor,
    Worker,
    activated_sockets,
    prefork_sockets,
    say_ready,
)

from .view import dump_on_signal, dump_workers_on_signal, listen_for_scrapes, port_number

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

log = logging.getLogger("examples")

PATIENCE = 10.0  # seconds for workers to end, twice what a drain gives
USAGE_ERROR = 2

Place = Listener | DatagramTransport


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage around it."""

    def __init__(self, description: str) -> None:
        super().__init__(description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        complain(f"{self.prog}: {' '.join(message.split())} (--help lists the options)")
        sys.exit(USAGE_ERROR)


def server_parser(description: str, port: int) -> Parser:
    """A parser with what every server takes."""
    parser = Parser(description)
    parser.add_argument("--host", default="127.0.0.1", help="address or name to listen on (%(default)s)")
    parser.add_argument("--port", type=port_number, default=port, help="0 takes any free one (%(default)s)")
    return parser


def count(text: str) -> int:
    """A number of things; 0 is often none or no limit."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"must not be negative: {text}")
    return number


def rate(text: str) -> float:
    """A number a second."""
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number from 0 up, not {text}")
    return number


def listen(reactor: Reactor, factory: Callable[[], Any], options: argparse.Namespace, **bounds: Any) -> list[Listener]:
    """Listen on the sockets that this program was started with (socket activation, a hand-over), else on --host."""
    if sockets := given_sockets():
        return [reactor.listen_socket(factory, sock, **bounds) for sock in sockets]
    return [reactor.listen_tcp(factory, options.host, options.port, **bounds)]


def given_sockets() -> list[socket.socket]:
    """The sockets that this program was started with, whatever their names."""
    return [sock for group in activated_sockets().values() for sock in group]


def server_tls(options: argparse.Namespace, context: ssl.SSLContext | None = None) -> ssl.SSLContext | None:
    """The context of --tls-cert and --tls-key, None without them; one that is given takes the files as they are now.

    Raises OSError (ssl.SSLError is one) and ValueError with a message that names the file.
    """
    if not options.tls_cert:
        if options.tls_key:
            raise ValueError("--tls-key needs --tls-cert")
        return None
    context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for path in filter(None, (options.tls_cert, options.tls_key)):
        Path(path).open("rb").close()  # the error of load_cert_chain does not say which file it is about
    try:
        context.load_cert_chain(options.tls_cert, options.tls_key, password=_no_password)
    except ssl.SSLError as error:
        reason = error.reason.replace("_", " ").lower() if error.reason else "no certificate and key in PEM form"
        raise ValueError(f"cannot serve TLS with {options.tls_cert}: {reason}") from None
    return context


def program() -> str:
    """What this program is called in a complaint."""
    return Path(sys.argv[0]).name


def in_words(error: Exception) -> str:
    """What is wrong, without numbers: `FILE: No such file or directory`."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error)


def _no_password() -> str:
    raise ValueError("the key is encrypted: a server that starts by itself needs one without a password")


def raise_descriptor_limit(wanted: int) -> None:
    """Let this process have `wanted` descriptors if it may: many systems give 1024 until a program asks for more."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        log.info("connections are limited by the %d descriptors that this process may have", hard)
        wanted = hard
    if soft != resource.RLIM_INFINITY and wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def warn_if_root(listeners: list[Listener]) -> None:
    """Root at the reach of everybody: a fault would cost the machine."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        for host in {name[0] for listener in listeners for name in listener.addresses if isinstance(name, tuple)}:
            if not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
                log.warning("running as root on %s, where others can connect: a user of its own is safer", host)
                return


def serve(reactor: Reactor, listen: Callable[[], Place | list[Listener]], metrics: int | None = None) -> int:
    """Listen, say where, and run until Ctrl-C or SIGTERM. Gives the exit status. metrics: a port to be scraped on."""
    try:
        opened = listen()
        scraped = listen_for_scrapes(reactor, metrics)
    except (OSError, ReactorError) as error:
        complain(f"{program()}: {in_words(error)}")
        return 1
    places = opened if isinstance(opened, list) else [opened]
    # From inside the loop: whoever reads the line may send a signal at once, and only `run` takes signals.
    reactor.call_soon(announce, [where(place) for place in places])
    if scraped is not None:
        reactor.call_soon(say, f"metrics on http://127.0.0.1:{scraped.port}/metrics")
    dump_on_signal(reactor)
    reactor.run()
    return 0


def where(place: Place) -> Any:
    """The first address of what was opened."""
    return place.addresses[0] if isinstance(place, Listener) else place.get_extra_info("sockname")


def supervise(
    reactor: Reactor, work: Callable[[Worker], None], options: argparse.Namespace, patience: float = PATIENCE
) -> Supervisor | None:
    """The supervisor of --workers processes that run `work`; None, and a line that says why, if there can be none."""
    try:
        sockets = given_sockets() or prefork_sockets(options.host, options.port, options.workers)
        on_ready = functools.partial(announce, [sockets[0].getsockname()])
        supervisor = Supervisor(reactor, work, options.workers, sockets, on_ready=on_ready, patience=patience)
        dump_workers_on_signal(reactor, supervisor)
        return supervisor
    except (OSError, ReactorError) as error:
        complain(f"{program()}: {in_words(error)}")
        return None


def announce(addresses: list[Any]) -> None:
    """Say where this program accepts: to the user, and to whoever started it and waits for that."""
    for name in addresses:
        say(f"listening on {address(name)}")
    say_ready()


def address(sockname: Any) -> str:
    """`HOST:PORT`; an IPv6 address stands in brackets. The path of a Unix socket."""
    if not isinstance(sockname, tuple):
        return os.fsdecode(sockname)
    host, port = sockname[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def log_to_stderr(level: str = "WARNING") -> None:
    """Log lines go to stderr, so that stdout holds what the program has to say."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def say(text: str) -> None:
    """One line on stdout, at once. A stdout that is closed or broken is no reason not to serve."""
    try:
        print(text, flush=True)
    except OSError:
        pass


def complain(text: str) -> None:
    """One line on stderr. One that is full or closed changes nothing: the status says it too."""
    if sys.stderr is not None:  # else print() would take stdout
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)
