#!/usr/bin/env python3
"""Our site for `bench/web.py`: the files of --root=DIR, and /memory."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))  # a fresh clone needs no installation

from protocols.http.server import Files, Server
from reactor import Reactor

BODY = b"x" * 1024


def memory(request):
    return BODY


if __name__ == "__main__":
    root, port = sys.argv[1].removeprefix("--root="), int(sys.argv[-1].removeprefix("--port="))
    with Reactor() as reactor:
        site = Server(reactor)
        site.mount("/", Files(root))
        site.route("GET", "/memory", memory)
        listener = site.listen("127.0.0.1", port)
        print(f"listening on 127.0.0.1:{listener.port}", flush=True)
        reactor.run()
