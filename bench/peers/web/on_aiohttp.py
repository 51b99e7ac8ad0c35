#!/usr/bin/env python3
"""The WebSockets of `bench/websocket.py` with aiohttp, as its documentation writes them."""

import asyncio
import sys

try:
    from aiohttp import WSMsgType, web
except ImportError:
    sys.exit("aiohttp is not installed")

members = set()


async def prepared(request):
    socket = web.WebSocketResponse(max_msg_size=1 << 24)
    await socket.prepare(request)
    return socket


async def echo(request):
    """Send back."""
    socket = await prepared(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        else:
            await socket.send_bytes(message.data)
    return socket


async def room(request):
    """Send to all."""
    socket = await prepared(request)
    members.add(socket)
    try:
        async for message in socket:
            for member in members:
                await member.send_str(message.data)
    finally:
        members.discard(socket)
    return socket


async def main(port):
    app = web.Application()
    app.add_routes([web.get("/echo", echo), web.get("/room", room)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"listening on {host}:{port}", flush=True)
    await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[-1].removeprefix("--port="))))
