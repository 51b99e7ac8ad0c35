"""The chat server's command line: `python -m protocols.chat`. Talk to it with `nc 127.0.0.1 2401`."""

from __future__ import annotations

import argparse
import atexit
import functools
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reactor import Listener, Reactor
from reactor.serving import (
    Parser,
    add_metrics_option,
    add_tls_options,
    complain,
    count,
    in_words,
    listen,
    log_to_stderr,
    program,
    raise_descriptor_limit,
    rate,
    say,
    serve,
    server_parser,
    tls_context,
    warn_if_root,
)

from ..admission.door import Door
from ..places import check_place
from .cluster.options import add_cluster_options, cluster_metrics, join_cluster, log_options
from .motd import read_motd
from .operators.console import LIMITS as CONSOLE_LIMITS, Console
from .operators.enrol import enrol
from .operators.operator_commands import set_up_operators
from .operators.passwords import check as check_passwords
from .operators.powers import Powers
from .rooms.hub import Hub
from .session import TIMEOUTS, Chat, Settings
from .storage.files import warn_if_open
from .web.options import add_web_options, open_page

try:
    from .client.terminal import Modes
    from .operators.at_terminal import TerminalConsole
except ImportError:  # no termios: Windows. Lines are edited by the console itself
    Modes = TerminalConsole = None  # type: ignore[assignment,misc]

if TYPE_CHECKING:
    from .storage.store import Store

PER_ADDRESS = 16  # connections: a family behind one router, and no more of one troublemaker
PER_SHARED = 128  # of a private or link-local address: four classes behind a school's router
PER_IP_HELP = (
    f"connections from one address (default: {PER_ADDRESS}, {PER_SHARED} if private, loopback not counted); 0: any"
)
CONSOLE_HELP = "read what the operator types, and show what is said (unless stdin is closed or /dev/null)"
LEVELS = ("debug", "info", "warning", "error")
LEVEL_HELP = f"{', '.join(LEVELS)} (info; warning where the log would run into the console on a terminal)"
SPARE = 64  # descriptors beside the members': files, the reactor's own, those at the door

log = logging.getLogger("protocols.chat")


def parser() -> Parser:
    parser = server_parser("Chat with everybody who connects.", 2401)
    option = parser.add_argument
    option("--console", action=argparse.BooleanOptionalAction, help=CONSOLE_HELP)
    option("--max-clients", type=count, default=10_000, metavar="N", help="0 is no limit (%(default)s)")
    option("--max-per-ip", type=count, metavar="N", help=PER_IP_HELP)
    option("--flood-rate", type=rate, default=2.0, metavar="N", help="messages a second, 0 is no limit (%(default)g)")
    option("--flood-burst", type=burst, default=10.0, metavar="N", help="messages at once (%(default)g)")
    option("--idle-timeout", type=rate, default=0.0, metavar="S", help="seconds of silence, 0 is no limit (0)")
    option("--history", type=history, default=50, metavar="N", help="lines shown to who joins a room (%(default)s)")
    option("--history-db", metavar="FILE", help="keep the history in this SQLite file, across restarts")
    option("--bans", metavar="FILE", help="where bans are kept, one a line; reread on SIGHUP")
    option("--oper-file", metavar="FILE", help="passwords of operators who may /oper from afar")
    option("--new-oper", metavar="NAME", help="ask for a password for NAME, put it into --oper-file, and leave")
    option("--motd", metavar="FILE", help="a message of the day for newcomers; reread on SIGHUP")
    add_tls_options(parser)
    add_web_options(parser)
    add_cluster_options(parser)
    add_metrics_option(parser)
    option("--log-level", choices=LEVELS, metavar="LEVEL", help=LEVEL_HELP)
    return parser


