"""The server's command line for the page: where it is served, and the link that people are given."""

from __future__ import annotations

import argparse
import ipaddress
import socket
import ssl
from contextlib import suppress

from reactor import Listener
from reactor.serving import address, host_name, port_number, say

from ..session import Chat

_IPV4 = socket.AF_INET, "192.0.2.1", "127.0.0.1"  # an address that nobody has (RFC 5737), and this machine
_IPV6 = socket.AF_INET6, "2001:db8::1", "::1"  # RFC 3849


def add_web_options(parser: argparse.ArgumentParser) -> None:
    """--web, --web-host and --web-origin."""
    option = parser.add_argument
    option("--web", type=port_number, metavar="PORT", help="a page for browsers there; 0 takes any free port (none)")
    option("--web-host", type=host_name, metavar="HOST", help="address or name that the page is served on (as --host)")
    option(
        "--web-origin", action="append", metavar="URL",
        help="whose pages may connect, where a proxy hides the Host that browsers ask for: https://chat.example",
    )  # fmt: skip


def open_page(chat: Chat, options: argparse.Namespace, tls: ssl.SSLContext | None) -> list[Listener]:
    """Serve the page, if it is wanted, and say where once the server says where it listens. Raises ListenError."""
    if options.web is None:
        return []
    from .page import WebChat  # who wants no page need not load http

    page = WebChat(chat, origins=options.web_origin)
    listener = page.listen(options.web_host or options.host, options.web, tls=tls)
    scheme = "http" if tls is None else "https"
    where = reachable(listener.addresses[0])
    # Later than the server's own line, which is due in this tick.
    chat.reactor.call_soon(chat.reactor.call_soon, say, f"web page on {scheme}://{address(where)}/")
    return [listener]


def reachable(name: tuple[str, int]) -> tuple[str, int]:
    """An address that others can open: for one that stands for all, this machine's on its network."""
    host, port = name[:2]
    listening = ipaddress.ip_address(host.partition("%")[0])
    if not listening.is_unspecified:
        return host, port
    family, elsewhere, here = _IPV4 if listening.version == 4 else _IPV6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((elsewhere, 9))  # sends nothing: the system only looks up which address it would send from
        return probe.getsockname()[0], port
    return here, port
