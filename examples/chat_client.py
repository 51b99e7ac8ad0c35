#!/usr/bin/env python3
"""A chat client: types and receives at once, on one loop. `chat_client.py --name Ada`; end with Ctrl-D or `exit`.

With a stdin that is no terminal it is a tool for scripts: `printf '/who\\n' | chat_client.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

from _cli import Parser, complain, port_number

from protocols.text import sanitize
from reactor import LineProtocol, Reactor, ReactorError, StreamTransport


class Server(LineProtocol):
    """The connection to the server. What it says is shown, made safe for a terminal whoever the server is."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def line_received(self, line: bytes) -> None:
        self.client.show(sanitize(line.decode(errors="replace")))

    def pause_writing(self) -> None:
        self.client.terminal.pause_reading()

    def resume_writing(self) -> None:
        self.client.terminal.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.client.on_server_gone(exc)

    def draining(self, grace: float) -> None:
        self.client.leaving = True


class Terminal(LineProtocol):
    """Standard input and output. What is typed goes to the server, whole lines only and the last one in any case."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def line_received(self, line: bytes) -> None:
        self.client.server.write(line + b"\n")

    def line_too_long(self, size: int) -> None:
        complain(f"not sent: a line of more than {self.max_line} bytes")

    def eof_received(self) -> bool:
        super().eof_received()
        self.client.leaving = True
        self.client.server.write_eof()  # the server answers what it has, then ends as well
        return True  # and its answers are still to be shown

    def connection_lost(self, exc: Exception | None) -> None:
        self.client.leaving = True
        self.client.server.close()  # nobody sees what it says any more


class Client:
    """The two connections, and how they end together."""

    server: StreamTransport
    terminal: StreamTransport

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.leaving = False
        self.status = 0

    def run(self, host: str, port: int, name: str | None) -> int:
        """Chat until either side ends. Gives the exit status."""
        connecting = self.reactor.connect_tcp(lambda: Server(self), host, port)
        self.server, _ = self.reactor.run_until(connecting)
        if name is not None:
            self.server.write(f"/nick {sanitize(name)}\n".encode())
        self.terminal = self.reactor.open_stdio(lambda: Terminal(self))
        self.reactor.run()
        return self.status

    def show(self, line: str) -> None:
        self.terminal.write(f"{line}\n".encode())

    def on_server_gone(self, exc: Exception | None) -> None:
        if not self.leaving:
            complain(f"the server is gone: {exc}" if exc else "the server has closed the connection")
        self.status = 1 if exc else 0
        self.reactor.drain()  # what is still to be shown is, then the loop stops


def main() -> int:
    parser = Parser("Chat in a terminal.")
    parser.add_argument("--host", default="127.0.0.1", help="the server's address or name (%(default)s)")
    parser.add_argument("--port", type=port_number, default=2401, help="the server's port (%(default)s)")
    parser.add_argument("--name", help="be called so")
    options = parser.parse_args()
    if not options.port:
        parser.error("argument --port: a server's port is 1 to 65535")
    with Reactor() as reactor:
        try:
            return Client(reactor).run(options.host, options.port, options.name)
        except (OSError, ReactorError) as error:
            complain(f"{parser.prog}: {error}")
            return 1
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(main())
