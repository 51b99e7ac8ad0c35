#!/usr/bin/env python3
"""Our WebSockets for `bench/websocket.py`: /echo sends back, /room sends to all."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))  # a fresh clone needs no installation

from protocols.http.server import Bounds, Server
from protocols.websocket import WebSocket, broadcast
from reactor import Limits, Reactor
from runs.arguments import server_parser

members = set()


class Echo(WebSocket):
    """What comes goes back."""

    max_message = 1 << 24

    def text_received(self, text):
        self.send(text)

    def binary_received(self, data):
        self.send(data)


class Room(WebSocket):
    """What comes goes to all."""

    ping_after = None  # the load counts bytes, and answers no pings

    def connection_made(self, transport):
        members.add(self)

    def connection_lost(self, exc):
        super().connection_lost(exc)
        members.discard(self)

    def text_received(self, text):
        broadcast(members, text)


def main():
    options = server_parser(__doc__, 9101).parse_args()
    with Reactor() as reactor:
        site = Server(reactor, limits=Limits(), bounds=Bounds(per_peer=1_000_000))
        site.route("GET", "/echo", Echo)
        site.route("GET", "/room", Room)
        listener = site.listen(options.host, options.port)
        print(f"listening on {options.host}:{listener.port}", flush=True)
        reactor.run()


if __name__ == "__main__":
    main()
