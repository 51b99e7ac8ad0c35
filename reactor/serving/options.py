"""Command lines of servers: the options that they share, and one line for what is wrong with one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from ..diagnostics import asked
from .output import complain, program

N = TypeVar("N", int, float)

LAST_PORT = 65535
USAGE_ERROR = 2  # the exit status, as argparse's own
LEVELS = ("debug", "info", "warning", "error")
METRICS_HELP = "tell Prometheus, on this port of 127.0.0.1, as http://127.0.0.1:PORT/metrics; 0 is any free one (none)"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage around it."""

    def __init__(self, description: str) -> None:
        super().__init__(prog=program(), description=description, allow_abbrev=False)

    def parse_args(  # type: ignore[override]  # argparse's has a form for each kind of namespace
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """As argparse's; what the environment asks of the reactor has to be possible as well."""
        given = super().parse_args(args, namespace)
        try:
            asked.seconds(None, True, os.environ.get("REACTOR_WATCHDOG"))
        except ValueError as why:
            self.error(str(why))
        return given

    def error(self, message: str) -> NoReturn:
        complain(f"{self.prog}: {' '.join(message.split())} (--help lists the options)")
        sys.exit(USAGE_ERROR)


def server_parser(description: str, port: int) -> Parser:
    """A parser with --host and --port, which every server takes."""
    parser = Parser(description)
    where = "address or name to listen on (%(default)s)"
    parser.add_argument("--host", type=host_name, default="127.0.0.1", help=where)
    parser.add_argument("--port", type=port_number, default=port, help="0 takes any free one (%(default)s)")
    return parser


def add_tls_options(parser: argparse.ArgumentParser) -> None:
    """--tls-cert and --tls-key, for `tls_context`."""
    parser.add_argument("--tls-cert", metavar="FILE", help="serve TLS with this certificate (PEM, with its chain)")
    parser.add_argument("--tls-key", metavar="FILE", help="the certificate's key, if it is in a file of its own")


def add_metrics_option(parser: argparse.ArgumentParser) -> None:
    """--metrics PORT."""
    parser.add_argument("--metrics", type=port_number, metavar="PORT", help=METRICS_HELP)


def add_workers_option(parser: argparse.ArgumentParser) -> None:
    """--workers N."""
    text = "processes that share the port, and nothing else; 0 is none: this one serves alone (%(default)s)"
    parser.add_argument("--workers", type=count, default=0, metavar="N", help=text)


def add_log_option(parser: argparse.ArgumentParser) -> None:
    """--log-level LEVEL, for `log_to_stderr`."""
    text = f"{', '.join(LEVELS)} (%(default)s)"
    parser.add_argument("--log-level", choices=LEVELS, default="warning", metavar="LEVEL", help=text)


def host_name(text: str) -> str:
    """Where to listen. Nothing is no address: it would be all of them, and `--host "$HOST"` often means another."""
    if not text:
        raise argparse.ArgumentTypeError("a host is an address or a name, and not empty; 0.0.0.0 or :: is all of them")
    return text


def port_number(text: str) -> int:
    """A port, as argparse asks for it: `type=port_number`."""
    port = number(text, int)
    if not 0 <= port <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"a port is 0 to {LAST_PORT}, not {text}")
    return port


def count(text: str) -> int:
    """A number of things; 0 is often none or no limit."""
    found = number(text, int)
    if found < 0:
        raise argparse.ArgumentTypeError(f"must not be negative: {text}")
    return found


def rate(text: str) -> float:
    """A number a second."""
    found = number(text, float)
    if not 0 <= found < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number from 0 up, not {text}")
    return found


def number(text: str, kind: Callable[[str], N]) -> N:
    """What `kind` reads in `text`. argparse would name the function that has refused it."""
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text}") from None
