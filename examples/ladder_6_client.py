#!/usr/bin/env python3
"""Step 6: a client. The same kind of protocol, but `connect_tcp` makes it, and the terminal is a connection, too.

`connect_tcp` gives a future: the connection is not there yet, and nothing waits for it. `open_stdio` makes a connection
of stdin and stdout. So two protocols on one loop hand each other lines. Try: step 5 in one terminal, this in two
others. Then stop the server, and put a `ReconnectingClient` in place of `connect_tcp`.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from concurrent.futures import Future
from typing import Any

from reactor import LineProtocol, Reactor
from reactor.serving import complain, in_words, program, server_parser


class Server(LineProtocol):
    """The connection to the chat."""

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.typed: Typed | None = None

    def line_received(self, line: bytes) -> None:
        if self.typed is not None:
            self.typed.send_line(line)

    def connection_lost(self, exc: Exception | None) -> None:
        self.reactor.stop()


class Typed(LineProtocol):
    """The terminal: what is typed is a line that comes, and what is sent is shown."""

    def __init__(self, server: Server) -> None:
        self.server = server
        server.typed = self

    def line_received(self, line: bytes) -> None:
        self.server.send_line(line)

    def eof_received(self) -> bool:
        self.server.transport.write_eof()  # Ctrl-D: what was asked is still answered
        return True


def main() -> int:
    options = server_parser("Talk in the chat of step 5.", 2400).parse_args()
    failed: list[Exception] = []
    with Reactor() as reactor:

        def on_connected(connecting: Future[Any]) -> None:
            if error := connecting.exception():
                failed.append(error)  # type: ignore[arg-type]
                return reactor.stop()
            server = connecting.result()[1]  # done: here result() does not wait
            reactor.open_stdio(lambda: Typed(server))

        reactor.connect_tcp(lambda: Server(reactor), options.host, options.port).add_done_callback(on_connected)
        reactor.run()
    for error in failed:
        complain(f"{program()}: {in_words(error)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
