"""The options of a chat server that is one of several, and its joining them."""

from __future__ import annotations

import argparse
import functools
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reactor import Reactor
from reactor.serving import complain, number, program

from ...places import check_place
from ..operators.powers import Powers
from ..rooms.inputs import Inputs
from ..session import Chat

PASSWORD = "REDIS_PASSWORD"  # of the environment: who may list processes sees the arguments of all

URL_HELP = "be one chat with all servers on this Redis: redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], or rediss://"
PASSWORD_HELP = f"the password of Redis is the first line of this file (or in {PASSWORD}, or in the URL)"


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--cluster", type=url, metavar="URL", help=URL_HELP)
    option("--cluster-ttl", type=ttl, default=10.0, metavar="S", help="seconds until a silent server is gone (10)")
    option("--cluster-prefix", default="chat:", metavar="TEXT", help="how the names of keys begin (%(default)s)")
    option("--cluster-password-file", metavar="FILE", help=PASSWORD_HELP)
    option("--workers", type=no_workers, metavar="N", help=argparse.SUPPRESS)
    option("--cluster-ca", metavar="FILE", help="who vouches for the certificate of Redis (the system's, without)")


def no_workers(text: str) -> None:
    """Other servers have it; here each process would be a chat of its own."""
    raise argparse.ArgumentTypeError(
        "a chat is one process, which is enough for thousands; for more, start it several times, "
        "each with a --port of its own and the same --cluster redis://HOST"
    )


def url(text: str) -> str:
    """A URL of Redis; what is wrong with it never shows its password."""
    from ...redis.url import parse_redis_url  # here and below: whoever is alone need not load Redis

    try:
        parse_redis_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def ttl(text: str) -> float:
    seconds = number(text, float)
    if not 1 <= seconds <= 600:
        raise argparse.ArgumentTypeError(f"must be 1 to 600, not {text}")
    return seconds


def log_options(options: argparse.Namespace) -> dict[str, Any]:
    """What a RedisLog is made with. Raises OSError and ValueError where a file is none."""
    import ssl

    from ...redis.url import parse_redis_url

    found: dict[str, Any] = {"prefix": options.cluster_prefix}
    if options.cluster_ca:
        if not parse_redis_url(options.cluster).tls:
            raise ValueError("--cluster-ca is for rediss://")
        try:
            found["tls"] = ssl.create_default_context(cafile=options.cluster_ca)
        except ssl.SSLError:
            raise ValueError(f"{options.cluster_ca}: no certificates in PEM form") from None
    if options.cluster_password_file:
        Path(options.cluster_password_file).open("rb").close()  # what is missing now is a slip
        found["password"] = functools.partial(_password, options.cluster_password_file)
    elif (password := os.environ.get(PASSWORD)) and not parse_redis_url(options.cluster).password:
        found["password"] = password
    return found


def _password(path: str) -> str:
    """Asked for at each login. Raises OSError, also where a neighbour may have put the file there."""
    from ...redis.url import password_from_file

    check_place(path)
    return password_from_file(path)()


def join_cluster(reactor: Reactor, chat: Chat, powers: Powers, options: argparse.Namespace) -> str | None:
    """Join, or find that the log cannot be reached. Gives why this server must not go on; "" is a signal's doing."""
    from ...redis.errors import LoginRefused
    from ...redis.url import parse_redis_url
    from .cluster import Cluster
    from .operating import SharedConsole
    from .redis_log import RedisLog

    refusal: list[str] = []
    settled: list[bool] = []

    def on_down(error: Exception) -> None:
        if isinstance(error, LoginRefused):
            refusal.append(f"{parse_redis_url(options.cluster)} does not let us in: {error}")
            cluster.close()  # before it tries again
        else:
            complain(f"{program()}: alone for now: {error}")

    def on_settled() -> None:
        settled.append(True)
        reactor.stop()

    console = SharedConsole(powers)
    title = f"{socket.gethostname()}:{options.port or os.getpid()}"
    cluster = Cluster(
        reactor, chat.hub, RedisLog(reactor, options.cluster, **log_options(options)), console, title=title,
        ttl=options.cluster_ttl, wall=time.time, on_settled=on_settled, on_down=on_down,
    )  # fmt: skip
    console.attach(cluster)
    chat.inputs = cluster
    reactor.run()
    return refusal[0] if refusal else None if settled else ""


def cluster_metrics(chat: Chat) -> Callable[[], str] | None:
    """What --metrics tells of the cluster, if the chat is in one."""
    if type(chat.inputs) is Inputs:
        return None
    from .cluster import Cluster

    cluster = chat.inputs
    assert isinstance(cluster, Cluster)
    from .exposition import exposition

    return functools.partial(exposition, cluster)
