"""Running an asyncio.Protocol (or DatagramProtocol) as a server, on asyncio's own loop or another. Knows no wire."""

import argparse
import asyncio
import importlib
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

from command import BACKLOG, missing

CERTIFICATE = Path(__file__).parents[2] / "tests" / "certificates" / "localhost.pem"


async def serve(
    factory: Callable[[], asyncio.BaseProtocol], host: str, port: int, datagrams: bool, tls: ssl.SSLContext | None
) -> None:
    """Listen, say where, and leave on SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    leave = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, leave.set)
    if datagrams:
        server, _ = await loop.create_datagram_endpoint(factory, (host, port))
        host, port = server.get_extra_info("sockname")[:2]
    else:
        server = await loop.create_server(factory, host, port, backlog=BACKLOG, ssl=tls)
        for sock in server.sockets:  # what it accepts inherits this on Linux; a loop may not do it for itself
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = server.sockets[0].getsockname()[:2]
    print(f"listening on {host}:{port}", flush=True)
    await leave.wait()
    server.close()


def main(factory: Callable[[], asyncio.BaseProtocol], description: str, datagrams: bool = False) -> int:
    """Run one peer from its command line."""
    options = parse(description)
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
    try:
        loop_factory = importlib.import_module(options.loop).new_event_loop
    except ImportError:
        return missing(options.loop)
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(serve(factory, options.host, options.port, datagrams, tls))
    except OSError as error:
        print(f"cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
        return 1
    return 0


def parse(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--loop", choices=("asyncio", "uvloop", "rloop"), default="asyncio", help="whose event loop")
    parser.add_argument("--tls", action="store_true", help="with the certificate of the tests")
    parser.add_argument("--silent", action="store_true", help="chat: nobody's joining or leaving is announced")
    parser.add_argument("--join", action="store_true", help="lines: one write for all replies to one read")
    return parser.parse_args()
