"""The chatbot's command line: `python -m protocols.bot`.

With `--join HOST:PORT` it sits in a chat room as well, and answers whoever speaks to it by name.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

from reactor import Listener, Reactor, ReconnectingClient, StreamTransport
from reactor.serving import (
    Parser,
    add_log_option,
    complain,
    count,
    listen,
    log_to_stderr,
    number,
    port_number,
    serve,
    server_parser,
)

from ..admission.door import Door
from ..http import Client
from .backends.backend import BadSetting
from .backends.settings import KINDS, make_backend
from .bot import TIMEOUT, Bot
from .member import NAME, Lobby, Member
from .session import TIMEOUTS, BotServer
from .turns import AT_ONCE

PER_ADDRESS = 16  # connections: a family behind one router, and no more of one troublemaker
PER_SHARED = 128  # of a private or link-local address: four classes behind a school's router
LONGEST_TIMEOUT = 3600.0  # seconds: who waits longer than an hour has gone home


def parser() -> Parser:
    parser = server_parser("Chat with whoever connects: the tutorial's robot.", 9999)
    option = parser.add_argument
    kinds = "; ".join(f"{name}: {kind.help}" for name, kind in KINDS.items())
    option("--backend", default="offline", metavar="NAME", help=f"where answers come from ({kinds}) (%(default)s)")
    option("--url", help="the API's address: the endpoint, or the base of an openai or ollama one")
    option("--key-env", metavar="VARIABLE", help="the environment variable that holds the API's key")
    option("--model", help="the model's name, for openai and ollama")
    option("--no-stream", action="store_true", help="ask the API for each answer in one piece")
    option("--timeout", type=seconds, default=TIMEOUT, metavar="S", help="seconds for an answer (%(default)g)")
    option("--join", type=place, metavar="HOST:PORT", help="sit in the chat that is there as well")
    option("--room", type=one_line, default="", help="the chat's room to be in")
    option("--name", type=one_line, default=NAME, help="what to be called in the chat (%(default)s)")
    option("--max-clients", type=count, default=1000, metavar="N", help="0 is no limit (%(default)s)")
    option(
        "--max-per-ip",
        type=count,
        metavar="N",
        help=f"0: any ({PER_ADDRESS}, {PER_SHARED} if private, loopback not counted)",
    )
    add_log_option(parser)
    return parser


def seconds(text: str) -> float:
    """A time to wait."""
    found = number(text, float)
    if not 0 < found <= LONGEST_TIMEOUT:
        raise argparse.ArgumentTypeError(f"must be more than 0 and at most {LONGEST_TIMEOUT:g} seconds, not {text}")
    return found


def place(text: str) -> tuple[str, int]:
    """Where a chat server is."""
    host, _, port = text.rpartition(":")
    if not host or not port_number(port):
        raise argparse.ArgumentTypeError(f"must be HOST:PORT, not {text}")
    return host.removeprefix("[").removesuffix("]"), port_number(port)


def one_line(text: str) -> str:
    """A name that fits into a line."""
    if not text.isprintable():
        raise argparse.ArgumentTypeError("must be one line of text")
    return text


def is_here(options: argparse.Namespace) -> bool:
    """Whether the API is on this machine, to which no proxy leads whatever the environment says."""
    url = options.url or (KINDS[options.backend].url if options.backend in KINDS else "")
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def join(reactor: Reactor, bot: Bot, options: argparse.Namespace) -> ReconnectingClient[Member]:
    """Sit in the chat, and come back whenever it does."""
    host, port = options.join
    lobby = Lobby(bot, options.name, options.room)

    def on_retry(error: OSError | None, delay: float) -> None:
        if error is not None and client.attempts == 1:
            complain(f"not in the chat yet, trying again: {error}")

    def connect(factory: Callable[[], Any]) -> Future[tuple[StreamTransport, Any]]:
        return reactor.connect_tcp(factory, host, port)

    client = ReconnectingClient(reactor, connect, lobby.member, on_retry=on_retry)
    return client


def main() -> int:
    arguments = parser()
    options = arguments.parse_args()
    try:
        backend = make_backend(
            options.backend,
            os.environ,
            url=options.url,
            key_env=options.key_env,
            model=options.model,
            stream=not options.no_stream,
        )
    except BadSetting as error:
        arguments.error(str(error))
    log_to_stderr(options.log_level)
    per_address = PER_ADDRESS if options.max_per_ip is None else options.max_per_ip
    door = Door(
        options.max_clients or None,
        per_address or None,
        per_shared=PER_SHARED if options.max_per_ip is None else None,
        spare_loopback=options.max_per_ip is None,
    )
    with (
        Reactor() as reactor,
        Client(reactor, per_host=AT_ONCE, proxy=False if is_here(options) else None) as client,
    ):
        bot = Bot(reactor, backend, client.fetch, timeout=options.timeout)

        def begin() -> list[Listener]:
            server = BotServer(bot, door)
            bounds = {"limits": server.limits, "timeouts": TIMEOUTS}
            listeners = listen(reactor, server.session, options.host, options.port, **bounds)
            if options.join:
                join(reactor, bot, options)
            return listeners

        return serve(reactor, begin)
