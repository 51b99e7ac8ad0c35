#!/usr/bin/env python3
"""A chat server with the operator's console on stdin. Try it with `nc 127.0.0.1 2401` from several terminals."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

from _cli import Parser, count, listen, log_to_stderr, rate, serve, server_parser

from protocols.chat import CONSOLE_LIMITS, LIMITS, TIMEOUTS, Chat, Console, Door, Settings
from reactor import Listener, Reactor

PER_ADDRESS = 16  # connections: a family behind one router, and no more of one troublemaker
PER_IP_HELP = f"0 is no limit; given, it counts loopback as well ({PER_ADDRESS}, and loopback not)"
LEVELS = ("debug", "info", "warning", "error")


def parser() -> Parser:
    parser = server_parser("Chat with everybody who connects.", 2401)
    option = parser.add_argument
    option("--no-console", action="store_true", help="do not read what the operator types, nor show what is said")
    option("--max-clients", type=count, default=10_000, metavar="N", help="0 is no limit (%(default)s)")
    option("--max-per-ip", type=count, metavar="N", help=PER_IP_HELP)
    option("--flood-rate", type=rate, default=2.0, metavar="N", help="messages a second, 0 is no limit (%(default)g)")
    option("--flood-burst", type=burst, default=10.0, metavar="N", help="messages at once (%(default)g)")
    option("--log-level", choices=LEVELS, default="info", metavar="LEVEL", help=f"{', '.join(LEVELS)} (%(default)s)")
    return parser


def burst(text: str) -> float:
    """A burst lets at least one message pass."""
    number = rate(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number


def door(options: argparse.Namespace) -> Door:
    """Loopback counts only where the operator gave the number."""
    given: int | None = options.max_per_ip
    per_address = PER_ADDRESS if given is None else given
    return Door(options.max_clients or None, per_address or None, spare_loopback=given is None)


def main() -> int:
    options = parser().parse_args()
    log_to_stderr(options.log_level)
    with Reactor() as reactor:
        chat = Chat(reactor, Settings(options.flood_rate, options.flood_burst), door(options))

        def open_console() -> None:
            reactor.open_stdio(lambda: Console(chat.hub), limits=CONSOLE_LIMITS)

        def begin() -> list[Listener]:
            listeners = listen(reactor, chat.session, options, limits=LIMITS, timeouts=TIMEOUTS)
            if not options.no_console:
                reactor.call_soon(open_console)
            return listeners

        return serve(reactor, begin)


if __name__ == "__main__":
    sys.exit(main())
