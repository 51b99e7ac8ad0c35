#!/usr/bin/env python3
"""The plaintext of `bench/web.py` with uvicorn, httptools and uvloop: 1 KiB from memory, no access log."""

import socket
import sys

try:
    import httptools  # noqa: F401
    import uvicorn
    import uvloop  # noqa: F401
except ImportError as error:
    sys.exit(f"{error.name} is not installed")

BODY = b"x" * 1024
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/octet-stream"), (b"content-length", b"1024")],
}


async def app(scope, receive, send):
    await send(START)
    await send({"type": "http.response.body", "body": BODY})


if __name__ == "__main__":
    sock = socket.create_server(("127.0.0.1", int(sys.argv[-1].removeprefix("--port="))), backlog=1024)
    print(f"listening on 127.0.0.1:{sock.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_level="error",
        timeout_keep_alive=600,
    )
    uvicorn.Server(config).run(sockets=[sock])