def burst(text: str) -> float:
    """A burst lets at least one message pass."""
    number = rate(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number


def history(text: str) -> int:
    """Lines; memory holds them for each room."""
    number = count(text)
    if number > 10_000:
        raise argparse.ArgumentTypeError(f"must be at most 10000, not {text}")
    return number


def door(options: argparse.Namespace) -> Door:
    """Loopback counts only where the operator gave the number."""
    given: int | None = options.max_per_ip
    per_address = PER_ADDRESS if given is None else given
    return Door(
        options.max_clients or None,
        per_address or None,
        per_shared=PER_SHARED if given is None else None,
        spare_loopback=given is None,
    )


def settings(options: argparse.Namespace) -> Settings:
    return Settings(options.flood_rate, options.flood_burst, options.history, options.idle_timeout, motd(options))


def check_places(options: argparse.Namespace) -> None:
    """Raise OSError where a neighbour may have put a file there that says whom to trust, or what everybody reads."""
    trusted = (options.motd, options.tls_cert, options.tls_key, options.cluster_ca, options.cluster_password_file)
    for path in filter(None, trusted):
        check_place(path)


def motd(options: argparse.Namespace) -> bytes:
    return read_motd(options.motd) if options.motd else b""


def open_store(hub: Hub, options: argparse.Namespace) -> Store | None:
    """The history that was kept, brought back, and kept from now on."""
    if not options.history_db:
        return None
    try:
        from .storage.keep import keep_history
        from .storage.store import Store
    except ImportError as error:  # some systems pack sqlite3 apart from Python
        log.warning("the history is not kept in %s: %s", options.history_db, error)
        return None
    store = Store(options.history_db, lines=options.history, on_fault=log.warning, on_mended=log.warning)
    keep_history(hub, store)
    return store


def open_metrics(reactor: Reactor, chat: Chat, port: int | None) -> Listener | None:
    """--metrics; whoever does not ask for them need not load HTTP."""
    if port is None:
        return None
    from ..metrics import listen_for_scrapes

    return listen_for_scrapes(reactor, port, more=cluster_metrics(chat))


def new_operator(options: argparse.Namespace) -> int:
    """Make a password and leave. Gives the exit status."""
    try:
        enrol(options.oper_file, options.new_oper)
    except (OSError, ValueError) as error:
        complain(f"{program()}: {in_words(error)}")
        return 1
    except KeyboardInterrupt:
        return 130
    say(f"{options.oper_file} has a password for {options.new_oper} now")
    return 0


def has_console(options: argparse.Namespace) -> bool:
    """Whether an operator is there. A service has none, and what people say would end in its manager's journal."""
    if options.console is None:
        options.console = is_stdin_open()
    return bool(options.console)


def is_stdin_open() -> bool:
    """Whether stdin is something that could be typed into: not closed, and not /dev/null."""
    try:
        return sys.stdin is not None and not os.path.samestat(os.fstat(sys.stdin.fileno()), os.stat(os.devnull))
    except (OSError, ValueError):
        return False


def is_terminal() -> bool:
    """Whether the operator sits at a terminal that is there: one that has hung up is none any more."""
    return sys.stdin is not None and sys.stdin.isatty()


def default_level(options: argparse.Namespace) -> str:
    """Joins and leaves are on the console already, and two reports of each on one terminal are one too many."""
    return "warning" if has_console(options) and sys.stderr is not None and sys.stderr.isatty() else "info"


def console(powers: Powers) -> Callable[[], Any]:
    """The factory of the console: one with a row for typing where somebody sits at a terminal, in the foreground."""
    if not has_screen():
        return lambda: Console(powers)
    modes = Modes(sys.stdin.fileno())
    if not modes.in_foreground():
        return lambda: Console(powers)
    atexit.register(modes.leave)
    return TerminalConsole(powers, modes).protocol


def has_screen() -> bool:
    """Whether a line can be kept at the bottom of a terminal."""
    streams = (sys.stdin, sys.stdout)
    terminals = all(stream is not None and not stream.closed and stream.isatty() for stream in streams)
    return Modes is not None and terminals and os.environ.get("TERM", "dumb") != "dumb"


def main() -> int:
    arguments = parser()
    options = arguments.parse_args()
    log_to_stderr(options.log_level or default_level(options))
    if options.new_oper is not None:
        return new_operator(options) if options.oper_file else arguments.error("--new-oper needs --oper-file")
    if options.web is None and (options.web_host or options.web_origin):
        arguments.error("--web-host and --web-origin are for --web")
    try:
        check_places(options)
        context, chosen = tls_context(options.tls_cert, options.tls_key), settings(options)
        if options.oper_file:
            check_passwords(options.oper_file)
        if options.cluster:
            log_options(options)
        if options.cluster and options.cluster_password_file:
            warn_if_open(options.cluster_password_file, "cluster")
    except (OSError, ValueError) as error:
        arguments.error(in_words(error))
    raise_descriptor_limit(options.max_clients + SPARE)
    with Reactor() as reactor:
        chat = Chat(reactor, chosen, door(options))
        store = open_store(chat.hub, options)
        powers = set_up_operators(chat, options.bans, options.oper_file)

        if options.cluster and (why := join_cluster(reactor, chat, powers, options)) is not None:
            if why:
                complain(f"{program()}: {why}")
            return 1 if why else 0

        at_terminal = has_console(options) and is_terminal()

        def reload() -> None:
            if at_terminal and not is_terminal():
                log.info("event=hangup")
                reactor.drain()  # the window was closed: a server that nobody sees would hold the port for ever
                return
            try:
                check_places(options)
                powers.bans.reread()
                chosen.motd = motd(options)
                tls_context(options.tls_cert, options.tls_key, context)
                log.info("event=reload")
            except (OSError, ValueError) as error:
                log.warning("not reloaded: %s", in_words(error))

        def open_console() -> None:
            reactor.open_stdio(console(powers), limits=CONSOLE_LIMITS, keep_input=True)

        def begin() -> list[Listener]:
            bounds = {"limits": chat.limits, "timeouts": TIMEOUTS}
            listeners = listen(reactor, chat.session, options.host, options.port, **bounds, tls=context)
            warn_if_root([*listeners, *open_page(chat, options, context)])
            if hasattr(signal, "SIGHUP"):  # Windows has none
                reactor.add_signal_handler(signal.SIGHUP, reload)
            if has_console(options):
                # Behind all lines that tell a place, the page's too: they would run into the row for typing.
                reactor.call_soon(reactor.call_soon, open_console)
            return listeners

        status = serve(reactor, begin, metrics=functools.partial(open_metrics, reactor, chat, options.metrics))
        if store is not None:
            store.close()
        powers.bans.finish()
        return status
