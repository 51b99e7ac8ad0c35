"""What every server needs around its protocol: a command line, TLS files, workers, signals, one line that says where.

    import sys
    from reactor import LineProtocol
    from reactor.serving import run

    class Shout(LineProtocol):
        def line_received(self, line):
            self.send_line(line.upper())

    sys.exit(run(lambda reactor: Shout, port=9000))

is a server with --host, --port, --tls-cert, --tls-key, --workers and --log-level. Where that is not what a program
needs, it is put together from the same parts: `server_parser`, `listen`, `serve`, `supervise`. Nothing here is needed
to use a reactor, and `import reactor` does not load it.

The files, from the bottom up; a file imports only from those above it in this list:

    output    lines for people: what is said on stdout, what is wrong on stderr, the log
    options   the command line: numbers, ports, one line for what is wrong with it
    machine   descriptors, and running as root
    tls       certificate and key from files, and taking new ones over
    signals   a dump on SIGUSR1, a reload on SIGHUP
    server    listening, saying where, running; in one process or in several
    command   `run`: all of it, for a program that is a server and nothing else
"""

from __future__ import annotations

from .command import run
from .machine import raise_descriptor_limit, warn_if_root
from .options import (
    USAGE_ERROR,
    Parser,
    add_log_option,
    add_metrics_option,
    add_tls_options,
    add_workers_option,
    count,
    host_name,
    number,
    port_number,
    rate,
    server_parser,
)  # fmt: skip
from .output import address, complain, in_words, log_to_stderr, program, say
from .server import announce, given_sockets, listen, serve, supervise
from .signals import dump_on_signal, on_hangup
from .tls import tls_context

__all__ = [
    "USAGE_ERROR",
    "Parser",
    "add_log_option",
    "add_metrics_option",
    "add_tls_options",
    "add_workers_option",
    "address",
    "announce",
    "complain",
    "count",
    "dump_on_signal",
    "given_sockets",
    "host_name",
    "in_words",
    "listen",
    "log_to_stderr",
    "number",
    "on_hangup",
    "port_number",
    "program",
    "raise_descriptor_limit",
    "rate",
    "run",
    "say",
    "serve",
    "server_parser",
    "supervise",
    "tls_context",
    "warn_if_root",
]
