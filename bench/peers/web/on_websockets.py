#!/usr/bin/env python3
"""The WebSockets of `bench/websocket.py` with the library websockets, as its documentation writes them."""

import asyncio
import sys

try:
    import websockets
    from websockets.asyncio.server import broadcast, serve
except ImportError:
    sys.exit("websockets is not installed")

members = set()


async def handler(socket):
    """/echo sends back, /room sends to all."""
    if socket.request.path == "/echo":
        async for message in socket:
            await socket.send(message)
        return
    members.add(socket)
    try:
        async for message in socket:
            broadcast(members, message)
    except websockets.ConnectionClosed:
        pass
    finally:
        members.discard(socket)


async def main(port):
    # No pings: the load counts bytes, and answers none.
    async with serve(handler, "127.0.0.1", port, max_size=1 << 24, ping_interval=None) as server:
        host, port = server.sockets[0].getsockname()[:2]
        print(f"listening on {host}:{port}", flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[-1].removeprefix("--port="))))
