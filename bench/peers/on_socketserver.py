#!/usr/bin/env python3
"""Echo, lines and the chat on `socketserver.ThreadingTCPServer`, with the handlers of the threaded baselines."""

import socket
import socketserver
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from command import BACKLOG, leave_on_signals, listening, parse

from servers.threaded_chat import ROOM, chat
from servers.threaded_echo import echo
from servers.threaded_lines import answer

OPTIONS = parse(__doc__)
ROOM.silent = OPTIONS.silent
SERVE = {"echo": echo, "lines": answer, "chat": chat}[OPTIONS.service]


class Handler(socketserver.BaseRequestHandler):
    """What the threaded baseline does, on the standard library's server."""

    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            SERVE(self.request)
        except OSError:
            pass  # the peer is gone


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = BACKLOG
    allow_reuse_address = True
    daemon_threads = True


leave_on_signals()
with Server((OPTIONS.host, OPTIONS.port), Handler) as server:
    listening(server.server_address)
    server.serve_forever(poll_interval=60)  # it ends by a signal, so it need not look up twice a second
